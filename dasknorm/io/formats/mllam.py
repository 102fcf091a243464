"""mllam-data-prep: variables ``state__train__mean`` and so on, beside the data they are of.

Read by neural-lam's ``datastore/mdp.py``, and written by ``ops/statistics.py`` of mllam-data-prep,
at 0.7.0: ``{variable}__{split}__{reading}`` along ``state_feature`` or whatever the variable is
kept along, and ``diff_mean``, ``diff_std`` of changes by one step. Its own ``diff_std``, if asked
for after ``diff_mean``, is that of changes of changes; here it is of changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from dasknorm.errors import MismatchError, StatsFileError
from dasknorm.io.formats import Format
from dasknorm.io.formats.format_values import Arrays, FormatValues, in_words, refuse_unnamed
from dasknorm.io.zarr import extend_group, open_group

__all__ = ["MLLAM"]

READINGS = ("mean", "std", "min", "max")


@dataclass(frozen=True)
class MLLAM(Format):
    """Put into a dataset that is there, or into a new one that has nothing else.

    Parameters
    ----------
    split : str, default "train"
        The part of the data that these are the statistics of.
    """

    split: str = "train"

    name = "mllam"
    takes = of_changes = READINGS

    def pack(self, numbers: FormatValues, path: Path) -> Mapping[str, Any]:
        arrays = self._named(numbers.values, "")
        for lag, change in numbers.changes.items():
            if isinstance(lag, int) and lag != 1:
                raise MismatchError(
                    f"mllam has changes by one step, and these are by {in_words(lag)}: "
                    "adapt(..., lag={'time': 1})"
                )
            arrays |= self._named(change, "diff_")
        labels = {dim: array[dim] for array in arrays.values() for dim in map(str, array.dims)}
        if path.exists():
            _refuse_other_labels(path, labels)
        else:
            arrays |= labels
        return extend_group(path, arrays, {})

    def read(self, path: Path) -> FormatValues:
        found: dict[str, dict[str, xr.DataArray]] = {}
        with open_group(path) as data:
            for name in map(str, data.data_vars):
                variable, split, reading = (*name.rsplit("__", 2), "", "")[:3]
                if split == self.split and reading.removeprefix("diff_") in READINGS:
                    # Coordinates beside the labels, such as units, are the data's own affair.
                    array = data[name].reset_coords(drop=True).load()
                    found.setdefault(reading, {})[variable] = array.astype(np.float64)
        if missing := [reading for reading in self.needs if reading not in found]:
            raise StatsFileError(f"no {' and '.join(missing)} of the split {self.split!r}")
        values = {reading: found[reading] for reading in READINGS if reading in found}
        change = {r: found[f"diff_{r}"] for r in READINGS if f"diff_{r}" in found}
        return FormatValues(values, {1: change} if change else {})

    def owns(self, name: str, variables: Sequence[str]) -> bool:
        return any(name.startswith(f"{each}__{self.split}__") for each in variables)

    def _named(self, readings: Mapping[str, Arrays], prefix: str) -> dict[str, xr.DataArray]:
        for arrays in readings.values():
            refuse_unnamed(arrays, self.name, most=8)
        return {
            f"{name}__{self.split}__{prefix}{reading}": array
            for reading, arrays in readings.items()
            for name, array in arrays.items()
        }


def _refuse_other_labels(path: Path, labels: Mapping[str, xr.DataArray]) -> None:
    with open_group(path) as data:
        for dim, mine in labels.items():
            theirs = data.indexes.get(dim)
            if theirs is None or not theirs.equals(mine.indexes[dim]):
                found = "has no labels" if theirs is None else f"has {list(theirs)}"
                raise MismatchError(
                    f"{path.name!r} {found} along {dim!r}, and the statistics are of "
                    f"{list(mine.values)}: they have to be the same, in the same order"
                )
