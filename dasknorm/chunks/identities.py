"""Identities: what data are, in a word that is the same in every process that opens them."""

from itertools import zip_longest
from typing import Any

from dask.base import tokenize

from dasknorm.blocks.tables import Table
from dasknorm.chunks.lazy import is_lazy

__all__ = ["identity"]

CACHES = ("_dataset_info_cache", "_pq_length_stats")
"""What Dask's reader of Parquet remembers of the files: objects with another token each time."""


def identity(data: Any) -> str:
    """Return a token of what is lazy, by how it is computed; of what is in memory, by content.

    It is as good as the names of Dask: an array that is named anew whenever it is made, as a
    random one without a seed, is another in each process.
    """
    if isinstance(data, Table):
        return tokenize(identity(data.frame), data.read_columns)
    if is_lazy(data) and hasattr(data, "expr"):
        return tokenize(_said(data.expr, {}))
    return tokenize(data)


def _said(expr: Any, known: dict[str, list[Any]]) -> list[Any]:
    """Return all that makes a Dask frame's expression, without its caches."""
    if expr._name not in known:
        operands = zip_longest(expr._parameters, expr.operands)
        known[expr._name] = [
            type(expr).__name__,
            expr.checksum if hasattr(type(expr), "checksum") else None,
            *(
                _said(operand, known) if hasattr(type(operand), "_parameters") else operand
                for name, operand in operands
                if name not in CACHES
            ),
        ]
    return known[expr._name]
