"""Loops over one block in memory: records of statistics, their merges, and affine maps.

Used by api, blocks, cli, fields, io, sklearn, statistics and testing. Add a loop in its own module,
and list its function here.

`moments` summarizes a block in records, and `moments_by_group` a column in one record per group.
`merge`, `merge_into` and `merge_along` combine records. `extrema` and `merge_extrema` do the same
for the least and the greatest value, and `add_to_sketches`, `fold_sketches` and `merge_sketches`
for histograms, from which `sketch_quantiles` reads quantiles. `standardize` and `restore` apply an
affine map, `map_by_group` one per group, and `standardize_by` and `restore_from` one after a
function, such as a logarithm.

Small blocks are computed in NumPy (`in_numpy`), large ones by loops that Numba compiles at the
first call (`compiled`); both use the formulas of `arithmetic`.
"""

from dasknorm.kernels.affine_maps import (
    FUNCTIONS,
    map_by_group,
    restore,
    restore_from,
    standardize,
    standardize_by,
    through,
)
from dasknorm.kernels.block_moments import moments, moments_by_group
from dasknorm.kernels.extrema import EXTREMA, extrema, merge_extrema
from dasknorm.kernels.inputs import AFFINE, RECORD, Kernel
from dasknorm.kernels.merging import merge, merge_along, merge_into
from dasknorm.kernels.sketches import (
    add_to_sketches,
    fold_sketches,
    merge_sketches,
    sketch_dtype,
    sketch_quantiles,
)

__all__ = [
    "AFFINE",
    "EXTREMA",
    "FUNCTIONS",
    "RECORD",
    "Kernel",
    "add_to_sketches",
    "extrema",
    "fold_sketches",
    "map_by_group",
    "merge",
    "merge_along",
    "merge_extrema",
    "merge_into",
    "merge_sketches",
    "moments",
    "moments_by_group",
    "restore",
    "restore_from",
    "sketch_dtype",
    "sketch_quantiles",
    "standardize",
    "standardize_by",
    "through",
]
