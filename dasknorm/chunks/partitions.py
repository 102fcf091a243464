"""Partitions of a Dask frame, in tasks of Dask's own: an error says in which of them it was."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dasknorm.errors import MismatchError

__all__ = ["PartitionInfo", "naming"]

PartitionInfo = Mapping[str, Any] | None
"""What Dask tells a function that asks for `partition_info`; None of a frame that is meta."""


@contextmanager
def naming(partition: PartitionInfo) -> Iterator[None]:
    """Let an error about the columns of a partition name the partition."""
    try:
        yield
    except MismatchError as error:
        if partition is None:
            raise
        number = partition["number"]
        raise MismatchError(f"partition {number} of those computed: {error}") from error
