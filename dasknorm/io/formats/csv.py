"""CSV: a table ``variable,level,std,mean``, for people and for HealDA.

Used by users. Everything that the readers of these files accept may change. Checked
against the file in the HealDA example of NVIDIA/physicsnemo, its ``variable_configs.py``, and
earth2studio: they make channel names from it; a level is an integer, or -1 without levels. ``min``
and ``max`` are added as columns if available; both programs find columns by name.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from dasknorm.errors import MismatchError, StatsFileError
from dasknorm.io.formats import Format, FormatValues, check_labelled

NO_LEVEL = -1


@dataclass(frozen=True)
class CSV(Format):
    """A row per variable and level, with all digits of float64."""

    name = "csv"
    takes = ("mean", "std", "min", "max")

    def pack(self, numbers: FormatValues, path: Path) -> bytes:
        result_names = [name for name in ("std", "mean", "min", "max") if name in numbers.values]
        for arrays in numbers.values.values():
            check_labelled(arrays, self.name, most=1)
        rows: list[tuple[object, ...]] = []
        for name in numbers.variables():
            results = {r: arrays[name] for r, arrays in numbers.values.items() if name in arrays}
            levels = _levels(name, next(iter(results.values())))
            missing = np.full(len(levels), np.nan)
            columns = [results[r].values.ravel() if r in results else missing for r in result_names]
            rows += [(name, *row) for row in zip(levels, *columns, strict=True)]
        buffer = io.StringIO()
        pd.DataFrame(rows, columns=["variable", "level", *result_names]).to_csv(buffer, index=False)
        return buffer.getvalue().encode()

    def read(self, path: Path) -> FormatValues:
        # As strings first, because pandas may round the last digit of floats.
        table = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
        if missing := [c for c in ("variable", "level", *self.needs) if c not in table]:
            raise StatsFileError(f"no columns {missing}; found {list(table)}")
        table["level"] = [float(text or NO_LEVEL) for text in table["level"]]
        if (is_repeated := table.duplicated(["variable", "level"])).any():
            row = table[is_repeated].iloc[0]
            raise StatsFileError(f"{row['variable']!r} at level {row['level']} is repeated")
        result_names = [name for name in self.takes if name in table]
        for result in result_names:
            table[result] = [float(text or "nan") for text in table[result]]
        values: dict[str, dict[str, xr.DataArray]] = {name: {} for name in result_names}
        for name, rows in table.groupby("variable", sort=False):
            for result in result_names:
                if (array := _array(str(name), rows, result)) is not None:
                    values[result][str(name)] = array
        return FormatValues({name: arrays for name, arrays in values.items() if arrays})


def _levels(name: str, array: xr.DataArray) -> list[int]:
    if array.ndim == 0:
        return [NO_LEVEL]
    labels = array.indexes[array.dims[0]]
    is_integer = labels.dtype.kind in "iuf" and (labels == labels.astype(int)).all()
    if not is_integer or (labels == NO_LEVEL).any():
        raise MismatchError(
            f"csv needs integer levels other than -1; {name!r} has {list(labels)} "
            f"along {array.dims[0]!r}"
        )
    return list(labels.astype(int))


def _array(name: str, rows: pd.DataFrame, result: str) -> xr.DataArray | None:
    values = rows[result].to_numpy(np.float64)
    levels = rows["level"].to_numpy()
    if result in ("min", "max") and np.isnan(values).all():
        return None  # not available for this variable
    if (levels == NO_LEVEL).all():
        return xr.DataArray(values[0])
    if (levels == NO_LEVEL).any():
        raise StatsFileError(f"{name!r} has rows with and without a level")
    integers = levels.astype(np.int64)
    return xr.DataArray(values, {"level": integers if (integers == levels).all() else levels})
