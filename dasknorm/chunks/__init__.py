"""The graphs: work on data in chunks. No other folder knows Dask graphs.

`Reduction` is data still to be summarized. Its records are had in one of three ways: of data in
memory at once; lazily, by Dask's own tree (`to_dask`); or computed now by `run`, whose tasks stream
many chunks each, try again what failed to load, and say which chunk it was that would not.
`transform` maps data, and the rest works position by position on records.

What goes into a graph is a module-level function, a ``functools.partial`` of one, or an object of a
module-level class: it pickles by name, and equal calls make equal graph names.
"""

from dasknorm.chunks.costs import Cost, cost
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
from dasknorm.chunks.maps import transform
from dasknorm.chunks.reductions import Reduction
from dasknorm.chunks.task_sizes import threads
from dasknorm.chunks.tree_reduction import to_dask

__all__ = [
    "Cost",
    "Reduction",
    "apply",
    "combine_weights",
    "cost",
    "identity_token",
    "is_array",
    "is_lazy",
    "join",
    "merge",
    "run",
    "threads",
    "to_dask",
    "transform",
]
