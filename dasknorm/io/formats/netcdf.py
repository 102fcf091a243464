"""`NetCDFFiles`: base class of formats with one NetCDF file per result, as GraphCast and ACE.

Used by io.formats.ace and io.formats.graphcast. A new format is a subclass with a table of files.
"""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import xarray as xr

from dasknorm.errors import MismatchError, StatsFileError
from dasknorm.io.formats import Arrays, Format, FormatValues, combine_variables
from dasknorm.io.store.layout import Variable
from dasknorm.io.store.netcdf import pack_variables


class NetCDFFiles(Format):
    """A folder with one file per result, such as the mean, of all variables."""

    files: ClassVar[Mapping[str, str]]
    """The result in each file; results of tendencies are named ``"change std"``."""

    def arrange(self, arrays: Arrays) -> Arrays:
        """Return variables as in the file; MismatchError if the format cannot store them."""
        return arrays

    def restore(self, arrays: Arrays) -> Arrays:
        """Return variables from those in a file, the inverse of `arrange`."""
        return arrays

    def file_attrs(self, numbers: FormatValues) -> dict[str, object]:
        """Return the attributes of every file."""
        return {} if numbers.period is None else {"period": " to ".join(numbers.period)}

    def pack(self, numbers: FormatValues, path: Path) -> Mapping[str, memoryview]:
        results = dict(numbers.values)
        for change in numbers.changes.values():
            results |= {f"change {result}": arrays for result, arrays in change.items()}
        attrs = self.file_attrs(numbers)
        return {
            file: _pack(combine_variables(self.arrange(results[result]), attrs, self.name))
            for file, result in self.files.items()
            if results.get(result)
        }

    def read(self, path: Path) -> FormatValues:
        results = {
            result: self.restore(_arrays(path / file))
            for file, result in self.files.items()
            if (path / file).exists() or result in self.needs
        }
        change = {r.removeprefix("change "): results[r] for r in results if r.startswith("change ")}
        values = {r: results[r] for r in results if not r.startswith("change ")}
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
        raise MismatchError(f"labels along {name!r} are {values.dtype}, not numbers or strings")
    attrs = {key: value for key, value in variable.attrs.items() if isinstance(value, str)}
    dims = tuple(map(str, variable.dims))
    return Variable(dims, values.astype(object) if is_text else values, attrs)


def _arrays(file: Path) -> dict[str, xr.DataArray]:
    """Return the variables of a file, in memory; times stay numbers."""
    if not file.exists():
        raise FileNotFoundError(f"{file} is missing")
    with xr.open_dataset(file, decode_times=False) as data:
        arrays = {str(name): array.load() for name, array in data.data_vars.items()}
    numeric = {name: array for name, array in arrays.items() if array.dtype.kind in "iuf"}
    if not numeric:
        raise StatsFileError(f"{file.name} has no numeric variables")
    return {name: array.astype(np.float64) for name, array in numeric.items()}
