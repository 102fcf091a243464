"""Zarr stores and NetCDF files: read lazily as one Dataset, and written chunk by chunk.

Used by cli.paths. The encoding of outputs may change.
"""

import importlib.util
import math
import warnings
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import click
import xarray as xr
from dask.base import tokenize

from dasknorm.blocks import is_numeric
from dasknorm.chunks.progress import Meter, format_bytes
from dasknorm.cli.data_files import Contents, DataFiles, Transform, check_names
from dasknorm.cli.errors import InputError, input_errors
from dasknorm.containers.file_backed import CHUNK_BYTES, get_stored_chunks, make_chunk_sizes
from dasknorm.fields import units

LIBRARIES = {"zarr": ("zarr",), "netcdf": ("h5netcdf", "h5py")}
OPEN_OPTIONS: dict[str, dict[str, Any]] = {
    "zarr": {"engine": "zarr", "consolidated": False},
    "netcdf": {"engine": "h5netcdf"},
}
STORAGE_KEYS = {
    "zarr": ("chunks", "shards", "compressors"),
    "netcdf": ("chunksizes", "zlib", "complevel", "shuffle", "fletcher32"),
}
"""The encoding of chunks and compression, which also applies to transformed values."""
REFERENCE_KEYS = ("grid_mapping", "coordinates", "cell_measures", "ancillary_variables")


def open_data(paths: Sequence[Path], form: str) -> xr.Dataset:
    """Return the Dataset of one or several files; only coordinates are read."""
    _check_libraries(form)
    datasets = [_open_file(path, form) for path in paths]
    _unify_units(paths, datasets)
    return datasets[0] if len(datasets) == 1 else _combined(datasets)


class ArrayFiles(DataFiles):
    """Zarr stores or NetCDF files."""

    description = "arrays with named dimensions"
    formats = ("zarr", "netcdf")
    headings: ClassVar = ("dimensions", "dtype", "size")
    is_table = False

    def open_for_adapt(
        self, names: Sequence[str], keys: Sequence[Hashable]
    ) -> tuple[xr.Dataset, None]:
        data = open_data(self.paths, self.form)
        _check_variables(data, names)
        numeric = [name for name, variable in data.data_vars.items() if is_numeric(variable.dtype)]
        selected = names or numeric
        return _select(data, selected) if selected else data, None

    def write_transformed(
        self, transform: Transform, names: Sequence[str], meter: Meter, out: Path, form_out: str
    ) -> Contents:
        data = open_data(self.paths, self.form)
        _check_variables(data, names)
        data = _select(data, names) if names else data
        counted = {
            name: variable.copy(data=meter.count_array(variable.data))
            for name, variable in data.data_vars.items()
            if variable.chunks is not None
        }
        result = transform(data.assign(counted))
        _write(result, data, out, form_out)
        return {str(name): _describe(variable) for name, variable in result.data_vars.items()}


def _check_variables(data: xr.Dataset, names: Sequence[str]) -> None:
    check_names(names, {name: v.dtype for name, v in data.data_vars.items()}, "variable")


def _select(data: xr.Dataset, names: Sequence[Hashable]) -> xr.Dataset:
    """Return some variables with their coordinates, and the bounds of these coordinates."""
    selection = data[list(names)]
    bounds = [coordinate.encoding.get("bounds") for coordinate in selection.coords.values()]
    return selection.assign_coords({name: data[name] for name in bounds if name in data.coords})


def _describe(variable: xr.DataArray) -> tuple[str, ...]:
    sizes = " x ".join(f"{size} {dim}" for dim, size in variable.sizes.items())
    return sizes, str(variable.dtype), format_bytes(variable.nbytes)


# -- reading ------------------------------------------------------------------------------------


def _check_libraries(form: str) -> None:
    missing = [name for name in LIBRARIES[form] if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"{form} files need {' and '.join(missing)}: pip install 'dasknorm[io]'")


