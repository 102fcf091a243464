"""NumPy arrays, masked arrays, numbers and lists of numbers.

Used by `containers.dask`, `containers.xarray` and `layer`. The advice in messages can
change without other changes.
"""

from decimal import Decimal
from numbers import Real
from typing import Any, TypeVar

import numpy as np

from dasknorm.blocks import is_numeric
from dasknorm.containers import NO_SELECTION, Container, Selection, register
from dasknorm.fields import Field, Fields

T = TypeVar("T")


@register(np.ndarray, np.generic, list, tuple, int, float)
class Array(Container[T]):
    """An array is one field with the axes -n ... -1; the last of two or more axes is kept."""

    name = "numpy.ndarray"

    def fields(self, data: T, selection: Selection = NO_SELECTION) -> Fields:
        self.check_no_selection(data, selection)
        return {None: array_field(parse_array(data))}

    def rebuild(self, data: T, fields: Fields) -> T:
        return fields[None].data

    def make_results(self, values: Fields) -> np.ndarray | np.generic:
        return values[None].data[()]

    def parse_values(self, values: T) -> tuple[str, Fields]:
        array = np.asanyarray(array_field(parse_array(values)).data)
        array = np.ma.filled(array.astype("f8"), np.nan)
        dims = tuple(range(-array.ndim, 0))
        return self.name, {None: Field(array, dims, {}, dims)}

    def parse_weights(self, data: T, weights: object) -> Field:
        field = super().parse_weights(data, weights)
        if not all(isinstance(dim, int) for dim in field.dims):
            return field
        # NumPy's rule: an axis of size 1 broadcasts to any size.
        dims = tuple(dim for dim, size in field.sizes().items() if size != 1)
        axes = tuple(i for i, dim in enumerate(field.dims) if dim not in dims)
        return Field(field.data.squeeze(axis=axes) if axes else field.data, dims)


def parse_array(data: Any) -> Any:
    """Return numbers or lists of numbers as an array; raise an error that names invalid ones."""
    try:
        array = np.asanyarray(data)
    except ValueError as error:
        if reason := _find_ragged(data, ()):
            raise ValueError(f"lists must have equal lengths: {reason}") from error
        raise
    if isinstance(data, (list, tuple)) and array.dtype.kind in "USOT":
        array = np.asanyarray(data, dtype=object)  # numbers among strings stay numbers
    return array


def _find_ragged(items: Any, index: tuple[int, ...]) -> str:
    """Return text that names the first list whose length differs from that before it."""
    sizes = [len(item) if isinstance(item, (list, tuple)) else None for item in items]
    for i, size in enumerate(sizes):
        if size != sizes[0]:
            first, second = (_format_index((*index, position)) for position in (0, i))
            actual = "is not a list" if size is None else f"has length {size}"
            expected = "is not a list" if sizes[0] is None else f"has length {sizes[0]}"
            return f"element {second} {actual}, and element {first} {expected}"
    nested = enumerate(items if sizes and sizes[0] is not None else ())
    return next(filter(None, (_find_ragged(item, (*index, i)) for i, item in nested)), "")


def array_field(data: Any) -> Field:
    """Return the field of an array without dimension names; TypeError unless numbers are real."""
    if not is_numeric(data.dtype):
        raise TypeError(describe_unsupported(data))
    dims = tuple(range(-data.ndim, 0))
    return Field(data, dims, {}, dims[-1:] if data.ndim > 1 else ())


def describe_unsupported(data: Any) -> str:
    """Return why the dtype of an array is not supported, and how to convert the array."""
    dtype = data.dtype
    cast = "cast it with astype(float)"
    advice = {
        "c": "normalize x.real and x.imag, or abs(x)",
        "f": "cast it with astype('float64')",
        "M": "convert it to a number first, such as (x - x[0]) / np.timedelta64(1, 's')",
        "m": "convert it to a number first, such as x / np.timedelta64(1, 's')",
        "O": find_non_number(data) or cast,
        "V": "use one field of it, x[name]" if dtype.names else cast,
    }.get(dtype.kind, f"{cast} if it is text of numbers; if it is paths, open the files first")
    return f"dtype {dtype} is not one of real numbers that can be averaged; {advice}"


def find_non_number(data: Any) -> str:
    """Return text that names the first element of an object array that is not a real number."""
    if not isinstance(data, np.ndarray):  # a lazy array is not read
        return ""
    for index, value in np.ndenumerate(data):
        if not isinstance(value, (Real, Decimal, np.bool_)):
            kind = type(value).__name__
            return (
                f"element {_format_index(index)} is {value!r} ({kind}). Replace it by a number, "
                "or by np.nan if it is missing, and cast with astype(float)"
            )
    return ""


def _format_index(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]"
