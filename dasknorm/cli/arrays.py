"""Arrays in files of any format of xarray, written as Zarr or NetCDF chunk by chunk.

Used by cli.paths. The encoding of outputs may change.
"""

import warnings
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from dasknorm.chunks.progress import Meter, format_bytes
from dasknorm.cli.data_files import Contents, DataFiles, Opened, Transform
from dasknorm.cli.datasets import open_data
from dasknorm.cli.dtypes import cast_array
from dasknorm.cli.engines import find_engine
from dasknorm.cli.errors import InputError
from dasknorm.cli.masks import Condition
from dasknorm.containers.metadata import without_references
from dasknorm.fields.missing_values import find_missing_values

STORAGE_KEYS = {
    "zarr": ("chunks", "shards", "compressors"),
    "netcdf": ("chunksizes", "zlib", "complevel", "shuffle", "fletcher32"),
}
"""The encoding of chunks and compression, which also applies to transformed values."""
REFERENCE_KEYS = ("grid_mapping", "coordinates", "cell_measures", "ancillary_variables")


class ArrayFiles(DataFiles):
    """Zarr stores, and NetCDF, GRIB, TIFF and other files that xarray opens."""

    description = "arrays with named dimensions"
    formats = ("zarr", "netcdf")
    headings: ClassVar = ("dimensions", "dtype", "size")
    is_table = False
    open_options = ("engine", "group", "concat_dim", "zeros", "missing")

    def open_for_adapt(
        self,
        names: Sequence[str],
        keys: Sequence[Hashable],
        condition: Condition | None = None,
    ) -> Opened:
        mask_name = condition.name if condition else None
        data = open_data(self.paths, self.opening, names, mask_name, numeric=True)
        where = condition(data) if condition else None
        return Opened(without_references(data[list(names)], names) if names else data, where=where)

    def write_transformed(
        self, transform: Transform, names: Sequence[str], meter: Meter, out: Path, form_out: str
    ) -> Contents:
        find_engine(form_out)  # raises if a library is missing
        if form_out == "netcdf" and transform.dtype == "float16":
            raise InputError("NetCDF has no float16: write a .zarr store, or use --dtype float32")
        data = open_data(self.paths, self.opening, names)
        counted = {
            name: variable.copy(data=meter.count_array(variable.data))
            for name, variable in data.data_vars.items()
            if variable.chunks is not None
        }
        counted |= {
            name: xr.apply_ufunc(
                _check_zeros, counted[name], kwargs={"name": name},
                dask="parallelized", output_dtypes=[variable.dtype], keep_attrs=True,
            )
            for name, variable in data.data_vars.items()
            if name in counted and name in transform.columns and _masks_zero(variable)
        }  # fmt: skip
        dtypes = {
            name: dtype
            for name in transform.columns
            if name in data and (dtype := transform.dtype or _packed_dtype(data[name]))
        }
        widened = {
            name: dtype
            for name, dtype in dtypes.items()
            if dtype == "float64" and data[name].dtype.itemsize < 8
        }
        result = _cast(transform(_cast(data.assign(counted), widened)), dtypes)
        _write(result, data, out, form_out)
        return {str(name): _describe(variable) for name, variable in result.data_vars.items()}


def _cast(data: xr.Dataset, dtypes: Mapping[Hashable, str]) -> xr.Dataset:
    """Return data with some variables of other float dtypes."""
    return data.assign({name: cast_array(data[name], dtype) for name, dtype in dtypes.items()})


def _masks_zero(variable: xr.DataArray) -> bool:
    """Return whether zeros of floats are missing only because the fill value in Zarr is 0."""
    missing = find_missing_values(variable.attrs, variable.encoding, variable.dtype)
    return missing is not None and missing.masks_zero and "float" in missing.stored_dtype


def _check_zeros(values: np.ndarray, name: Hashable) -> np.ndarray:
    """Return values; ValueError if some are missing, as masked zeros are."""
    if number := np.count_nonzero(np.isnan(values)):
        raise ValueError(
            f"missing values in {name!r}, {number:,} of them in one chunk: zeros are read as "
            "missing, because the fill value of the Zarr array is 0. If zeros are data, write "
            "--zeros data; if they are missing values, --zeros missing"
        )
    return values


