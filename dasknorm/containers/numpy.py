"""NumPy arrays, masked arrays, numbers and lists of numbers.

Used by `containers.dask` and `layer`. The advice in messages can
change without other changes.
"""

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
        return {None: array_field(np.asanyarray(data))}

    def rebuild(self, data: T, fields: Fields) -> T:
        return fields[None].data

    def make_results(self, values: Fields) -> np.ndarray | np.generic:
        return values[None].data[()]

    def parse_values(self, values: T) -> tuple[str, Fields]:
        array = np.asanyarray(array_field(np.asanyarray(values)).data)
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


def array_field(data: Any) -> Field:
    """Return the field of an array without dimension names; TypeError unless numbers are real."""
    if not is_numeric(data.dtype):
        raise TypeError(_format_unsupported(data.dtype))
    dims = tuple(range(-data.ndim, 0))
    return Field(data, dims, {}, dims[-1:] if data.ndim > 1 else ())


def _format_unsupported(dtype: np.dtype) -> str:
    cast = "cast it with astype(float)"
    advice = {
        "c": "normalize x.real and x.imag, or abs(x)",
        "M": "convert it to a number first, such as (x - x[0]) / np.timedelta64(1, 's')",
        "m": "convert it to a number first, such as x / np.timedelta64(1, 's')",
        "V": "use one field of it, x[name]" if dtype.names else cast,
    }.get(dtype.kind, cast)
    return f"dtype {dtype} is not one of real numbers that can be averaged; {advice}"
