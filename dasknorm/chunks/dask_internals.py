"""Access to attributes of Dask objects that are outside Dask's public interface.

Used by chunks and cli. Another version of Dask may need changes here, and nowhere else.

The attributes exist in Dask 2025.1 to 2026.8; `tests/test_dask_internals.py` checks them.
"""

from itertools import zip_longest
from typing import Any, Protocol

from dask.typing import Key


class DaskNode(Protocol):
    """A node of Dask's graphs: a task, an alias or a value."""

    dependencies: frozenset[Key]


# Operands in which Dask's Parquet reader caches properties of files; their tokens always differ.
CACHES = ("_dataset_info_cache", "_pq_length_stats")


def dependencies(node: object) -> frozenset[Key] | None:
    """Return the keys that a node of an optimized graph depends on; None if it is no node."""
    # Dask's public functions leave out keys of values that only a cluster has.
    keys: frozenset[Key] | None = getattr(node, "dependencies", None)
    return keys


def value_bytes(node: Any) -> int:
    """Return the size of the value in a node that is not a task; 0 if it has no size."""
    return getattr(node(), "nbytes", 0)


def meta(collection: Any) -> Any:
    """Return the empty array or DataFrame with the type and dtypes of a collection's chunks."""
    return collection._meta


def expression_content(collection: Any) -> list[object] | None:
    """Return all that defines a lazy DataFrame, without caches; None if it has no expression."""
    return _content(collection.expr, {}) if hasattr(collection, "expr") else None


def _content(expr: Any, content_by_name: dict[str, list[object]]) -> list[object]:
    if expr._name not in content_by_name:
        operands = zip_longest(expr._parameters, expr.operands)
        content_by_name[expr._name] = [
            type(expr).__name__,
            expr.checksum if hasattr(type(expr), "checksum") else None,
            *(
                _content(operand, content_by_name)
                if hasattr(type(operand), "_parameters")
                else operand
                for name, operand in operands
                if name not in CACHES
            ),
        ]
    return content_by_name[expr._name]