def _packed_dtype(variable: xr.DataArray) -> str | None:
    """Return float32 for values that are stored as integers of at most 16 bits."""
    stored = np.dtype(variable.encoding.get("dtype", variable.dtype))
    return "float32" if stored.kind in "iu" and stored.itemsize <= 2 else None


def _describe(variable: xr.DataArray) -> tuple[str, ...]:
    sizes = " x ".join(f"{size} {dim}" for dim, size in variable.sizes.items())
    return sizes, str(variable.dtype), format_bytes(variable.nbytes)


# -- writing ------------------------------------------------------------------------------------


def _write(data: xr.Dataset, source: xr.Dataset, path: Path, form: str) -> None:
    """Write a Dataset, with the chunks and compression of a source in the same format."""
    data = _rechunk_evenly(data) if form == "zarr" else data
    version = _zarr_format(source)
    for name, variable in data.variables.items():
        if name in data.data_vars or variable.chunks is not None:
            variable.encoding = _encoding(variable, source[name], form)
        if _version_of(source[name]) != version:  # each version has compressors of its own
            variable.encoding = {
                key: value
                for key, value in variable.encoding.items()
                if key not in ("compressors", "filters")
            }
    if form == "netcdf":
        _check_no_float16(data)
        data.to_netcdf(path, engine="h5netcdf")
        return
    with warnings.catch_warnings():
        # Zarr 3 warns about consolidated metadata, which xarray looks for, and about text.
        warnings.filterwarnings("ignore", "Consolidated metadata is", UserWarning)
        warnings.filterwarnings("ignore", "The data type .* does not have a Zarr V3")
        data.to_zarr(path, mode="w", zarr_format=version, consolidated=True)


def _check_no_float16(data: xr.Dataset) -> None:
    for name, variable in data.data_vars.items():
        if variable.dtype == "float16":
            raise InputError(
                f"{name!r} is float16, which NetCDF does not have: write a .zarr store, or use "
                "--dtype float32"
            )


def _rechunk_evenly(data: xr.Dataset) -> xr.Dataset:
    """Rechunk dimensions with uneven chunks, as from several files: Zarr needs equal chunks."""
    rechunked = {}
    for name, variable in data.variables.items():
        uneven = {
            d: max(chunks) for d, chunks in variable.chunksizes.items() if not _is_even(chunks)
        }
        if uneven:
            rechunked[name] = variable.chunk(uneven)
    return data.assign(rechunked)


def _is_even(chunks: tuple[int, ...]) -> bool:
    """Check whether all chunks but a smaller last one have the same size, as Zarr requires."""
    return len(set(chunks[:-1])) <= 1 and chunks[-1] <= chunks[0]


def _encoding(variable: xr.Variable, source: Any, form: str) -> dict[str, Any]:
    """Return the part of the encoding of the source that applies to transformed values."""
    kept = {key: source.encoding[key] for key in REFERENCE_KEYS if key in source.encoding}
    if "preferred_chunks" not in source.encoding and form == "zarr":
        return kept
    kept |= {
        key: source.encoding[key]
        for key in STORAGE_KEYS[form]
        if source.encoding.get(key) is not None
        and _is_applicable(key, source.encoding[key], variable)
    }
    return kept


def _is_applicable(key: str, value: Any, variable: xr.Variable) -> bool:
    """Check whether stored chunks divide the chunks of the variable, and are not larger than it."""
    if key not in ("chunks", "shards", "chunksizes"):
        return True
    if len(value) != variable.ndim:
        return False
    stored = dict(zip(variable.dims, value, strict=True))
    return all(stored[dim] <= n for dim, n in variable.sizes.items()) and all(
        size % stored[dim] == 0
        for dim, chunks in variable.chunksizes.items()
        for size in chunks[:-1]
    )


def _zarr_format(source: xr.Dataset) -> int:
    """Return the Zarr version of all variables of the source; 3 if there is not one."""
    versions = {_version_of(variable) for variable in source.data_vars.values()}
    return 2 if versions == {2} else 3


def _version_of(variable: xr.DataArray) -> int | None:
    """Return the Zarr version of a variable; None if it is not in a Zarr store."""
    if "compressors" not in variable.encoding:
        return None
    return 3 if "serializer" in variable.encoding else 2
