"""anemoi-datasets: arrays ``mean``, ``stdev``, ``minimum``, ``maximum`` in a dataset.

Used by users. Everything that the reader of these files accepts may change. They are read
by ``anemoi.datasets.usage.gridded.store`` of ecmwf/anemoi-datasets (0.5.47): float64 along
``variable``, in the order of the attribute ``variables`` of the root, all four or none. Tendencies
are ``statistics_tendencies_6h_mean`` and so on, with hours or days as the lag. Levels are separate
variables, ``t_850``.
"""

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from dasknorm.errors import MismatchError, StatsFileError
from dasknorm.io.formats import Arrays, Format, FormatValues, format_lag
from dasknorm.io.formats.channels import (
    channels_of,
    check_tendencies,
    select_channels,
    split_channels,
)
from dasknorm.io.zarr import attrs_of, extend_group, open_group

ARRAY_NAMES = {"mean": "mean", "std": "stdev", "min": "minimum", "max": "maximum"}
TENDENCY_NAME = re.compile(r"statistics_tendencies_(\w+)_(mean|stdev|minimum|maximum)")


@dataclass(frozen=True)
class Anemoi(Format):
    """Arrays that are added to an existing dataset, or written to a new group.

    Parameters
    ----------
    levels : str, optional
        Name of a variable at a level; default when writing: ``"{name}_{level}"``. When reading,
        names that match are combined into one variable with levels.
    """

    levels: str | None = None

    name = "anemoi"
    takes = needs = of_changes = tuple(ARRAY_NAMES)
    has_lags = True

    def pack(self, numbers: FormatValues, path: Path) -> Mapping[str, Any]:
        results = {ARRAY_NAMES[result]: arrays for result, arrays in numbers.values.items()}
        for lag, change in numbers.changes.items():
            check_tendencies(numbers.values["mean"], change["std"], format_lag(lag), self.name)
            prefix = f"statistics_tendencies_{_lag_name(lag)}"
            results |= {f"{prefix}_{ARRAY_NAMES[r]}": arrays for r, arrays in change.items()}
        template = self.levels or "{name}_{level}"
        channels = {n: channels_of(arrays, template, self.name) for n, arrays in results.items()}
        attrs = {"variables": attrs_of(path).get("variables", list(channels["mean"]))}
        if numbers.period is not None:
            attrs["statistics_start_date"], attrs["statistics_end_date"] = numbers.period
        rows = {}
        for name, values in channels.items():
            row = select_channels(values, attrs["variables"], f"the anemoi dataset {path.name!r}")
            rows[name] = xr.DataArray(row.astype(np.float64), dims="variable")
        return extend_group(path, rows, attrs)

    def read(self, path: Path) -> FormatValues:
        variables = attrs_of(path).get("variables")
        with open_group(path) as group:
            names = [name for name in map(str, group.variables) if self.owns(name, ())]
            arrays = {name: group[name].values for name in names}
        if variables is None:
            raise StatsFileError("no attribute 'variables'")
        if missing := [name for name in ARRAY_NAMES.values() if name not in arrays]:
            raise StatsFileError(f"no arrays {missing}")
        values = {r: self._variables(variables, arrays[name]) for r, name in ARRAY_NAMES.items()}
        changes: dict[Hashable, dict[str, Arrays]] = {}
        results = {name: result for result, name in ARRAY_NAMES.items()}
        for name, array in arrays.items():
            if match := TENDENCY_NAME.fullmatch(name):
                change = changes.setdefault(pd.Timedelta(match[1]), {})
                change[results[match[2]]] = self._variables(variables, array)
        return FormatValues(values, dict(sorted(changes.items())))

    def owns(self, name: str, variables: Sequence[str]) -> bool:
        return name in ARRAY_NAMES.values() or TENDENCY_NAME.fullmatch(name) is not None

    def _variables(self, names: list[str], row: np.ndarray) -> Arrays:
        return split_channels(dict(zip(names, map(float, row), strict=True)), self.levels)


def _lag_name(lag: object) -> str:
    if isinstance(lag, pd.Timedelta):
        return format_lag(lag)
    raise MismatchError(
        f"anemoi needs a lag with hours, got {format_lag(lag)}: adapt(..., lag={{'time': '6h'}})"
    )
