"""Weights computed from the coordinates of an xarray object: areas, and lengths of months.

Used by `cli.options`, `containers` and `reports.provenance`. To add weights, add them to
`WEIGHTS`.
"""

import warnings
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import xarray as xr

from dasknorm.containers import latitudes

XarrayData: TypeAlias = xr.DataArray | xr.Dataset

# Attributes that CF defines for a latitude and a longitude, then their common names.
NORTH = {"degrees_north", "degree_north", "degree_N", "degrees_N", "degreeN", "degreesN"}
EAST = {"degrees_east", "degree_east", "degree_E", "degrees_E", "degreeE", "degreesE"}
LATITUDE = ("latitude", NORTH, {"lat", "latitude"})
LONGITUDE = ("longitude", EAST, {"lon", "long", "longitude"})

CELLS = (
    "give the area of each cell as a DataArray with these dimensions: weights=areas. CF files "
    "often have it, as 'areacella', 'areacello' or 'cell_area'; along a rotated pole's own "
    "latitude it is np.cos(np.deg2rad(ds['rlat']))"
)

HEALPIX = "HEALPix cells have equal areas: leave the weights out"
HEALPIX_DIMS = {"cell", "cells"}

MONTH = (28, 31)
"""The shortest and the longest month, in days."""


def weight_names(weights: object) -> list[str]:
    """Return the names of weights that are computed from coordinates; none for other weights."""
    if isinstance(weights, str):
        return [weights]
    items = list(weights) if isinstance(weights, (list, tuple)) else []
    return items if all(isinstance(item, str) for item in items) else []


def compute_weights(data: XarrayData, kind: str) -> xr.DataArray:
    """Return weights along one dimension of data; ValueError if a coordinate does not allow it."""
    if kind not in WEIGHTS:
        raise ValueError(
            f"weights must be {', '.join(map(repr, WEIGHTS))} or a DataArray, got {kind!r}"
        )
    return WEIGHTS[kind](data, kind)


def compute_factors(data: XarrayData, kinds: list[str]) -> list[xr.DataArray]:
    """Return weights whose product is used; ValueError if two of them weigh the same dimension."""
    factors = {kind: compute_weights(data, kind) for kind in kinds}
    weighted = [dim for kind in kinds for dim in factors[kind].dims]
    if twice := [dim for dim in weighted if weighted.count(dim) > 1]:
        raise ValueError(f"weights={kinds!r} weigh {twice[0]!r} twice: name one of them")
    return list(factors.values())


# -- weights of latitudes -------------------------------------------------------------------------


def _compute_areas(data: XarrayData, kind: str) -> xr.DataArray:
    """Return the area of the cells at each latitude, between bounds if the data have them."""
    lat = _find_latitude(data, kind)
    return _apply(latitudes.area, lat, kind, _find_bounds(data, lat))


def _compute_cosines(data: XarrayData, kind: str) -> xr.DataArray:
    return _apply(latitudes.coslat, _find_latitude(data, kind), kind)


def _compute_gaussian(data: XarrayData, kind: str) -> xr.DataArray:
    return _apply(latitudes.gaussian, _find_latitude(data, kind), kind)


def _apply(
    formula: Callable[..., np.ndarray],
    lat: xr.DataArray,
    kind: str,
    bounds: xr.DataArray | None = None,
) -> xr.DataArray:
    """Return the weights of latitudes; errors name the weights and the coordinate."""
    try:
        _check_degrees(lat)
        arguments = [lat.values] if bounds is None else [lat.values, _select_bounds(bounds, lat)]
        return xr.DataArray(formula(*arguments), dims=lat.dims)
    except ValueError as error:
        raise ValueError(f"weights={kind!r} by the latitude {lat.name!r}: {error}") from None


