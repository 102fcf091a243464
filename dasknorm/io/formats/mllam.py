"""mllam-data-prep: variables ``state__train__mean`` and so on, in the dataset of the data.

Used by users. Everything that the reader of these files accepts may change. They are read
by neural-lam's ``datastore/mdp.py``, and written by ``ops/statistics.py`` of mllam-data-prep 0.7.0:
``{variable}__{split}__{result}`` along the kept dimensions, and ``diff_mean``, ``diff_std`` of
changes by one step. If mllam-data-prep computes ``diff_std`` after ``diff_mean``, it is that of
changes of changes; here it is that of changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from dasknorm.errors import MismatchError, StatsFileError
from dasknorm.io.formats import Arrays, Format, FormatValues, Packed, check_labelled, format_lag
from dasknorm.io.zarr import extend_group, open_group

RESULTS = ("mean", "std", "min", "max")


@dataclass(frozen=True)
class MLLAM(Format):
    """Arrays that are added to an existing dataset, or written to a new one.

    Parameters
    ----------
    split : str, default "train"
        The part of the data that the statistics describe.
    """

    split: str = "train"

    name = "mllam"
    takes = of_changes = RESULTS

    def pack(self, numbers: FormatValues, path: Path) -> Packed:
        arrays = self._named(numbers.values, "")
        for lag, change in numbers.changes.items():
            if isinstance(lag, int) and lag != 1:
                raise MismatchError(
                    f"mllam needs a lag of one step, got {format_lag(lag)}: "
                    "adapt(..., lag={'time': 1})"
                )
            arrays |= self._named(change, "diff_")
        labels = {dim: array[dim] for array in arrays.values() for dim in map(str, array.dims)}
        if path.exists():
            _check_labels(path, labels)
        else:
            arrays |= labels
        return extend_group(path, arrays, {})

    def read(self, path: Path) -> FormatValues:
        results: dict[str, dict[str, xr.DataArray]] = {}
        with open_group(path) as data:
            for name in map(str, data.data_vars):
                variable, split, result = (*name.rsplit("__", 2), "", "")[:3]
                if split == self.split and result.removeprefix("diff_") in RESULTS:
                    # Coordinates that are not labels, such as units, belong to the data.
                    array = data[name].reset_coords(drop=True).load()
                    results.setdefault(result, {})[variable] = array.astype(np.float64)
        if missing := [result for result in self.needs if result not in results]:
            raise StatsFileError(f"no {' and '.join(missing)} of the split {self.split!r}")
        values = {result: results[result] for result in RESULTS if result in results}
        change = {r: results[f"diff_{r}"] for r in RESULTS if f"diff_{r}" in results}
        return FormatValues(values, {1: change} if change else {})

    def owns(self, name: str, variables: Sequence[str]) -> bool:
        return any(name.startswith(f"{variable}__{self.split}__") for variable in variables)

    def _named(self, by_result: Mapping[str, Arrays], prefix: str) -> dict[str, xr.DataArray]:
        for arrays in by_result.values():
            check_labelled(arrays, self.name, most=8)
        return {
            f"{name}__{self.split}__{prefix}{result}": array
            for result, arrays in by_result.items()
            for name, array in arrays.items()
        }


def _check_labels(path: Path, labels: Mapping[str, xr.DataArray]) -> None:
    with open_group(path) as data:
        for dim, expected in labels.items():
            index = data.indexes.get(dim)
            if index is None or not index.equals(expected.indexes[dim]):
                labels_text = "no labels" if index is None else str(list(index))
                raise MismatchError(
                    f"{path.name!r} has {labels_text} along {dim!r}, and the statistics have "
                    f"{list(expected.values)}: they must be the same, in the same order"
                )
