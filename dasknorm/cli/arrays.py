"""Zarr stores and NetCDF files: opened lazily as one Dataset, and written chunk by chunk."""

import importlib.util
import math
import warnings
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import click
import xarray as xr
from dask.base import tokenize

from dasknorm.blocks import is_numeric
from dasknorm.chunks.progress import Meter, size_text
from dasknorm.cli.changes import Change
from dasknorm.cli.chunking import evenly_cut
from dasknorm.cli.refusals import Refusal, expected
from dasknorm.containers.file_backed import TARGET, chunks_towards, stored_chunks

__all__ = [
    "COLUMNS",
    "FORMATS",
    "WHAT",
    "looked_at",
    "mapped",
    "opened",
    "selected",
    "write_zarr",
    "written",
]

WHAT = "arrays with named dimensions"
FORMATS = ("zarr", "netcdf")
COLUMNS = ("dimensions", "dtype", "size")
NEEDS = {"zarr": ("zarr",), "netcdf": ("h5netcdf", "h5py")}
HOW: dict[str, dict[str, Any]] = {
    "zarr": {"engine": "zarr", "consolidated": False},
    "netcdf": {"engine": "h5netcdf"},
}
STORED = {
    "zarr": ("chunks", "shards", "compressors"),
    "netcdf": ("chunksizes", "zlib", "complevel", "shuffle", "fletcher32"),
}
"""How values are stored, apart from what they mean: this much of an encoding outlives packing."""
POINTERS = ("grid_mapping", "coordinates", "cell_measures", "ancillary_variables")


def opened(paths: Sequence[Path], form: str) -> xr.Dataset:
    """Return the Dataset in one or several files, nothing read yet but its coordinates."""
    _need(form)
    datasets = [_opened_one(path, form) for path in paths]
    return datasets[0] if len(datasets) == 1 else _combined(datasets)


