"""Latitudes: what each of a regular grid weighs, by the part of the globe that it stands for."""

from typing import Any

import numpy as np

__all__ = ["NEAR", "area", "coslat", "gaussian", "gaussian_latitudes"]

NEAR = 1e-3
"""Degrees that a latitude may be off from a Gaussian one: files of GRIB 1 hold thousandths."""

BEYOND = 1e-4
"""Degrees that rounding may have put beyond a pole, or between a latitude and its own bounds."""


def area(lat: Any, bounds: Any = None) -> np.ndarray:
    """Return the area of a cell at each latitude: ``sin(upper) - sin(lower)``.

    On the unit sphere, for one radian of longitude: a whole globe of cells sums to 2.

    Parameters
    ----------
    lat : array_like of shape (n,)
        Latitudes in degrees, ascending or descending.
    bounds : array_like of shape (n, 2), optional
        The edges of each cell in degrees, in either order. Without them cells end midway between
        neighbours, and the first and the last reach as far out as in, but at most to the pole: of
        a point at a pole there is half a cell.

    Raises
    ------
    ValueError
        If latitudes are outside of -90 to 90, not finite, or not in order; if there is only one,
        without bounds; if bounds are not those of the latitudes.

    Examples
    --------
    >>> area([-90, 0, 90]).round(4).tolist()
    [0.2929, 1.4142, 0.2929]
    """
    lat = _checked(lat, least=2 if bounds is None else 1)
    lower, upper = _edges(lat) if bounds is None else _checked_bounds(lat, bounds)
    # sin(b) - sin(a) = 2 cos((a + b) / 2) sin((b - a) / 2), without the difference of two near 1.
    return 2 * _cos((lower + upper) / 2) * np.sin(np.deg2rad((upper - lower) / 2))


def coslat(lat: Any) -> np.ndarray:
    """Return the cosine of each latitude in degrees; at a pole exactly 0, so that it is left out.

    Raises ValueError as `area` does; one latitude is enough.

    Examples
    --------
    >>> coslat([-90, -60, 0]).round(15).tolist()
    [0.0, 0.5, 1.0]
    """
    return _cos(_checked(lat, least=1))


def gaussian(lat: Any) -> np.ndarray:
    """Return the weights of Gauss-Legendre quadrature, for all the latitudes of a Gaussian grid.

    They sum to 2, and integrate polynomials in the sine of the latitude exactly, of a degree up to
    ``2 n - 1``.

    Raises ValueError unless each latitude is within `NEAR` degrees of a node, or as `area` does.

    Examples
    --------
    >>> gaussian(np.rad2deg(np.arcsin([-(0.6**0.5), 0, 0.6**0.5]))).round(15).tolist()
    [0.555555555555556, 0.888888888888889, 0.555555555555556]
    """
    lat = _checked(lat, least=1)
    nodes, weights = _nodes(len(lat))  # from north to south
    wanted = np.sort(lat)[::-1]
    off = np.abs(wanted - nodes)
    if (off > NEAR).any():
        at = int(off.argmax())
        near = nodes[np.abs(nodes - wanted[at]).argmin()]
        raise ValueError(
            f"latitudes are not those of a Gaussian grid of {len(lat)}: {wanted[at]:.9g} is not "
            f"one of them, the nearest is {near:.9g} (they may be off by {NEAR:g} degrees). Of a "
            "part of such a grid, weigh the whole before the part is taken: "
            "dasknorm.latitudes.gaussian; of another, write weights='area'"
        )
    return weights if lat[0] >= lat[-1] else weights[::-1]


def gaussian_latitudes(n: int) -> np.ndarray:
    """Return the latitudes of a Gaussian grid in degrees, from north to south.

    Examples
    --------
    >>> gaussian_latitudes(2).round(4).tolist()
    [35.2644, -35.2644]
    """
    return _nodes(n)[0]


def _cos(degrees: np.ndarray) -> np.ndarray:
    """Return the cosine: right to the last digits also next to a pole, and 0 there."""
    return np.sin(np.deg2rad(90 - np.abs(degrees)))