def _find_latitude(data: XarrayData, kind: str) -> xr.DataArray:
    """Return the one coordinate that is the latitude."""
    latitudes = _find_coordinates(data, LATITUDE)
    hint = f". {HEALPIX}" if _may_be_healpix(data) else ""
    if not latitudes:
        raise ValueError(
            f"weights={kind!r} need a latitude: a coordinate with standard_name 'latitude', units "
            f"'degrees_north', or the name 'lat' or 'latitude'; found {list(data.coords)}{hint}"
        )
    shared = {dim for lon in _find_coordinates(data, LONGITUDE) for dim in lon.dims}
    for lat in latitudes:
        if lat.ndim != 1 or lat.dims[0] in shared:
            dims = f"dimensions {lat.dims}" if lat.ndim else "no dimension"
            cause = ", which the longitude has too" if shared & set(lat.dims) else ""
            advice = f"{CELLS}{hint}" if lat.ndim else "of one latitude all weighs the same"
            raise ValueError(
                f"weights={kind!r} need a latitude along a dimension of its own; {lat.name!r} has "
                f"{dims}{cause}: {advice}"
            )
    if len(latitudes) > 1:
        raise ValueError(
            f"weights={kind!r} need one latitude, found {[lat.name for lat in latitudes]}: adapt "
            "on the variables of each grid by themselves"
        )
    return latitudes[0]


def _may_be_healpix(data: XarrayData) -> bool:
    """Return whether a grid mapping is HEALPix, or a dimension has the name of its cells."""
    variables = getattr(data, "variables", data.coords)
    mappings = {str(v.attrs.get("grid_mapping_name")).lower() for v in variables.values()}
    return "healpix" in mappings or bool(HEALPIX_DIMS & set(data.dims))


def _find_coordinates(
    data: XarrayData, signs: tuple[str, set[str], set[str]]
) -> list[xr.DataArray]:
    """Return the variables with CF's attributes of a coordinate, else those with its names."""
    standard_name, units, names = signs
    variables = {name: data[name] for name in getattr(data, "variables", data.coords)}
    bounds = {attrs.get("bounds") for v in variables.values() for attrs in (v.attrs, v.encoding)}
    variables = {name: v for name, v in variables.items() if name not in bounds}
    by_attrs = [
        v
        for v in variables.values()
        if v.attrs.get("standard_name") == standard_name or v.attrs.get("units") in units
    ]
    return by_attrs or [v for name, v in variables.items() if str(name).lower() in names]


def _find_bounds(data: XarrayData, coordinate: xr.DataArray) -> xr.DataArray | None:
    """Return CF's bounds of a coordinate; None if there are none, or not in `data`."""
    name = coordinate.attrs.get("bounds", coordinate.encoding.get("bounds"))
    if name not in getattr(data, "variables", data.coords):
        return None
    return data[name].transpose(*coordinate.dims, ..., missing_dims="ignore")


def _select_bounds(bounds: xr.DataArray, lat: xr.DataArray) -> np.ndarray:
    """Return bounds of latitudes; along further dimensions, such as time, they must be equal."""
    extra = [dim for dim in bounds.dims[:-1] if dim not in lat.dims]
    first = bounds.variable.isel(dict.fromkeys(extra, 0))
    if extra and not (bounds.variable == first).all():
        selection = ", ".join(f"{dim}=0" for dim in extra)
        raise ValueError(
            f"its bounds {bounds.name!r} vary along {', '.join(map(repr, extra))}: select some, "
            f"ds.assign({bounds.name}=ds[{bounds.name!r}].isel({selection}))"
        )
    return np.asarray(first.values)


def _check_degrees(lat: xr.DataArray) -> None:
    """Raise ValueError if latitudes look like radians."""
    units = str(lat.attrs.get("units", ""))
    is_small = lat.size > 1 and bool((np.abs(lat.values) <= np.pi / 2 + 1e-6).all())
    if units.lower().startswith("rad") or (is_small and "deg" not in units.lower()):
        raise ValueError(
            f"it looks like radians, from {lat.values[0]:g} to {lat.values[-1]:g} in units "
            f"{units!r}: write ds.assign_coords({lat.name}=np.rad2deg(ds[{lat.name!r}])), or, if "
            f"these are degrees, ds[{lat.name!r}].attrs['units'] = 'degrees_north'"
        )


# -- weights of months ----------------------------------------------------------------------------


