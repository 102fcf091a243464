"""Grids: where an xarray object has its latitude, and what each of its cells weighs by that."""

from collections.abc import Hashable
from typing import Any

import numpy as np

from dasknorm.containers import latitudes

__all__ = ["KINDS", "weights_by_latitude"]

KINDS = ("area", "coslat", "gaussian")
"""What may be written in place of weights."""

# What CF says that a latitude and a longitude are known by; then their common names.
NORTH = {"degrees_north", "degree_north", "degree_N", "degrees_N", "degreeN", "degreesN"}
EAST = {"degrees_east", "degree_east", "degree_E", "degrees_E", "degreeE", "degreesE"}
LATITUDE = ("latitude", NORTH, {"lat", "latitude"})
LONGITUDE = ("longitude", EAST, {"lon", "long", "longitude"})

CELLS = (
    "give the area of each cell as a DataArray with these dimensions: weights=areas. CF files "
    "often have it, as 'areacella', 'areacello' or 'cell_area'; along a rotated pole's own "
    "latitude it is np.cos(np.deg2rad(ds['rlat']))"
)


def weights_by_latitude(data: Any, kind: str) -> tuple[Hashable, np.ndarray]:
    """Return the dimension of the latitude of a regular grid, and the weight of each along it.

    Parameters
    ----------
    data : xarray.DataArray or xarray.Dataset
    kind : {"area", "coslat", "gaussian"}

    Raises
    ------
    ValueError
        If there is no latitude, more than one, or one that is not along a dimension of its own; or
        if it is not in degrees, or not as `dasknorm.latitudes` wants it.
    """
    if kind not in KINDS:
        raise ValueError(
            f"weights must be {', '.join(map(repr, KINDS))} or a DataArray, got {kind!r}"
        )
    lat = _latitude(data, kind)
    try:
        _refuse_radians(lat)
        bounds = _bounds(data, lat) if kind == "area" else None
        more = () if bounds is None else (bounds,)
        return lat.dims[0], getattr(latitudes, kind)(lat.values, *more)
    except ValueError as error:
        raise ValueError(f"weights={kind!r} by the latitude {lat.name!r}: {error}") from None


def _latitude(data: Any, kind: str) -> Any:
    """Return the one coordinate that is the latitude."""
    found = _known_as(data, LATITUDE)
    if not found:
        raise ValueError(
            f"weights={kind!r} need a latitude: a coordinate with standard_name 'latitude', units "
            f"'degrees_north', or the name 'lat' or 'latitude'; found {list(data.coords)}"
        )
    shared = {dim for lon in _known_as(data, LONGITUDE) for dim in lon.dims}
    for lat in found:
        if lat.ndim != 1 or lat.dims[0] in shared:
            where = f"dimensions {lat.dims}" if lat.ndim else "no dimension"
            whose = ", which the longitude has too" if shared & set(lat.dims) else ""
            raise ValueError(
                f"weights={kind!r} need a latitude along a dimension of its own; {lat.name!r} has "
                f"{where}{whose}: {CELLS if lat.ndim else 'of one latitude all weighs the same'}"
            )
    if len(found) > 1:
        raise ValueError(
            f"weights={kind!r} need one latitude, found {[lat.name for lat in found]}: adapt on "
            "the variables of each grid by themselves"
        )
    return found[0]


def _known_as(data: Any, signs: tuple[str, set[str], set[str]]) -> list[Any]:
    """Return the variables that CF's attributes say are one, else those with such a name."""
    standard, units, names = signs
    there = {name: data[name] for name in getattr(data, "variables", data.coords)}
    bounds = {notes.get("bounds") for v in there.values() for notes in (v.attrs, v.encoding)}
    there = {name: v for name, v in there.items() if name not in bounds}
    said = [
        v
        for v in there.values()
        if v.attrs.get("standard_name") == standard or v.attrs.get("units") in units
    ]
    return said or [v for name, v in there.items() if str(name).lower() in names]


def _bounds(data: Any, lat: Any) -> Any:
    """Return CF's bounds of the latitude; None where there are none, or they are left behind."""
    name = lat.attrs.get("bounds", lat.encoding.get("bounds"))
    there = getattr(data, "variables", data.coords)
    return data[name].values if name in there else None


def _refuse_radians(lat: Any) -> None:
    """Raise ValueError unless latitudes are in degrees, as far as can be seen."""
    units = str(lat.attrs.get("units", ""))
    small = lat.size > 1 and bool((np.abs(lat.values) <= np.pi / 2 + 1e-6).all())
    if units.lower().startswith("rad") or (small and "deg" not in units.lower()):
        raise ValueError(
            f"it looks like radians, from {lat.values[0]:g} to {lat.values[-1]:g} in units "
            f"{units!r}: write ds.assign_coords({lat.name}=np.rad2deg(ds[{lat.name!r}])), or, if "
            f"these are degrees, ds[{lat.name!r}].attrs['units'] = 'degrees_north'"
        )
