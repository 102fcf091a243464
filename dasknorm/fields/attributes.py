"""Attributes: which of them hold for normalized data, for statistics and for restored data.

Used by containers and fields. To drop another attribute of raw values, extend the constants. Names
and methods follow the CF conventions, sections 3.3 and 7.3 and appendix E.
"""

import re
from collections.abc import Hashable, Mapping, Sequence

Attributes = dict[str, object]

LIMITS = ("valid_min", "valid_max", "valid_range")
PACKING = ("scale_factor", "add_offset")

RAW_NAMES = {
    *("_FillValue", "missing_value", "_Unsigned", *PACKING, *LIMITS),
    *("actual_range", "unpacked_valid_range", "least_significant_digit", "units_metadata"),
    *("nodata", "nodatavals", "scales", "offsets"),  # GDAL
    *("fmissing_value", "vmin", "vmax"),  # GEOS
}
RAW_PREFIXES = ("flag_", "GRIB_", "STATISTICS_", "_Quantize")
"""Attributes that describe raw values, and prefixes of such attributes."""

CHANGED_NAMES = ("units", "standard_name", "long_name", "cell_methods")
"""Attributes that hold for the original data only in part: `for_normalized` changes them."""

PREFIX = "normalized "
"""The start of the ``long_name`` of normalized data."""

LOCATIONS = ("mean", "median", "lower", "upper", "min", "max")
"""Results that are values of the variable, unlike its standard deviation and its count."""

CELL_METHODS = {
    "mean": "mean",
    "median": "median",
    "min": "minimum",
    "max": "maximum",
    "max_abs": "maximum_absolute_value",
    "std": "standard_deviation",
    "variance": "variance",
}
"""The methods of CF by result."""

LINEAR_METHODS = {"point", "mean", "maximum", "minimum", "median", "mid_range", "mode"}
"""Methods that give the same values before and after an affine map."""


def for_normalized(
    attrs: Mapping[str, object], original: Mapping[str, object], transform: str
) -> Attributes:
    """Return the attributes of normalized data; `original` is of the statistics.

    A standard name would promise its units, so it becomes part of the long name.
    """
    changed = _without_raw(attrs, "standard_name", "cell_methods")
    if "units" in {**attrs, **original}:
        changed["units"] = "1"
    if name := _name_of(attrs):
        changed["long_name"] = f"{PREFIX}{name}"
    methods = attrs.get("cell_methods")
    if isinstance(methods, str) and not transform and _methods_in(methods) <= LINEAR_METHODS:
        changed["cell_methods"] = methods
    return changed


def for_restored(attrs: Mapping[str, object], original: Mapping[str, object]) -> Attributes:
    """Return the attributes of restored data; the changed ones are the original's."""
    restored = {
        name: value
        for name, value in attrs.items()
        if not (name == "units" and value == "1")
        and not (name == "long_name" and str(value).startswith(PREFIX))
    }
    return restored | {
        name: value for name, value in original.items() if name in CHANGED_NAMES or _is_raw(name)
    }


def for_result(
    attrs: Mapping[str, object], result: str, reduced: Sequence[str], transform: str
) -> Attributes:
    """Return the attributes of a result, such as the mean; `reduced` is empty if not known.

    A standard deviation has the standard name of the data, if its cell methods can tell that it is
    one.
    """
    name, method = _name_of(attrs), CELL_METHODS.get(result)
    is_standard = "standard_name" in attrs or "cell_methods" in attrs
    changed = _without_raw(attrs, "cell_methods")
    if transform:
        name, is_standard = f"{transform}({name})" if name else "", False
        changed.pop("standard_name", None)
        changed |= {"long_name": name} if name else {}
    if is_standard and method and reduced:
        parts = [attrs.get("cell_methods"), f"{': '.join(reduced)}: {method}"]
        changed["cell_methods"] = " ".join(str(part) for part in parts if part)
    if result in LOCATIONS:
        return changed
    if "cell_methods" not in changed:
        changed.pop("standard_name", None)
    return changed | ({"long_name": f"{result} of {name}"} if name else {})


def for_changes(attrs: Mapping[str, object]) -> Attributes:
    """Return the attributes of differences of values: limits and names of values do not hold."""
    changed, name = _without_raw(attrs, "standard_name", "cell_methods"), _name_of(attrs)
    return changed | ({"long_name": f"change of {name}"} if name else {})


def for_unpacked(attrs: Mapping[str, object], encoding: Mapping[str, object]) -> Attributes:
    """Return the attributes of values; if a file packs them, its limits are of packed values."""
    is_packed = any(name in encoding for name in PACKING)
    return {name: value for name, value in attrs.items() if not (is_packed and name in LIMITS)}


def merge(attrs: Mapping[str, object], other_attrs: Mapping[str, object]) -> Attributes:
    """Return the attributes of merged data: the first, without raw ones that differ."""
    return {
        name: value
        for name, value in {**other_attrs, **attrs}.items()
        if not (
            _is_raw(name)
            and name in attrs
            and name in other_attrs
            and repr(attrs[name]) != repr(other_attrs[name])
        )
    }


def _is_raw(name: Hashable) -> bool:
    return name in RAW_NAMES or str(name).startswith(RAW_PREFIXES)


def _without_raw(attrs: Mapping[str, object], *names: str) -> Attributes:
    """Return attributes except for raw values and these names."""
    return {name: value for name, value in attrs.items() if name not in names and not _is_raw(name)}


def _name_of(attrs: Mapping[str, object]) -> str:
    """Return the long name or the standard name; empty if there is none."""
    name = attrs.get("long_name") or attrs.get("standard_name")
    return name if isinstance(name, str) else ""


def _methods_in(cell_methods: str) -> set[str]:
    """Return the methods in an attribute such as ``"time: mean (interval: 1 h) area: point"``."""
    return set(re.findall(r":\s*(\w+)(?!\w*:)", re.sub(r"\([^)]*\)", "", cell_methods)))
