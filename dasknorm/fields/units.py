"""Units: compare the units of data and of statistics; nothing is converted.

Used by api, cli, containers and fields. With cf-units installed, UDUNITS decides whether two
spellings mean one unit, as in the CF conventions; without, units are compared as written.
"""

import locale
from collections.abc import Hashable, Mapping
from functools import cache
from typing import Any

from dasknorm.errors import MismatchError

Attributes = Mapping[str, object]

DIMENSIONLESS = ("dimensionless", "unitless")
"""Names of the unit 1 in other libraries, such as pint, which UDUNITS cannot parse."""

DATA, STATISTICS = "the data", "the statistics"


def check_same(
    name: Hashable,
    attrs: Attributes,
    other_attrs: Attributes,
    owner: str = DATA,
    other_owner: str = STATISTICS,
) -> None:
    """Raise MismatchError if both sides have units of a variable, and these differ."""
    units, other_units = _units_in(attrs), _units_in(other_attrs)
    if not units or not other_units or are_same(units, other_units):
        return
    advice = _advice(units, other_units)
    if owner == DATA and are_same(units, "1"):
        guess = (
            "data look normalized already: pass the original data, which inverse() restores from "
            "normalized data"
        )
        is_fraction = are_convertible(units, other_units)
        advice = f"{advice}. Or the {guess}" if is_fraction else f"The {guess}"
    title = DATA if name is None else repr(name)
    raise MismatchError(
        f"units of {title} differ: {units!r} in {owner}, {other_units!r} in {other_owner}. {advice}"
    )


def check_normalized(name: Hashable, attrs: Attributes, other_attrs: Attributes) -> None:
    """Raise MismatchError if data to restore have other units than normalized data."""
    units, restored_units = _units_in(attrs), _units_in(other_attrs)
    if units and restored_units and not are_same(units, "1"):
        title = DATA if name is None else repr(name)
        raise MismatchError(
            f"{title} has the units {units!r}, and normalized data have '1': these look like "
            "physical values, which need no inverse(). If they are normalized, set their "
            "attrs['units'] = '1'"
        )


@cache
def are_same(units: str, other_units: str) -> bool:
    """Return whether two texts mean the same units."""
    units, other_units = ("1" if u.lower() in DIMENSIONLESS else u for u in (units, other_units))
    if units == other_units:
        return True
    parsed, other_parsed = _parse(units), _parse(other_units)
    return parsed is not None and other_parsed is not None and bool(parsed == other_parsed)


def are_convertible(units: str, other_units: str) -> bool:
    """Return whether values can be converted; False if UDUNITS does not know the units."""
    parsed, other_parsed = _parse(units), _parse(other_units)
    return parsed is not None and other_parsed is not None and parsed.is_convertible(other_parsed)


def _units_in(attrs: Attributes) -> str:
    """Return the units in attributes; empty if there are none."""
    units = attrs.get("units")
    return "" if units is None else " ".join(str(units).split())


def _advice(units: str, other_units: str) -> str:
    """Return what to do about units that differ."""
    rename = f"If both mean the same, set attrs['units'] = {other_units!r} in the data"
    if _import_library() is None:
        return (
            "They are compared as written, because cf-units is not installed: pip install "
            f"'dasknorm[units]' to compare spellings. {rename}"
        )
    parsed, other_parsed = _parse(units), _parse(other_units)
    if parsed is None or other_parsed is None:
        unknown = units if parsed is None else other_units
        return f"UDUNITS does not know {unknown!r}, so they are compared as written. {rename}"
    if are_convertible(units, other_units):
        return (
            "They can be converted: convert the data first, as by cf_units.Unit"
            f"({units!r}).convert(values, {other_units!r}), and set attrs['units'] = "
            f"{other_units!r}"
        )
    return f"They cannot be converted into each other: is it the same variable? {rename}"


@cache
def _parse(units: str) -> Any:
    """Return the unit that a text means; None if UDUNITS cannot parse it or is missing."""
    cf_units = _import_library()
    if cf_units is None:
        return None
    with cf_units.suppress_errors():
        try:
            return cf_units.Unit(units)
        except ValueError:
            return None


@cache
def _import_library() -> Any:
    """Return cf_units; None if it is not installed."""
    # It restores the locale in a form that Python cannot parse back for C.UTF-8 (cf-units 3.3).
    numeric_locale = locale.setlocale(locale.LC_NUMERIC)
    locale.setlocale(locale.LC_NUMERIC, "C")
    try:
        import cf_units
    except ImportError:
        return None
    finally:
        locale.setlocale(locale.LC_NUMERIC, numeric_locale)
    return cf_units
