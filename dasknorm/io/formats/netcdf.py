"""NetCDF: a folder with one small file for each reading, as GraphCast and ACE have it."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from dasknorm.errors import MismatchError, StatsFileError
from dasknorm.io.formats import Format
from dasknorm.io.formats.format_values import Arrays, FormatValues, side_by_side
from dasknorm.io.store.netcdf import pack_variables
from dasknorm.io.store.variables import Variable

__all__ = ["NetCDFFiles"]


class NetCDFFiles(Format):
    """One file for each reading, with a variable for each of the data's, of the same name."""

    files: ClassVar[Mapping[str, str]]
    """The reading that a file of this name has; of changes it is called ``"change std"``."""

    def arranged(self, arrays: Arrays) -> Arrays:
        """Return variables as this format has them; MismatchError for what it has no place for."""
        return arrays

    def found(self, arrays: Arrays) -> Arrays:
        """Return variables as they are here, of those in a file."""
        return arrays

    def said(self, numbers: FormatValues) -> dict[str, Any]:
        """Return the attributes of each file."""
        return {} if numbers.period is None else {"period": " to ".join(numbers.period)}

    def pack(self, numbers: FormatValues, path: Path) -> Mapping[str, memoryview]:
        known = dict(numbers.values)
        for change in numbers.changes.values():
            known |= {f"change {reading}": arrays for reading, arrays in change.items()}
        attrs = self.said(numbers)
        return {
            file: _pack(side_by_side(self.arranged(known[reading]), attrs, self.name))
            for file, reading in self.files.items()
            if known.get(reading)
        }

    def read(self, path: Path) -> FormatValues:
        known = {
            reading: self.found(_arrays(path / file))
            for file, reading in self.files.items()
            if (path / file).exists() or reading in self.needs
        }
        change = {r.removeprefix("change "): known[r] for r in known if r.startswith("change ")}
        values = {reading: known[reading] for reading in known if not reading.startswith("change ")}
        return FormatValues(values, {None: change} if change else {})

    def owns(self, name: str, variables: Sequence[str]) -> bool:
        return name in self.files


def _pack(data: xr.Dataset) -> memoryview:
    variables = {str(name): _to_variable(name, v) for name, v in data.variables.items()}
    return pack_variables(variables, {str(key): value for key, value in data.attrs.items()})


def _to_variable(name: Hashable, variable: xr.Variable) -> Variable:
    if "/" in str(name):
        raise MismatchError(
            f"NetCDF has no variable named {name!r}: names={{{name!r}: ...}} gives another"
        )
    values = variable.values
    is_text = values.dtype.kind in "OUT"
    if not is_text and values.dtype.kind not in "iuf":
        raise MismatchError(f"labels along {name!r} are {values.dtype}, not numbers or texts")
    attrs = {key: value for key, value in variable.attrs.items() if isinstance(value, str)}
    dims = tuple(map(str, variable.dims))
    return Variable(dims, values.astype(object) if is_text else values, attrs)


def _arrays(file: Path) -> dict[str, xr.DataArray]:
    """Return the variables of a file, in memory; what has units of time stays a number."""
    if not file.exists():
        raise FileNotFoundError(f"{file} is missing")
    with xr.open_dataset(file, decode_times=False) as data:
        found = {str(name): array.load() for name, array in data.data_vars.items()}
    numeric = {name: array for name, array in found.items() if array.dtype.kind in "iuf"}
    if not numeric:
        raise StatsFileError(f"{file.name} has no variables of numbers")
    return {name: array.astype(np.float64) for name, array in numeric.items()}