def _compute_days(data: XarrayData, kind: str) -> xr.DataArray:
    """Return the number of days in the month of each date, in the calendar of the dates."""
    dates = _find_dates(data, kind)
    bounds = _find_bounds(data, dates)
    if bounds is not None and _has_dates(bounds) and bounds.dims[:-1] == dates.dims:
        dates = _find_middles(bounds).rename(dates.name)
    _check_monthly(dates, kind)
    _warn_of_ends(dates, bounds, kind)
    return xr.DataArray(dates.dt.days_in_month.values.astype("f8"), dims=dates.dims)


def _find_middles(bounds: xr.DataArray) -> xr.DataArray:
    """Return dates within months: some models date a month by its end, which is in the next."""
    start, end = (bounds.isel({bounds.dims[-1]: side}) for side in (0, 1))
    half = ((end - start) / 2).values
    if start.dtype == object:  # to dates of cftime, Python's durations can be added
        half = half.astype("m8[us]").astype(object)
    return xr.DataArray(start.values + half, dims=start.dims)


def _find_dates(data: XarrayData, kind: str) -> xr.DataArray:
    """Return the coordinate 'time', or the only coordinate of dates."""
    dated = {name: coord for name, coord in data.coords.items() if _has_dates(coord)}
    only = next(iter(dated.values())) if len(dated) == 1 else None
    dates = dated.get("time", only)
    if dates is None:
        raise ValueError(
            f"weights={kind!r} need dates: a coordinate 'time', or a single coordinate of dates; "
            f"found {', '.join(f'{n!r} ({c.dtype})' for n, c in data.coords.items()) or 'none'}"
        )
    if dates.ndim != 1:
        kinds = f"dimensions {dates.dims}" if dates.ndim else "no dimension"
        raise ValueError(
            f"weights={kind!r} need dates along one dimension; {dates.name!r} has {kinds}"
        )
    return dates


def _has_dates(array: xr.DataArray) -> bool:
    return hasattr(array, "dt") and hasattr(array.dt, "days_in_month")


def _check_monthly(dates: xr.DataArray, kind: str) -> None:
    """Raise ValueError unless each date is in a month of its own, and most months follow."""
    name, rule = dates.name, f"weights={kind!r} weight monthly data"
    if (missing := np.flatnonzero(dates.isnull())).size:
        raise ValueError(f"{rule}; {name!r} has NaT at position {missing[0]}")
    ordered = dates.sortby(dates)
    months = ordered.dt.year.values * 12 + ordered.dt.month.values
    if (repeated := np.flatnonzero(np.diff(months) == 0)).size:
        first, second = (str(ordered.values[repeated[0] + i])[:10] for i in (0, 1))
        raise ValueError(f"{rule}; {first} and {second} of {name!r} are in the same month")
    days = ordered.diff(dates.dims[0]).values / np.timedelta64(1, "D")
    median = np.median(days.astype("f8")) if len(days) else MONTH[0]
    if not MONTH[0] <= median <= MONTH[1]:
        raise ValueError(f"{rule}; the dates of {name!r} are {median:g} days apart (median)")


def _warn_of_ends(dates: xr.DataArray, bounds: xr.DataArray | None, kind: str) -> None:
    """Warn if dates may be the ends of months, as the bounds that would show it are missing."""
    name = dates.attrs.get("bounds", dates.encoding.get("bounds"))
    is_midnight = (dates.dt.day == 1) & (dates.dt.hour == 0) & (dates.dt.minute == 0)
    if name is not None and bounds is None and is_midnight.all():
        warnings.warn(
            f"weights={kind!r} take {dates.name!r} as the start of each month; its bounds "
            f"{name!r}, which would show whether it is the end, are not in the data. Adapt on the "
            "Dataset that has them",
            UserWarning,
            stacklevel=2,
        )


WEIGHTS: dict[str, Callable[[XarrayData, str], xr.DataArray]] = {
    "area": _compute_areas,
    "coslat": _compute_cosines,
    "gaussian": _compute_gaussian,
    "days": _compute_days,
}
"""The strings that may be given as weights, and the functions that compute them."""
