"""Build and run Dask graphs over chunked data; the only package that depends on Dask graphs.

Used by api, fields, reports, sklearn and testing. A change of how chunks are grouped or merged
stays in this folder, but may change the last bits of results.

`Reduction` describes data to summarize. Its records are computed at once if the data are in memory;
lazily by Dask's own reductions (`to_dask`); or now by `run`, whose tasks stream many chunks each,
load a chunk again if that fails, and name a chunk that cannot be loaded. `transform` maps data, and
`replace_values` replaces numbers in them.
The other functions work on records, position by position.

A graph contains only module-level functions, a ``functools.partial`` of one, and objects of
module-level classes: they pickle by name, and equal calls make equal graph names.
"""

from dasknorm.chunks.cluster import thread_count
from dasknorm.chunks.costs import Cost, estimate_cost
from dasknorm.chunks.execute import run
from dasknorm.chunks.lazy import (
    apply,
    combine_weights,
    identity_token,
    is_array,
    is_lazy,
    join,
    merge,
)
from dasknorm.chunks.maps import replace_values, transform
from dasknorm.chunks.reductions import Reduction
from dasknorm.chunks.tree_reduction import to_dask

__all__ = [
    "Cost",
    "Reduction",
    "apply",
    "combine_weights",
    "estimate_cost",
    "identity_token",
    "is_array",
    "is_lazy",
    "join",
    "merge",
    "replace_values",
    "run",
    "thread_count",
    "to_dask",
    "transform",
]
