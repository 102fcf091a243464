"""Open files of arrays, each as a Dataset whose variables are Dask arrays.

Used by cli.arrays. Chunk sizes and names of Dask arrays may change.
"""

import math
import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import xarray as xr
from dask.base import tokenize

from dasknorm.blocks import is_numeric
from dasknorm.cli.data_files import check_names
from dasknorm.cli.engines import find_engine, format_of, load_engine, options_of
from dasknorm.cli.errors import InputError, input_errors, quote_names
from dasknorm.cli.joining import join
from dasknorm.cli.opening import OpenOptions
from dasknorm.containers.file_backed import CHUNK_BYTES, get_stored_chunks, make_chunk_sizes
from dasknorm.containers.metadata import find_metadata
from dasknorm.io.store.layout import HEADER


def open_data(
    paths: Sequence[Path],
    opening: OpenOptions,
    names: Sequence[str],
    mask_name: str | None = None,
    numeric: bool = False,
) -> xr.Dataset:
    """Return the named variables of files as one Dataset; only coordinates are read.

    Without names, all variables or all numeric ones. They are selected before files are joined,
    so that other variables cannot conflict. A mask is a variable or a coordinate in addition.
    """
    needed = [*names, mask_name] if names and mask_name is not None else names
    datasets = {path: _with_variables(_open_file(path, opening, needed), names) for path in paths}
    dtypes = {name: v.dtype for data in datasets.values() for name, v in data.data_vars.items()}
    check_names(names, dtypes, "variable")
    if mask_name is not None:
        coords = {name: c.dtype for data in datasets.values() for name, c in data.coords.items()}
        check_names([mask_name], dtypes | coords, "variable")
    numbers = [name for name, dtype in dtypes.items() if is_numeric(dtype)]
    selected_names: Sequence[Hashable] = names or (numbers if numeric and numbers else [*dtypes])
    selected_names = selected_names if mask_name is None else [*selected_names, mask_name]
    selected = {
        path: _chunk(_select(data, selected_names), path, opening)
        for path, data in datasets.items()
    }
    return join(selected, opening.concat_dim)


