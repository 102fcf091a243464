"""Variables of a Dataset that describe other variables, such as bounds, cell areas and flags.

Used by `cli` and `containers.xarray`. To exclude more variables, extend the constants.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping

import xarray as xr

NAMING_ATTRIBUTES = (
    "bounds",
    "climatology",
    "grid_mapping",
    "mesh",
    "formula_terms",
    "cell_measures",
    "ancillary_variables",
    "coordinates",
)
"""Attributes that name variables with metadata, in the CF and the UGRID conventions."""

MESH_ATTRIBUTES = ("_connectivity", "_coordinates")
"""Ends of such attributes of the variable of a mesh."""

TERMS = ("formula_terms", "cell_measures")
"""Attributes in which a term precedes each name: ``"a: ak b: bk ps: ps"``."""

FLAG_ATTRIBUTES = ("flag_values", "flag_masks", "flag_meanings")
"""Attributes of a variable with codes, whose mean has no meaning."""


def find_metadata(data: xr.Dataset) -> dict[Hashable, str]:
    """Return the variables that describe other variables, each with the reason."""
    reasons: dict[Hashable, str] = {}
    for name, variable in data.variables.items():
        for key, value in [*variable.attrs.items(), *variable.encoding.items()]:
            for metadata_name in _names_in(key, value):
                if metadata_name != name:
                    reasons.setdefault(metadata_name, f"named in {key!r} of {name!r}")
        if flags := [key for key in FLAG_ATTRIBUTES if key in variable.attrs]:
            reasons[name] = f"has {flags[0]!r}"
    return {name: reason for name, reason in reasons.items() if name in data.data_vars}


def describe_metadata(reasons: Mapping[Hashable, str], names: Iterable[Hashable]) -> str:
    """Return why variables are left out, and what to write; empty if none of them is."""
    parts = [f"{name!r} ({reasons[name]})" for name in names if name in reasons]
    if not parts:
        return ""
    first = next(name for name in names if name in reasons)
    return (
        f". Variables that describe others are left out: {', '.join(parts)}. For the statistics of "
        f"one of them, pass it as a DataArray: adapt(ds[{first!r}])"
    )


def references_to(
    names: Iterable[Hashable], encoding: Mapping[Hashable, object]
) -> dict[Hashable, object]:
    """Return the part of an encoding that marks one of these variables as metadata."""
    name_set = set(names)
    return {key: value for key, value in encoding.items() if name_set & set(_names_in(key, value))}


def without_references(data: xr.Dataset, names: Iterable[Hashable]) -> xr.Dataset:
    """Return a Dataset in which no attribute marks these variables as metadata."""
    result, selected = data.copy(), set(names)
    for name, variable in result.variables.items():
        is_kept = _keeps(name, selected)
        variable.attrs = {k: v for k, v in variable.attrs.items() if is_kept(k, v)}
        variable.encoding = {k: v for k, v in variable.encoding.items() if is_kept(k, v)}
    return result


def _keeps(name: Hashable, selected: set[Hashable]) -> Callable[[object, object], bool]:
    """Return whether an attribute of a variable marks none of the selected ones as metadata."""
    return lambda key, value: (
        not ((name in selected and key in FLAG_ATTRIBUTES) or selected & set(_names_in(key, value)))
    )


def _names_in(key: object, value: object) -> list[str]:
    """Return the variables that an attribute names; none if it names no variables."""
    text = str(key)
    if text in TERMS:
        return re.findall(r":\s*([^\s:]+)", str(value))
    if text in NAMING_ATTRIBUTES or text.endswith(MESH_ATTRIBUTES):
        return str(value).replace(":", " ").split()
    return []
