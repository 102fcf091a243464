"""anemoi-datasets: arrays ``mean``, ``stdev``, ``minimum``, ``maximum`` in the root of a dataset.

Read by ``anemoi.datasets.usage.gridded.store`` of ecmwf/anemoi-datasets, at 0.5.47: float64 along
``variable``, in the order of the root's attribute ``variables``, all four or none. Changes are
``statistics_tendencies_6h_mean`` and so on, by the hours or days of the lag. Levels are variables
of their own, ``t_850``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from dasknorm.errors import MismatchError, StatsFileError
from dasknorm.io.formats import Format
from dasknorm.io.formats.channels import channels_of, in_order, taken_apart
from dasknorm.io.formats.format_values import Arrays, FormatValues, in_words
from dasknorm.io.zarr import attrs_of, extend_group, open_group

__all__ = ["Anemoi"]

WORDS = {"mean": "mean", "std": "stdev", "min": "minimum", "max": "maximum"}
CHANGES = re.compile(r"statistics_tendencies_(\w+)_(mean|stdev|minimum|maximum)")


@dataclass(frozen=True)
class Anemoi(Format):
    """Put into a dataset that is there, or into a new group that has nothing else.

    Parameters
    ----------
    levels : str, optional
        What a variable at a level is called, ``"{name}_{level}"`` when written. When read, each is
        a variable of its own unless this is given.
    """

    levels: str | None = None

    name = "anemoi"
    takes = needs = of_changes = tuple(WORDS)
    has_lags = True

    def pack(self, numbers: FormatValues, path: Path) -> Mapping[str, Any]:
        found = {r: self._channels(arrays) for r, arrays in numbers.values.items()}
        before = attrs_of(path)
        variables = before.get("variables", list(found["mean"]))
        arrays = {
            WORDS[r]: _row(in_order(each, variables, _who(path))) for r, each in found.items()
        }
        for lag, change in numbers.changes.items():
            for reading, values in change.items():
                row = in_order(self._channels(values), variables, _who(path))
                arrays[f"statistics_tendencies_{_word(lag)}_{WORDS[reading]}"] = _row(row)
        attrs = {"variables": variables}
        if numbers.period is not None:
            attrs["statistics_start_date"], attrs["statistics_end_date"] = numbers.period
        return extend_group(path, arrays, attrs)

    def read(self, path: Path) -> FormatValues:
        variables = attrs_of(path).get("variables")
        with open_group(path) as group:
            own = [name for name in map(str, group.variables) if self.owns(name, ())]
            found = {name: group[name].values for name in own}
        if variables is None or (missing := [w for w in WORDS.values() if w not in found]):
            raise StatsFileError(
                "no attribute 'variables'" if variables is None else f"no arrays {missing}"
            )
        values = {r: self._variables(variables, found[word]) for r, word in WORDS.items()}
        changes: dict[Any, dict[str, Arrays]] = {}
        names = {word: reading for reading, word in WORDS.items()}
        for name, array in found.items():
            if match := CHANGES.fullmatch(name):
                change = changes.setdefault(pd.Timedelta(match[1]), {})
                change[names[match[2]]] = self._variables(variables, array)
        return FormatValues(values, dict(sorted(changes.items())))

    def owns(self, name: str, variables: Sequence[str]) -> bool:
        return name in WORDS.values() or CHANGES.fullmatch(name) is not None

    def _channels(self, arrays: Arrays) -> dict[str, float]:
        return channels_of(arrays, self.levels or "{name}_{level}", self.name)

    def _variables(self, names: list[str], row: np.ndarray) -> Arrays:
        return taken_apart(dict(zip(names, map(float, row), strict=True)), self.levels)


def _row(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values.astype(np.float64), dims="variable")


def _who(path: Path) -> str:
    return f"the anemoi dataset {path.name!r}"


def _word(lag: Any) -> str:
    if isinstance(lag, pd.Timedelta):
        return in_words(lag)
    raise MismatchError(
        f"anemoi tells changes by their hours, and {in_words(lag)} is no duration: "
        "adapt(..., lag={'time': '6h'})"
    )
