"""Loops over one block in memory: records of statistics, their merges, and affine maps.

Used by api, blocks, chunks, cli, containers, fields, io, sklearn, statistics and testing. Add a
loop in its own module, and list its function here.

All kernels take the same arguments. `x` is an array of bool, integers, or float16 to float64, of
any shape, byte order and memory layout, and is only read; NaN counts as missing. `axes` are reduced
to size 1; ``()`` gives one record per element. `weights` are finite, at least 0, and broadcast to
x; a value of weight 0 is excluded. A TypeError is raised for other dtypes, and a ValueError for
shapes, axes or weights that do not match and for a read-only target.

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
from dasknorm.kernels.inputs import AFFINE, RECORD, Axes, Kernel, Weights, part_of
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
    "Axes",
    "Kernel",
    "Weights",
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
    "part_of",
    "restore",
    "restore_from",
    "sketch_dtype",
    "sketch_quantiles",
    "standardize",
    "standardize_by",
    "through",
]
