"""Missing values that a variable in a file marks by numbers, as its attributes declare.

Used by cli.arrays, cli.display, containers.xarray, fields and reports. The conventions are from
CF and netCDF; numbers that are found only after the data were read are in `fill_values`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

MISSING_ATTRIBUTES: Final = ("_FillValue", "missing_value")
"""Attributes whose numbers stand for missing values."""

PACKING_ATTRIBUTES: Final = {"scale_factor": 1.0, "add_offset": 0.0}
"""Attributes of packed data, with the values that do not change the data."""

SIGNS: Final = {"i": "true", "u": "false"}
"""The value of the attribute ``_Unsigned`` that changes the sign of integers, by kind of dtype."""

DEFAULT_FILLS: Final = {
    "int16": -32767,
    "uint16": 65535,
    "int32": -2147483647,
    "uint32": 4294967295,
    "int64": -9223372036854775806,
    "uint64": 18446744073709551614,
}
"""The numbers that netCDF stores for missing values of a variable without ``_FillValue``."""

UNLIKELY_FILLS: Final = ("int32", "int64", "uint64")
"""The dtypes whose default fill is an unlikely value of data; 65535 is a saturated pixel."""


@dataclass(frozen=True)
class MissingValues:
    """The numbers of one variable that stand for missing values.

    Parameters
    ----------
    declared : mapping of attribute to tuple of numbers
        Treated as missing, in the dtype of the data.
    undeclared : number, optional
        The default fill of the stored dtype, decoded like the data: an error if it occurs.
    stored_dtype : str
        The dtype in the file.
    is_packed : bool
        Whether the data are packed integers that were not decoded.
    masks_zero : bool
        Whether zeros are missing because the fill value of the Zarr array is 0.
    """

    declared: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    undeclared: float | None = None
    stored_dtype: str = ""
    is_packed: bool = False
    masks_zero: bool = False

    @property
    def values(self) -> tuple[float, ...]:
        """All declared numbers."""
        return tuple(dict.fromkeys(v for values in self.declared.values() for v in values))


def find_missing_values(
    attrs: Mapping[Any, Any], encoding: Mapping[Any, Any], dtype: np.dtype
) -> MissingValues | None:
    """Return the numbers that stand for missing values of a variable; None if there are none.

    Attributes are of data that were not decoded; decoding moves them to the encoding.
    """
    declared = {
        name: values
        for name in MISSING_ATTRIBUTES
        if (values := tuple(_numbers(attrs.get(name), dtype)))
    }
    stored = _stored_dtype(encoding, dtype)
    is_declared = any(name in source for name in MISSING_ATTRIBUTES for source in (attrs, encoding))
    result = MissingValues(
        declared,
        None if is_declared else _default_fill(encoding, stored, dtype),
        stored.name,
        is_packed=is_packed(attrs, dtype),
        masks_zero=_masks_zero(attrs, encoding),
    )
    return None if result == MissingValues(stored_dtype=stored.name) else result


def is_packed(attrs: Mapping[Any, Any], dtype: np.dtype) -> bool:
    """Return whether data of a dtype with these attributes are integers that were not decoded."""
    return dtype.kind in "iu" and (
        attrs.get("_Unsigned") == SIGNS[dtype.kind]
        or any(_scalar(attrs.get(name, same)) != same for name, same in PACKING_ATTRIBUTES.items())
    )


def format_fill(number: float) -> str:
    """Return an integer with all its digits, and another number with the digits of float32."""
    is_integer = isinstance(number, int) or (number == number // 1 and abs(number) < 1e15)
    return str(int(number)) if is_integer else f"{number:.8g}"


def _stored_dtype(encoding: Mapping[Any, Any], dtype: np.dtype) -> np.dtype:
    """Return the dtype in the file, if NumPy has it; otherwise the dtype of the data."""
    try:
        return np.dtype(encoding.get("dtype", dtype))
    except TypeError:
        return dtype


def _numbers(declared: Any, dtype: np.dtype) -> Iterator[float]:
    """Yield declared numbers that data of a dtype can contain, except for NaN."""
    # As objects, because lists in the JSON of Zarr may have any shape.
    for item in np.ravel(np.asarray([] if declared is None else declared, dtype=object)).tolist():
        try:
            number = int(item) if isinstance(item, int | np.integer) else float(item)
        except (TypeError, ValueError):
            continue  # text that is no number
        if dtype.kind == "f":
            with np.errstate(over="ignore"):
                rounded = float(dtype.type(number))
            if not np.isnan(rounded) and np.isinf(rounded) == np.isinf(number):
                yield rounded
        elif dtype.kind in "iu" and number == number // 1:
            limits = np.iinfo(dtype)
            if limits.min <= number <= limits.max:
                yield int(number)


def _default_fill(encoding: Mapping[Any, Any], stored: np.dtype, dtype: np.dtype) -> float | None:
    """Return the default fill of a stored dtype as a value of the data; None if it is plausible."""
    fill = DEFAULT_FILLS.get(stored.name)
    if fill is None:
        return None
    if dtype.kind == "f" and any(name in encoding for name in PACKING_ATTRIBUTES):
        # As xarray decodes: in the dtype of the data, step by step.
        value = np.full(1, fill).astype(dtype)
        value *= _scalar(encoding.get("scale_factor", 1.0))
        value += _scalar(encoding.get("add_offset", 0.0))
        return float(value[0])
    return fill if dtype.name == stored.name and stored.name in UNLIKELY_FILLS else None


def _scalar(number: Any) -> Any:
    return np.ravel(number)[0].item() if np.ndim(number) else number


def _masks_zero(attrs: Mapping[Any, Any], encoding: Mapping[Any, Any]) -> bool:
    """Return whether zeros are missing because the fill value of an array in Zarr 2 is 0.

    There, 0 may be the default of the program that wrote the array. In Zarr 3 and in netCDF,
    ``_FillValue`` is an attribute that somebody has set, as a ``missing_value`` of 0 is everywhere.
    """
    names = {*attrs, *encoding}
    is_zarr_2 = "chunks" in names and "serializer" not in names
    declared = _numbers(encoding.get("missing_value", attrs.get("missing_value")), np.dtype(float))
    fill = np.ravel(np.asarray(encoding.get("_FillValue", attrs.get("_FillValue"))))
    is_zero = fill.size == 1 and fill.dtype.kind in "iuf" and fill[0] == 0
    return bool(is_zarr_2 and is_zero and 0 not in declared)
