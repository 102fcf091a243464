"""Find numbers in Arrow types that are not numeric: lists, structs, dictionaries and others.

Used by `containers.pandas` and `containers.pyarrow`. The advice in messages can change without
other changes.
"""

from typing import Any

import pyarrow as pa

from dasknorm.blocks.arrow_tables import is_numeric


def describe_type(kind: Any) -> str:
    """Return how to convert a type to numbers if it is not numeric; empty if it has no numbers."""
    kind = getattr(kind, "storage_type", kind)
    if not _has_numbers(kind):
        return ""
    if pa.types.is_struct(kind):
        return "table.flatten() makes a column of each field"
    if not is_nested(kind) or pa.types.is_run_end_encoded(kind):
        return f"cast it to {kind.value_type}"
    return "make a column of each element"


def _has_numbers(kind: pa.DataType) -> bool:
    kind = getattr(kind, "storage_type", kind)
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return _has_numbers(kind.value_type)
    if is_nested(kind):
        return any(_has_numbers(kind.field(i).type) for i in range(kind.num_fields))
    return is_numeric(kind) and not pa.types.is_boolean(kind)


def is_nested(kind: pa.DataType) -> bool:
    """Check whether the values of a type have parts: lists, structs, maps and unions."""
    return bool(pa.types.is_nested(getattr(kind, "storage_type", kind)))
