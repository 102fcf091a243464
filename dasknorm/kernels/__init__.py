"""Floor 0: loops over one block in memory.

`moments` summarizes a block in records, `moments_by_group` does so for values of many groups,
`merge`, `merge_into` and `merge_along` make one record of many; `sketches` are histograms that
merge, of which quantiles are read, with three verbs alike; and `standardize` and `restore`
apply the affine map that a floor above makes of them (`map_by_group`: to each value that of its
group). `extrema` and `merge_extrema` do the same for the least and the greatest value, and
`functions` straighten values first. Small blocks are done in NumPy (`plain`), large ones by loops
that Numba compiles when first needed (`runs`, `rows`, `groups`, `maps`), both by the same formulas
(`doubledouble`, `shifts`).
"""

from dasknorm.kernels.affine_maps import restore, standardize
from dasknorm.kernels.block_moments import moments
from dasknorm.kernels.extrema import EXTREMA, extrema, merge_extrema
from dasknorm.kernels.functions import FUNCTIONS, restore_from, standardize_by, through
from dasknorm.kernels.group_maps import map_by_group
from dasknorm.kernels.group_moments import moments_by_group
from dasknorm.kernels.merging import merge, merge_along, merge_into
from dasknorm.kernels.records import AFFINE, RECORD, Kernel
from dasknorm.kernels.sketch_blocks import add_to_sketches
from dasknorm.kernels.sketch_quantiles import sketch_quantiles
from dasknorm.kernels.sketches import fold_sketches, merge_sketches, sketch_dtype

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