def selected(data: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    """Return the named variables; all of them if no name is given."""
    unknown = [name for name in names if name not in data.data_vars]
    if unknown:
        raise Refusal(f"no variable {_listed(unknown)}; there are {_listed(data.data_vars)}")
    for name in names:
        if not is_numeric(data[name].dtype):
            raise Refusal(f"variable {name!r} has dtype {data[name].dtype}: it has no mean")
    return _only(data, names) if names else data


def looked_at(
    paths: Sequence[Path], form: str, names: Sequence[str], keys: Sequence[Hashable]
) -> tuple[xr.Dataset, None]:
    """Return the named variables, or those that have a mean, so that no other is even read."""
    data = opened(paths, form)
    if names:
        return selected(data, names), None
    numeric = [name for name, variable in data.data_vars.items() if is_numeric(variable.dtype)]
    return _only(data, numeric) if numeric else data, None


def _only(data: xr.Dataset, names: Sequence[Hashable]) -> xr.Dataset:
    """Return some variables with their coordinates, and the bounds of those."""
    chosen = data[list(names)]
    bounds = [coordinate.encoding.get("bounds") for coordinate in chosen.coords.values()]
    return chosen.assign_coords({name: data[name] for name in bounds if name in data.coords})


def mapped(
    paths: Sequence[Path],
    form: str,
    change: Change,
    names: Sequence[str],
    meter: Meter,
    out: Path,
    form_out: str,
) -> dict[str, tuple[str, ...]]:
    """Write a Dataset changed; returns dimensions, dtype and size of each variable, to be shown."""
    data = selected(opened(paths, form), names)
    lazy = {name: v for name, v in data.data_vars.items() if v.chunks is not None}
    counted = data.assign({name: v.copy(data=meter.arrays(v.data)) for name, v in lazy.items()})
    result = change(counted)
    written(result, data, out, form_out)
    return {str(name): _content(variable) for name, variable in result.data_vars.items()}


def written(data: xr.Dataset, source: xr.Dataset, path: Path, form: str) -> None:
    """Write a Dataset, stored like its source where that was of the same format."""
    _need(form)
    data = _uniform(data) if form == "zarr" else data
    for name, variable in data.variables.items():
        if name in data.data_vars or variable.chunks is not None:
            variable.encoding = _encoding(variable, source[name], form)
    if form == "netcdf":
        data.to_netcdf(path, engine="h5netcdf")
        return
    write_zarr(data, path, _zarr_format(source))


def write_zarr(data: xr.Dataset, path: Path, version: int = 3) -> None:
    """Write a store with its metadata in one place, as xarray looks for it."""
    with warnings.catch_warnings():
        # Zarr warns of it in format 3, but xarray on reading where it is missing; and of text,
        # which was in the input already.
        warnings.filterwarnings("ignore", "Consolidated metadata is", UserWarning)
        warnings.filterwarnings("ignore", "The data type .* does not have a Zarr V3")
        data.to_zarr(path, mode="w", zarr_format=version, consolidated=True)


def _content(variable: xr.DataArray) -> tuple[str, ...]:
    sizes = " x ".join(f"{size} {dim}" for dim, size in variable.sizes.items())
    return sizes, str(variable.dtype), size_text(variable.nbytes)


# -- reading ------------------------------------------------------------------------------------


def _need(form: str) -> None:
    missing = [name for name in NEEDS[form] if importlib.util.find_spec(name) is None]
    if missing:
        raise Refusal(f"{form} files need {' and '.join(missing)}: pip install 'dasknorm[io]'")


def _opened_one(path: Path, form: str) -> xr.Dataset:
    with expected(f"cannot read {str(path)!r}"), warnings.catch_warnings():
        # Files cut out of others often refer to bounds that were left behind.
        warnings.filterwarnings("ignore", "Variable.* referenced in .* not in variables")
        # cache=False: a cached array would keep all that was ever read. decode_coords="all":
        # bounds and grid mappings are not data, and must not be normalized.
        data = xr.open_dataset(path, **HOW[form], chunks=None, cache=False, decode_coords="all")
    if form == "zarr":  # a folder's listing is in no order of its own
        data = _only(data, sorted(data.data_vars, key=str))
    opened = tokenize(str(path.resolve()), path.stat().st_mtime_ns)
    lazy = {
        name: _chunked(variable, f"{name}-{tokenize(opened, name, variable.shape)}")
        for name, variable in data.variables.items()
        if name in data.data_vars or (name not in data.indexes and variable.nbytes > TARGET)
    }
    return data.assign({n: v for n, v in lazy.items() if n in data.data_vars}).assign_coords(
        {n: v for n, v in lazy.items() if n in data.coords}
    )


def _chunked(variable: xr.Variable, name: str) -> xr.Variable:
    """Cut a variable; its name is the same in each process, which xarray's for files is not."""
    stored = stored_chunks(variable)
    shards = variable.encoding.get("shards")
    if shards and math.prod(shards) * variable.dtype.itemsize <= TARGET:
        stored = shards  # a shard that is written has to come from one task
    sizes = chunks_towards(variable.shape, stored, variable.dtype.itemsize)
    return variable.chunk(dict(zip(variable.dims, sizes, strict=True)), name=name)


def _combined(datasets: Sequence[xr.Dataset]) -> xr.Dataset:
    """Combine files by their coordinates, else one after the other along time."""
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
        raise Refusal(
            f"{len(datasets)} files cannot be combined by their coordinates ({reason}), nor one "
            "after the other, as not all of them have a dimension 'time'"
        )
    click.echo(
        f"dasknorm: {len(datasets)} files cannot be combined by their coordinates ({reason}); "
        "taken one after the other along 'time', in the order given",
        err=True,
    )
    with expected(f"{len(datasets)} files cannot be joined along 'time'"):
        return xr.concat(datasets, dim="time", **options)


def _listed(names: Any) -> str:
    return ", ".join(repr(name) for name in names) or "none"


# -- writing ------------------------------------------------------------------------------------


def _uniform(data: xr.Dataset) -> xr.Dataset:
    """Cut evenly what files of different lengths have cut unevenly: Zarr chunks are of one size."""
    recut = {}
    for name, variable in data.variables.items():
        uneven = {d: max(cut) for d, cut in variable.chunksizes.items() if not evenly_cut(cut)}
        if uneven:
            recut[name] = variable.chunk(uneven)
    return data.assign(recut)


def _encoding(variable: xr.Variable, source: Any, form: str) -> dict[str, Any]:
    """Return what of the source's encoding still holds of values that are not packed."""
    kept = {key: source.encoding[key] for key in POINTERS if key in source.encoding}
    if "preferred_chunks" not in source.encoding and form == "zarr":
        return kept
    kept |= {
        key: source.encoding[key]
        for key in STORED[form]
        if source.encoding.get(key) is not None and _fits(key, source.encoding[key], variable)
    }
    return kept


def _fits(key: str, value: Any, variable: xr.Variable) -> bool:
    """Tell whether stored chunks still divide the variable's, and are no larger than it is."""
    if key not in ("chunks", "shards", "chunksizes"):
        return True
    if len(value) != variable.ndim:
        return False
    stored = dict(zip(variable.dims, value, strict=True))
    return all(stored[dim] <= n for dim, n in variable.sizes.items()) and all(
        size % stored[dim] == 0 for dim, cut in variable.chunksizes.items() for size in cut[:-1]
    )


def _zarr_format(source: xr.Dataset) -> int:
    """Return the Zarr format of the source, 3 if it is something else."""
    place = source.encoding.get("source")
    old = place is not None and (Path(place) / ".zgroup").exists()
    return 2 if old else 3
