"""Find the format of a data file, and the engine of xarray that opens it.

Used by cli. To add a format of arrays, add a row to each table.
"""

import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import xarray as xr

from dasknorm.cli.errors import InputError

FORMAT_BY_SUFFIX = {
    ".zarr": "zarr",
    ".nc": "netcdf",
    ".nc4": "netcdf",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
}

READABLE_BY_SUFFIX = FORMAT_BY_SUFFIX | {
    ".cdf": "netcdf",
    ".h5": "netcdf",
    ".hdf5": "netcdf",
    ".he5": "netcdf",
    ".grib": "grib",
    ".grib2": "grib",
    ".grb": "grib",
    ".grb2": "grib",
    ".tif": "tiff",
    ".tiff": "tiff",
}

FORMAT_BY_CONTENT = {
    b"\x89HDF\r\n\x1a\n": "netcdf",
    b"CDF\x01": "netcdf-3",
    b"CDF\x02": "netcdf-3",
    b"CDF\x05": "netcdf-5",
    b"GRIB": "grib",
    b"II*\x00": "tiff",
    b"MM\x00*": "tiff",
    b"II+\x00": "tiff",
    b"MM\x00+": "tiff",
    b"PAR1": "parquet",
}
"""The first bytes of files. NetCDF 3 and 5 are the classic formats, which are not HDF5."""


@dataclass(frozen=True)
class Engine:
    """An engine of xarray, the libraries that it needs, and what to install for it."""

    name: str
    libraries: tuple[str, ...]
    install: str
    options: Mapping[str, Any] = field(default_factory=dict)


ENGINES = {
    "zarr": (Engine("zarr", ("zarr",), "'dasknorm[io]'", {"consolidated": False}),),
    # phony_dims: plain HDF5 has no names for dimensions.
    "netcdf": (
        Engine("h5netcdf", ("h5netcdf", "h5py"), "'dasknorm[io]'", {"phony_dims": "access"}),
    ),
    "netcdf-3": (Engine("scipy", ("scipy",), "scipy"), Engine("netcdf4", ("netCDF4",), "netCDF4")),
    "netcdf-5": (Engine("netcdf4", ("netCDF4",), "netCDF4"),),
    # indexpath: no index file next to the data; errors: by default it leaves out variables.
    "grib": (Engine("cfgrib", ("cfgrib",), "cfgrib", {"indexpath": "", "errors": "raise"}),),
    "tiff": (Engine("rasterio", ("rioxarray",), "rioxarray"),),
}
"""The engines for each format of arrays, the preferred one first."""


def format_of(path: Path) -> str:
    """Return the format of an input by its content, else by its suffix; "other" for xarray's."""
    form = _format_by_content(path) or READABLE_BY_SUFFIX.get(path.suffix.lower())
    if form is None and any(engine.guess_can_open(path) for engine in _all_engines()):
        return "other"
    if form is None:
        raise InputError(
            f"unknown format of {str(path)!r}: pass a .zarr store, a .nc, .grib, .tif, .parquet or "
            ".csv file, or a folder of Parquet files; --engine names another engine of xarray"
        )
    return form


def find_engine(form: str) -> tuple[str | None, dict[str, Any]]:
    """Return an installed engine for a format and its options; None if xarray has to find it."""
    if form not in ENGINES:
        return None, {}
    for engine in ENGINES[form]:
        if _is_installed(engine):
            return engine.name, dict(engine.options)
    first = ENGINES[form][0]
    raise InputError(
        f"{form} files need {' and '.join(first.libraries)}: pip install {first.install}"
    )


def check_engine(name: str) -> None:
    """Raise InputError unless an engine of xarray has this name."""
    supported = [engine for engines in ENGINES.values() for engine in engines]
    names = {engine.name for engine in supported if _is_installed(engine)}
    names |= entry_points(group="xarray.backends").names
    if name not in names:
        installed = ", ".join(sorted(names))
        raise InputError(f"no engine {name!r} is installed; xarray has {installed}")


def options_of(name: str) -> dict[str, Any]:
    """Return the options of an engine, which also apply if a user names it."""
    engines = (engine for engines in ENGINES.values() for engine in engines)
    return next((dict(engine.options) for engine in engines if engine.name == name), {})


def load_engine(name: str | None) -> Any:
    """Return an engine of another package as a class, so that xarray does not import all of them.

    The libraries of some of them abort a process that imports them together.
    """
    points = entry_points(group="xarray.backends", name=name) if name is not None else ()
    return next((point.load() for point in points), name)


def _is_installed(engine: Engine) -> bool:
    return all(importlib.util.find_spec(library) for library in engine.libraries)


def _format_by_content(path: Path) -> str | None:
    """Return the format by the first bytes of a file, or by the files in a folder."""
    if path.is_dir():
        if any((path / name).exists() for name in ("zarr.json", ".zgroup", ".zmetadata")):
            return "zarr"
        return "parquet" if any(path.glob("**/*.parquet")) else None
    with open(path, "rb") as file:
        start = file.read(8)
    return next(
        (form for magic, form in FORMAT_BY_CONTENT.items() if start.startswith(magic)), None
    )


def _all_engines() -> Iterable[Any]:
    """Return all engines of xarray, including external packages."""
    return xr.backends.list_engines().values()