def _with_variables(data: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    """Return data in which these names are no coordinates, although others refer to them."""
    return data.reset_coords([n for n in names if n in data.coords and n not in data.indexes])


def _select(data: xr.Dataset, names: Sequence[Hashable]) -> xr.Dataset:
    """Return some variables with their coordinates, and the bounds of these coordinates."""
    present = [name for name in data.data_vars if name in names]
    if not present:  # coordinates must agree with other files even so
        return data.drop_vars(data.data_vars)
    selection = data[present]
    bounds = [coordinate.encoding.get("bounds") for coordinate in selection.coords.values()]
    return selection.assign_coords({name: data[name] for name in bounds if name in data.coords})


# -- one file -----------------------------------------------------------------------------------


def _open_file(path: Path, opening: OpenOptions, names: Sequence[str]) -> xr.Dataset:
    """Open a file, of which all variables are opened or, of GRIB, the named ones."""
    name = opening.engine
    engine, options = (name, options_of(name)) if name else find_engine(format_of(path))
    loaded = load_engine(engine)

    def open_group(group: str | None, **arguments: Any) -> xr.Dataset:
        arguments = options | arguments | ({} if group is None else {"group": group})
        # cache=False: a cache would keep all values that were read. decode_coords="all": bounds
        # and grid mappings are not data, and must not be normalized.
        if "decode_cf" not in arguments:
            arguments["decode_coords"] = "all"
        return xr.open_dataset(path, engine=loaded, chunks=None, cache=False, **arguments)

    is_mixed = engine == "cfgrib"  # GRIB may have variables at levels of different kinds
    advice = "" if names or not is_mixed else " with all variables (--var names some of them)"
    with input_errors(f"cannot read {str(path)!r}{advice}"), warnings.catch_warnings():
        # Files extracted from others often refer to bounds that they do not contain.
        warnings.filterwarnings("ignore", "Variable.* referenced in .* not in variables")
        if is_mixed and names:
            keys = [{"cfVarName": name} for name in names]
            parts = [open_group(None, filter_by_keys=key) for key in keys]
            data = xr.merge(parts, compat="minimal", join="exact")
            if not data.data_vars:  # to name those that there are
                data = open_group(None, errors="ignore")
        else:
            data = _inherit(_open_zeros(open_group, opening), open_group, opening.group)
    if HEADER in data.variables:
        raise InputError(f"{str(path)!r} has statistics of dasknorm, and no data: leave it out")
    if engine == "zarr":  # a folder is listed in arbitrary order
        data = data[sorted(data.data_vars, key=str)].assign_coords(data.coords)
    if not data.data_vars and opening.group is None:
        _check_groups(path, loaded, options)
    return _declare_missing(data, opening)


def _open_zeros(open_group: Callable[..., xr.Dataset], opening: OpenOptions) -> xr.Dataset:
    """Open a group; where the fill value is 0, zeros are data or missing as the user says."""
    if opening.zeros == "data":
        raw = open_group(opening.group, decode_cf=False)
        for variable in raw.variables.values():
            if _is_zero(variable.attrs.get("_FillValue")):
                del variable.attrs["_FillValue"]
        return xr.decode_cf(raw, decode_coords="all")
    data = open_group(opening.group)
    for variable in data.variables.values():
        if opening.zeros == "missing" and _is_zero(variable.encoding.get("_FillValue")):
            del variable.encoding["_FillValue"]
    return data


def _is_zero(value: Any) -> bool:
    return value is not None and not isinstance(value, str | bytes) and value == 0


def _inherit(
    data: xr.Dataset, open_group: Callable[..., xr.Dataset], group: str | None
) -> xr.Dataset:
    """Return a group with the coordinates of its dimensions that are in groups above it."""
    for parent in PurePosixPath("/", group or "").parents:
        above = open_group(str(parent))
        inherited = {
            name: above[name]
            for name in above.indexes
            if name in data.dims and name not in data.variables
        }
        data = data.assign_coords(inherited)
    return data


def _check_groups(path: Path, engine: Any, options: Mapping[str, Any]) -> None:
    """Raise InputError if there are variables in groups only."""
    # Of files without groups, and of engines without them.
    with suppress(NotImplementedError, ValueError, OSError, TypeError):
        groups = xr.open_groups(path, engine=engine, **options)
        if names := [name for name, group in groups.items() if group.data_vars]:
            is_one = len(names) == 1
            raise InputError(
                f"the variables of {str(path)!r} are in the group{'' if is_one else 's'} "
                f"{quote_names(names)}: --group {names[0]}"
            )


def _declare_missing(data: xr.Dataset, opening: OpenOptions) -> xr.Dataset:
    """Add the missing values of the user to the attributes of numeric variables."""
    metadata = find_metadata(data) if opening.missing else {}
    for name, variable in data.data_vars.items():
        if opening.missing and is_numeric(variable.dtype) and name not in metadata:
            declared = np.ravel(variable.attrs.get("missing_value", []))
            variable.attrs["missing_value"] = [*declared, *opening.missing]
    return data


# -- chunks -------------------------------------------------------------------------------------


def _chunk(data: xr.Dataset, path: Path, opening: OpenOptions) -> xr.Dataset:
    """Return lazy data as Dask arrays, except for small coordinates."""
    parts = [str(path.resolve()), path.stat().st_mtime_ns]
    if any(option is not None for option in (opening.engine, opening.group, opening.zeros)):
        parts.append(repr(opening))
    file = tokenize(*parts)
    lazy = {
        name: _chunk_variable(variable, f"{name}-{tokenize(file, name, variable.shape)}")
        for name, variable in data.variables.items()
        if name in data.data_vars or (name not in data.indexes and variable.nbytes > CHUNK_BYTES)
    }
    return data.assign({n: v for n, v in lazy.items() if n in data.data_vars}).assign_coords(
        {n: v for n, v in lazy.items() if n in data.coords}
    )


def _chunk_variable(variable: xr.Variable, name: str) -> xr.Variable:
    """Chunk a variable; unlike with xarray, its name is the same in every process."""
    stored = get_stored_chunks(variable)
    shards = variable.encoding.get("shards")
    if shards and math.prod(shards) * variable.dtype.itemsize <= CHUNK_BYTES:
        stored = shards  # a shard has to be written by one task
    sizes = make_chunk_sizes(variable.shape, stored, variable.dtype.itemsize)
    return variable.chunk(dict(zip(variable.dims, sizes, strict=True)), name=name)
