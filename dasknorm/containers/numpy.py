"""NumPy arrays, masked arrays, numbers and lists of numbers."""

from collections.abc import Hashable
from typing import Any

import numpy as np

from dasknorm.blocks import is_numeric
from dasknorm.containers import NO_SELECTION, Container, Selection, register
from dasknorm.fields import Field, Fields

__all__ = ["Array", "array_field"]


@register(np.ndarray, np.generic, list, tuple, int, float)
class Array(Container):
    """An array is one field. Its axes are -n ... -1; of two or more, the last one is kept."""

    name = "numpy.ndarray"

    def fields(self, data: Any, selection: Selection = NO_SELECTION) -> dict[Hashable, Field]:
        self.check_no_selection(data, selection)
        return {None: array_field(np.asanyarray(data))}

    def rebuild(self, data: Any, fields: Fields) -> Any:
        return fields[None].data

    def report(self, values: Fields) -> Any:
        return values[None].data[()]

    def given(self, values: Any) -> tuple[str, dict[Hashable, Field]]:
        array = np.asanyarray(array_field(np.asanyarray(values)).data)
        array = np.ma.filled(array.astype("f8"), np.nan)
        dims = tuple(range(-array.ndim, 0))
        return self.name, {None: Field(array, dims, {}, dims)}

    def weights(self, data: Any, weights: Any) -> Any:
        field = super().weights(data, weights)
        if not all(isinstance(dim, int) for dim in field.dims):
            return field
        # NumPy's rule: an axis of size 1 goes along with any size.
        wide = [dim for dim, size in field.sizes().items() if size != 1]
        narrow = tuple(i for i, dim in enumerate(field.dims) if dim not in wide)
        return Field(field.data.squeeze(axis=narrow) if narrow else field.data, tuple(wide))


def array_field(data: Any) -> Field:
    """Return the field of an array without names; TypeError unless its numbers are real."""
    if not is_numeric(data.dtype):
        raise TypeError(_not_numeric(data.dtype))
    dims = tuple(range(-data.ndim, 0))
    return Field(data, dims, {}, dims[-1:] if data.ndim > 1 else ())


def _not_numeric(dtype: np.dtype[Any]) -> str:
    cast = "cast it with astype(float)"
    advice = {
        "c": "normalize x.real and x.imag, or abs(x)",
        "M": "convert it to a number first, such as (x - x[0]) / np.timedelta64(1, 's')",
        "m": "convert it to a number first, such as x / np.timedelta64(1, 's')",
        "V": "use one field of it, x[name]" if dtype.names else cast,
    }.get(dtype.kind, cast)
    return f"dtype {dtype} is not one of real numbers that can be averaged; {advice}"
