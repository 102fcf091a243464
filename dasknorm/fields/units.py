"""Units: normalized data have the unit 1, and restored data have the units of the original.

Used by api.stats, containers.mapping, io.formats.states and io.store.layout.
A change here changes the attributes of results only, never their values.
"""

from collections.abc import Mapping
from typing import Any

from dasknorm import kernels
from dasknorm.blocks import Kernel
from dasknorm.fields.field import State

__all__ = ["units_after", "units_of"]


def units_of(reading: str, state: State) -> dict[str, object]:
    """Return a variable's attributes, with the units of its mean, variance or other value."""
    attrs = dict(state.attrs)
    units = attrs.get("units")
    if units not in (None, "1"):
        read = state.statistic.units(reading, str(units))
        attrs["units"] = units if read == str(units) else read
    return attrs


def units_after(
    kernel: Kernel, attrs: Mapping[str, object], original: Mapping[str, Any]
) -> dict[str, object]:
    """Return attributes with the units "1" after normalization, the original ones when restored."""
    if kernel is kernels.restore and "units" in original:
        return {**attrs, "units": original["units"]}
    if kernel is kernels.standardize and "units" in attrs:
        return {**attrs, "units": "1"}
    return dict(attrs)