def _open_file(path: Path, form: str) -> xr.Dataset:
    with input_errors(f"cannot read {str(path)!r}"), warnings.catch_warnings():
        # Files extracted from others often refer to bounds that they do not contain.
        warnings.filterwarnings("ignore", "Variable.* referenced in .* not in variables")
        # cache=False: a cache would keep all values that were read. decode_coords="all": bounds
        # and grid mappings are not data, and must not be normalized.
        data = xr.open_dataset(
            path, **OPEN_OPTIONS[form], chunks=None, cache=False, decode_coords="all"
        )
    if form == "zarr":  # a folder is listed in arbitrary order
        data = _select(data, sorted(data.data_vars, key=str))
    file = tokenize(str(path.resolve()), path.stat().st_mtime_ns)
    lazy = {
        name: _chunked(variable, f"{name}-{tokenize(file, name, variable.shape)}")
        for name, variable in data.variables.items()
        if name in data.data_vars or (name not in data.indexes and variable.nbytes > CHUNK_BYTES)
    }
    return data.assign({n: v for n, v in lazy.items() if n in data.data_vars}).assign_coords(
        {n: v for n, v in lazy.items() if n in data.coords}
    )


def _chunked(variable: xr.Variable, name: str) -> xr.Variable:
    """Chunk a variable; unlike with xarray, its name is the same in every process."""
    stored = get_stored_chunks(variable)
    shards = variable.encoding.get("shards")
    if shards and math.prod(shards) * variable.dtype.itemsize <= CHUNK_BYTES:
        stored = shards  # a shard has to be written by one task
    sizes = make_chunk_sizes(variable.shape, stored, variable.dtype.itemsize)
    return variable.chunk(dict(zip(variable.dims, sizes, strict=True)), name=name)


def _unify_units(paths: Sequence[Path], datasets: Sequence[xr.Dataset]) -> None:
    """Spell units like the first file that has the variable; InputError if units differ."""
    first: dict[Hashable, tuple[str, dict[str, Any]]] = {}
    for path, data in zip(paths, datasets, strict=True):
        for name, variable in data.data_vars.items():
            if "units" not in variable.attrs:
                continue
            owner, attrs = first.setdefault(name, (repr(path.name), variable.attrs))
            with input_errors():
                units.check_same(name, variable.attrs, attrs, repr(path.name), owner)
            variable.attrs["units"] = attrs["units"]


def _combined(datasets: Sequence[xr.Dataset]) -> xr.Dataset:
    """Combine files by their coordinates, or else concatenate them along time."""
    options: dict[str, Any] = {
        "data_vars": "minimal",
        "coords": "minimal",
        "compat": "equals",
        "join": "exact",
        "combine_attrs": "drop_conflicts",
    }
    try:
        return xr.combine_by_coords(datasets, **options)  # type: ignore[return-value]
    except ValueError as error:
        reason = " ".join(str(error).split())
    if not all("time" in data.dims for data in datasets):
        raise InputError(
            f"{len(datasets)} files cannot be combined by their coordinates ({reason}), nor "
            "along 'time', because not all of them have this dimension"
        )
    click.echo(
        f"dasknorm: {len(datasets)} files cannot be combined by their coordinates ({reason}); "
        "concatenated along 'time' in the order given",
        err=True,
    )
    with input_errors(f"{len(datasets)} files cannot be joined along 'time'"):
        return xr.concat(datasets, dim="time", **options)


# -- writing ------------------------------------------------------------------------------------


def _write(data: xr.Dataset, source: xr.Dataset, path: Path, form: str) -> None:
    """Write a Dataset, with the chunks and compression of a source in the same format."""
    _check_libraries(form)
    data = _rechunk_evenly(data) if form == "zarr" else data
    for name, variable in data.variables.items():
        if name in data.data_vars or variable.chunks is not None:
            variable.encoding = _encoding(variable, source[name], form)
    if form == "netcdf":
        data.to_netcdf(path, engine="h5netcdf")
        return
    with warnings.catch_warnings():
        # Zarr 3 warns about consolidated metadata, which xarray looks for, and about text.
        warnings.filterwarnings("ignore", "Consolidated metadata is", UserWarning)
        warnings.filterwarnings("ignore", "The data type .* does not have a Zarr V3")
        data.to_zarr(path, mode="w", zarr_format=_zarr_format(source), consolidated=True)


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
    """Return the Zarr version of the source; 3 if it is not a Zarr store."""
    path = source.encoding.get("source")
    is_version_2 = path is not None and (Path(path) / ".zgroup").exists()
    return 2 if is_version_2 else 3
