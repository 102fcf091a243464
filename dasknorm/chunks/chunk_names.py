"""Format the positions of chunks and partitions for error messages.

Used by chunks. The texts are free to change, but tests match them.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from dasknorm.chunks.reductions import Reduction
from dasknorm.errors import MismatchError

__all__ = ["Index", "PartitionInfo", "format_chunks", "name_partition"]

Index = tuple[int, ...]
"""The position of a chunk among the chunks along each axis."""

PartitionInfo = Mapping[str, object] | None
"""Dask's value for a function's argument `partition_info`; None for a partition that is meta."""


def format_chunks(reduction: Reduction, indices: Sequence[Index]) -> str:
    """Return the positions of chunks in the array, as in ``time 40:50, lat 0:90``.

    The range includes all the chunks. The partition of a frame is identified by its number.
    """
    parts = []
    for axis, sizes in enumerate(reduction.sizes):
        sizes_before = reduction.sizes_before[axis] if reduction.sizes_before else ()
        numbers = [len(sizes_before) + index[axis] for index in indices]
        if reduction.is_frame:
            return f"partition {_format_range(numbers)}"
        ends = list(itertools.accumulate((*sizes_before, *sizes), initial=0.0))
        start, stop = ends[min(numbers)], ends[max(numbers) + 1]
        dim = reduction.dims[axis] if reduction.dims else axis - len(reduction.sizes)
        name = f"axis {dim}" if isinstance(dim, int) else str(dim)
        has_sizes = start == start and stop == stop  # unknown sizes are NaN
        where = f" {start:.0f}:{stop:.0f}" if has_sizes else f", chunk {_format_range(numbers)}"
        parts.append(name + where)
    return ", ".join(parts) or "the only chunk"


def _format_range(numbers: Sequence[int]) -> str:
    first, last = min(numbers), max(numbers)
    return str(first) if first == last else f"{first} to {last}"


@contextmanager
def name_partition(partition: PartitionInfo) -> Iterator[None]:
    """Add the number of the partition to errors about its columns."""
    try:
        yield
    except MismatchError as error:
        if partition is None:
            raise
        raise MismatchError(
            f"partition {partition['number']} of those computed: {error}"
        ) from error