def _checked(lat: Any, least: int) -> np.ndarray:
    """Return latitudes as float64, within -90 to 90."""
    lat = np.asarray(lat, np.float64)
    if lat.ndim != 1:
        raise ValueError(f"latitudes must have one dimension, got shape {lat.shape}")
    if not (np.abs(lat) <= 90 + BEYOND).all():
        strange = lat[~(np.abs(lat) <= 90 + BEYOND)][0]
        raise ValueError(f"latitudes must be degrees from -90 to 90, got {strange:g}")
    if len(lat) < least:
        raise ValueError(
            f"at least {least} latitudes are needed, got {len(lat)}: where the cell of one alone "
            "ends is not known without its bounds"
        )
    steps = np.diff(lat)
    if not ((steps > 0).all() or (steps < 0).all()):
        at = int((np.sign(steps) != np.sign(steps[0])).argmax())
        raise ValueError(
            "latitudes must ascend or descend all along, got "
            f"{lat[max(at - 1, 0)]:g}, {lat[at]:g}, {lat[at + 1]:g} one after the other: sort the "
            "data by them first"
        )
    return np.clip(lat, -90, 90)


def _edges(lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and the upper edges of cells that meet midway between their points."""
    inner = (lat[1:] + lat[:-1]) / 2
    first, last = 2 * lat[0] - inner[0], 2 * lat[-1] - inner[-1]
    edges = np.clip(np.concatenate([[first], inner, [last]]), -90, 90)
    return np.minimum(edges[1:], edges[:-1]), np.maximum(edges[1:], edges[:-1])


def _checked_bounds(lat: np.ndarray, bounds: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and the upper edges that are given."""
    bounds = np.asarray(bounds, np.float64)
    if bounds.shape != (len(lat), 2):
        raise ValueError(
            f"bounds of {len(lat)} latitudes must have shape ({len(lat)}, 2), got {bounds.shape}"
        )
    lower, upper = bounds.min(axis=1), bounds.max(axis=1)
    fit = (lower - BEYOND <= lat) & (lat <= upper + BEYOND) & (lower < upper)
    fit &= (lower >= -90 - BEYOND) & (upper <= 90 + BEYOND)
    if not fit.all():
        at = int((~fit).argmax())
        raise ValueError(
            f"the bounds of latitude {lat[at]:g} must hold it and lie within -90 to 90, got "
            f"{bounds[at].tolist()}"
        )
    return np.clip(lower, -90, 90), np.clip(upper, -90, 90)


def _nodes(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the n Gaussian latitudes in degrees, from north to south, and their weights.

    Newton's method for the colatitudes where a Legendre polynomial is 0. In x = cos(colatitude)
    digits are lost next to the poles: of NumPy's leggauss(1280), the first weight is off by 2e-8.
    """
    k = np.arange(1, (n + 1) // 2 + 1)
    angle = (k - 0.25) * np.pi / (n + 0.5)
    for _ in range(5):
        value, slope = _legendre(n, angle)
        angle = angle - value / slope
    _, slope = _legendre(n, angle)
    lat, weights = 90 - np.rad2deg(angle), 2 / slope**2
    if n % 2:
        lat[-1] = 0.0
    south = slice(n // 2 - 1, None, -1) if n > 1 else slice(0, 0)
    return np.concatenate([lat, -lat[south]]), np.concatenate([weights, weights[south]])


def _legendre(n: int, angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Legendre's polynomial of degree n at cos(angle), and its slope along the angle.

    By the recurrence of its differences (Reinsch), in which 1 - cos(angle) loses no digits.
    """
    height = 2 * np.sin(angle / 2) ** 2
    value, difference = np.ones_like(angle), np.zeros_like(angle)
    for j in range(n):
        difference = (j * difference - (2 * j + 1) * height * value) / (j + 1)
        value = value + difference
    return value, n * (difference - height * value) / np.sin(angle)
