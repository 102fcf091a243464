"""Units: z-scores have none, and what is restored has those of the data again."""

from collections.abc import Mapping
from typing import Any

from dasknorm import kernels
from dasknorm.blocks import Kernel
from dasknorm.fields.field import State

__all__ = ["units_after", "units_of"]


def units_of(reading: str, state: State) -> dict[str, Any]:
    """Return a variable's attributes as those of its mean, its variance, its count ..."""
    attrs = dict(state.attrs)
    units = attrs.get("units")
    if units not in (None, "1"):
        read = state.statistic.units(reading, str(units))
        attrs["units"] = units if read == str(units) else read
    return attrs


def units_after(
    kernel: Kernel, attrs: Mapping[str, Any], learned: Mapping[str, Any]
) -> dict[str, Any]:
    """Return attributes with the units "1" once normalized, and the old ones once restored."""
    if kernel is kernels.restore and "units" in learned:
        return {**attrs, "units": learned["units"]}
    if kernel is kernels.standardize and "units" in attrs:
        return {**attrs, "units": "1"}
    return dict(attrs)
