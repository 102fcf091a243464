"""Join the Datasets of several files to one, in the order of their coordinates.

Used by cli.datasets. Files in an order that is not known are refused, or reported on stderr.
"""

from collections.abc import Hashable, Mapping
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import click
import pandas as pd
import xarray as xr

from dasknorm.cli.errors import InputError, input_errors, quote_names
from dasknorm.fields.units import check_same

OPTIONS: dict[str, Any] = {
    "data_vars": "minimal",
    "coords": "minimal",
    "compat": "equals",
    "join": "exact",
    "combine_attrs": "drop_conflicts",
}

Files = Mapping[Path, xr.Dataset]


def join(files: Files, dim: str | None) -> xr.Dataset:
    """Return one Dataset: files are combined by their coordinates, or else joined along `dim`."""
    if len(files) == 1:
        return next(iter(files.values()))
    _unify_units(files)
    if dim is not None:
        if any(dim in data.data_vars for data in files.values()):
            raise InputError(f"--concat-dim {dim}: this is a variable, and no dimension")
        return _concatenate(files, dim)
    try:
        combined = xr.combine_by_coords([*files.values()], **OPTIONS)
        assert isinstance(combined, xr.Dataset), "it combines Datasets to a Dataset"
    except ValueError as error:
        reason = " ".join(str(error).split())
        return _concatenate(files, _find_dim(files, reason))
    _check_unique(files, combined)
    return combined


def _unify_units(files: Files) -> None:
    """Give a variable the units of the first file; InputError if another file has other units."""
    first: dict[Hashable, tuple[str, Mapping[str, Any]]] = {}
    for path, data in files.items():
        owner = repr(str(path))
        for name, variable in data.data_vars.items():
            other_owner, attrs = first.setdefault(name, (owner, variable.attrs))
            with input_errors():
                check_same(name, variable.attrs, attrs, owner, other_owner)
            if "units" in attrs and "units" in variable.attrs:  # perhaps in another spelling
                variable.attrs["units"] = attrs["units"]


def _check_unique(files: Files, combined: xr.Dataset) -> None:
    """Raise InputError if files were combined in which the same label occurs."""
    for dim, index in combined.indexes.items():
        if index.is_unique or not all(d.indexes[dim].is_unique for d in files.values() if dim in d):
            continue
        for (path, data), (other_path, later) in combinations(files.items(), 2):
            if dim in data and dim in later and not data.indexes[dim].equals(later.indexes[dim]):
                shared = data.indexes[dim].intersection(later.indexes[dim])
                if len(shared):
                    raise _overlap(dim, shared[0], path, other_path)


def _overlap(name: Hashable, label: Any, path: Path, later_path: Path) -> InputError:
    return InputError(
        f"{str(path)!r} and {str(later_path)!r} overlap along {name!r}: {label} is in both ranges; "
        "leave one of them out, or stack files along a new dimension, such as --concat-dim member"
    )


# -- along a dimension --------------------------------------------------------------------------


def _find_dim(files: Files, reason: str) -> Hashable:
    """Return the dimension to join files along; InputError unless there is only one to choose."""
    first, *later_files = files.values()
    shared = [dim for dim in first.dims if all(dim in data.dims for data in later_files)]
    dated = [d for d in shared if all(_date_names(data, d) for data in files.values())]
    single = [name for name in first.coords if _has_one_date(files, name)]
    single = ["time"] if "time" in single else single
    unlimited = [
        dim
        for dim in shared
        if all(dim in data.encoding.get("unlimited_dims", ()) for data in files.values())
    ]
    conventional = [dim for dim in shared if dim == "time"]
    for dims in (dated, unlimited, conventional, single):
        if len(dims) == 1:
            return dims[0]
    raise InputError(
        f"{len(files)} files cannot be combined by their coordinates ({reason}), and none of "
        f"their dimensions is the only one with dates: --concat-dim names one of "
        f"{quote_names(dated or single or shared)}"
    )


def _date_names(data: xr.Dataset, dim: Hashable) -> list[Hashable]:
    """Return the coordinates of a dimension that are dates."""
    return [name for name, c in data.coords.items() if c.dims == (dim,) and _is_dates(c)]


def _has_one_date(files: Files, name: Hashable) -> bool:
    """Return whether each file has one date as this coordinate, and another one than others."""
    coords = [data.coords.get(name) for data in files.values()]
    if not all(c is not None and c.ndim == 0 and _is_dates(c) for c in coords):
        return False
    return len({c.item() for c in coords if c is not None}) == len(files)


def _is_dates(coordinate: xr.DataArray) -> bool:
    if coordinate.dtype.kind == "O" and coordinate.size:
        return isinstance(xr.Variable("x", coordinate.values.ravel()).to_index(), xr.CFTimeIndex)
    return coordinate.dtype.kind == "M"


def _concatenate(files: Files, dim: Hashable) -> xr.Dataset:
    """Join files along a dimension, in the order of a coordinate, or else in the order given."""
    expanded = _expand(files, dim)
    order = _sort(expanded, dim)
    with input_errors(f"{len(files)} files cannot be joined along {str(dim)!r}"):
        try:
            joined = xr.concat([expanded[path] for path in order or expanded], dim=dim, **OPTIONS)
        except xr.MergeError as error:  # whose advice is an argument of Python
            message = str(error).partition(" You can skip")[0]
            raise ValueError(f"{message} --var names the variables to use") from error
    if order is None:
        click.echo(
            f"dasknorm: {len(files)} files have no coordinate that orders them; concatenated along "
            f"{str(dim)!r} in the order given",
            err=True,
        )
    return joined


def _expand(files: Files, dim: Hashable) -> dict[Path, xr.Dataset]:
    """Return files that have a dimension, along which their scalar coordinates vary."""
    first, *later_files = files.values()
    varying = [
        name
        for name, coordinate in first.coords.items()
        if coordinate.ndim == 0
        and any(not coordinate.equals(o.coords.get(name)) for o in later_files)
    ]
    result = {}
    for path, data in files.items():
        expanded = data if dim in data.dims else data.expand_dims(dim)
        scalars = {n: expanded[n] for n in varying if n in expanded.coords and not expanded[n].ndim}
        along = {
            n: (dim, [c.values[()]] * expanded.sizes[dim], c.attrs) for n, c in scalars.items()
        }
        result[path] = expanded.assign_coords(along)
    return result


def _sort(files: Files, dim: Hashable) -> list[Path] | None:
    """Return files in the order of the first coordinate that has no overlaps; None without one."""
    first = next(iter(files.values()))
    names = [dim] if dim in first.indexes else []
    names += [name for name in _date_names(first, dim) if name != dim]
    overlaps: list[InputError] = []
    for name in names:
        if not all(name in data.coords and data[name].ndim == 1 for data in files.values()):
            continue
        indexes = {path: data[name].to_index() for path, data in files.items() if data.sizes[dim]}
        try:
            return _sort_by(name, indexes)
        except InputError as error:
            overlaps.append(error)
    if overlaps:
        raise overlaps[0]
    return None


def _sort_by(name: Hashable, indexes: Mapping[Path, pd.Index]) -> list[Path]:
    """Return files by the least label of each; InputError if the ranges of labels overlap."""
    order = sorted(indexes, key=lambda path: indexes[path].min())
    for path, following in pairwise(order):
        if indexes[path].max() >= indexes[following].min():
            raise _overlap(name, indexes[following].min(), path, following)
    is_decreasing = all(index.is_monotonic_decreasing for index in indexes.values())
    has_several = any(len(index) > 1 for index in indexes.values())
    return order[::-1] if is_decreasing and has_several else order
