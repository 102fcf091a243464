"""`FormatValues`: results by name and variable, which all formats read and write.

Used by io. A new field here has to be read or written by each format that has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import xarray as xr

from dasknorm.errors import MismatchError

__all__ = ["Arrays", "FormatValues", "Names", "check_labelled", "combine_variables", "format_lag"]

Arrays = Mapping[str, xr.DataArray]
"""One reading of each variable, along the dimensions and labels that it is kept along."""


Names = Mapping[Any, str] | None
"""What variables are called in files, by what they are called here."""


@dataclass(frozen=True)
class FormatValues:
    """Readings by name, and those of changes by each lag.

    Parameters
    ----------
    values : mapping of reading to mapping of variable to DataArray
        Of ``mean``, ``std``, ``min`` and ``max`` those that are known, in float64. The std is what
        data are divided by, and so never 0.
    changes : mapping of lag to such a mapping
        A lag is a number of steps, a ``pandas.Timedelta``, or None where a file does not say it.
    period : tuple of two str, optional
        The first and the last date of what was learned from.
    """

    values: Mapping[str, Arrays]
    changes: Mapping[Any, Mapping[str, Arrays]] = field(default_factory=dict)
    period: tuple[str, str] | None = None

    def variables(self) -> list[str]:
        """Return the names of all variables, in their order."""
        return list(dict.fromkeys(name for arrays in self.values.values() for name in arrays))


def format_lag(lag: Any) -> str:
    """Return a lag in words: ``1 step``, ``6h``, ``1d``.

    Examples
    --------
    >>> format_lag(2), format_lag(pd.Timedelta("24h")), format_lag(pd.Timedelta("90min"))
    ('2 steps', '1d', '90m')
    """
    if not isinstance(lag, pd.Timedelta):
        return f"{lag} step{'' if lag == 1 else 's'}"
    seconds = lag.total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"


def combine_variables(arrays: Arrays, attrs: Mapping[str, Any], who: str) -> xr.Dataset:
    """Return variables as one Dataset; MismatchError unless their labels are the same."""
    try:
        return xr.merge(
            [array.rename(name) for name, array in arrays.items()],
            join="exact",
            compat="no_conflicts",
            combine_attrs="override",
        ).assign_attrs(attrs)
    except ValueError as error:
        raise MismatchError(
            f"{who} has one list of labels for all variables, and theirs differ: take those that "
            f"are alike, stats.select([...]) ({error})"
        ) from error


def check_labelled(arrays: Arrays, who: str, most: int) -> None:
    """Raise MismatchError for variables along more than `most` dimensions, or without labels."""
    for name, array in arrays.items():
        kept = ", ".join(map(str, array.dims))
        if array.ndim > most:
            room = "one number" if most == 0 else "one number for each level"
            raise MismatchError(
                f"{who} has {room} of a variable, and {name!r} is kept along {kept}: adapt with "
                f"fewer dimensions in keep=, or save(...) as dasknorm's own file"
            )
        for dim in array.dims:
            if dim not in array.indexes or array.indexes[dim].nlevels > 1:
                raise MismatchError(
                    f"{who} finds levels by their labels, and {name!r} has "
                    f"{'none' if dim not in array.indexes else 'tuples'} along {dim!r}: give the "
                    "data a coordinate first, and adapt on those"
                )
