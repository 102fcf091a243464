"""Area weights of the latitudes of a regular grid, as numbers.

Used by `containers.coordinate_weights` and by users, who import its formulas.
"""

import numpy as np
from numpy.typing import ArrayLike

NEAR = 1e-3
"""Degrees that a latitude may be off from a Gaussian one: files of GRIB 1 hold thousandths."""

ROUNDING = 1e-4
"""Degrees by which rounding may move a latitude across a pole, or across its own bounds."""


def area(lat: ArrayLike, bounds: ArrayLike | None = None) -> np.ndarray:
    """Return the area of a cell at each latitude: ``sin(upper) - sin(lower)``.

    The area is on the unit sphere, for one radian of longitude: a whole globe of cells sums to 2.

    Parameters
    ----------
    lat : array_like of shape (n,)
        Latitudes in degrees, ascending or descending.
    bounds : array_like of shape (n, 2), optional
        The edges of each cell in degrees, in either order. By default cells end midway between
        neighbouring latitudes. The first and the last cell extend equally far on both sides, but at
        most to the pole: a latitude at a pole has half a cell.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    ValueError
        If latitudes are outside of -90 to 90, not finite, or not in order; if there is only one
        latitude and no bounds; if bounds do not contain their latitudes.

    Examples
    --------
    >>> area([-90, 0, 90]).round(4).tolist()
    [0.2929, 1.4142, 0.2929]
    """
    lat = _parse_latitudes(lat, min_size=2 if bounds is None else 1)
    lower, upper = _edges(lat) if bounds is None else _parse_bounds(lat, bounds)
    # sin(b) - sin(a) = 2 cos((a + b) / 2) sin((b - a) / 2), without the difference of two near 1.
    return 2 * _cos((lower + upper) / 2) * np.sin(np.deg2rad((upper - lower) / 2))


def coslat(lat: ArrayLike) -> np.ndarray:
    """Return the cosine of each latitude in degrees; at a pole exactly 0, which excludes it.

    Raises ValueError as `area` does; one latitude is enough.

    Examples
    --------
    >>> coslat([-90, -60, 0]).round(15).tolist()
    [0.0, 0.5, 1.0]
    """
    return _cos(_parse_latitudes(lat, min_size=1))


def gaussian(lat: ArrayLike) -> np.ndarray:
    """Return the weights of Gauss-Legendre quadrature for all the latitudes of a Gaussian grid.

    The weights sum to 2. They integrate polynomials in the sine of the latitude exactly, up to the
    degree ``2 n - 1``.

    Raises ValueError unless each latitude is within `NEAR` degrees of a node, or as `area` does.

    Examples
    --------
    >>> gaussian(np.rad2deg(np.arcsin([-(0.6**0.5), 0, 0.6**0.5]))).round(15).tolist()
    [0.555555555555556, 0.888888888888889, 0.555555555555556]
    """
    lat = _parse_latitudes(lat, min_size=1)
    nodes, weights = _nodes(len(lat))  # from north to south
    southward = np.sort(lat)[::-1]
    error = np.abs(southward - nodes)
    if (error > NEAR).any():
        worst = southward[error.argmax()]
        nearest = nodes[np.abs(nodes - worst).argmin()]
        raise ValueError(
            f"latitudes are not those of a Gaussian grid of {len(lat)}: {worst:.9g} is not "
            f"one of them, the nearest is {nearest:.9g} (they may be off by {NEAR:g} degrees). Of "
            "a part of such a grid, weigh the whole before the part is taken: "
            "dasknorm.containers.latitudes.gaussian; of another, write weights='area'"
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
    """Return the cosine, accurate to the last digits next to a pole, and 0 at it."""
    return np.sin(np.deg2rad(90 - np.abs(degrees)))


def _parse_latitudes(lat: ArrayLike, min_size: int) -> np.ndarray:
    """Return latitudes as float64, within -90 to 90."""
    lat = np.asarray(lat, np.float64)
    if lat.ndim != 1:
        raise ValueError(f"latitudes must have one dimension, got shape {lat.shape}")
    is_valid = np.abs(lat) <= 90 + ROUNDING
    if not is_valid.all():
        raise ValueError(f"latitudes must be degrees from -90 to 90, got {lat[~is_valid][0]:g}")
    if len(lat) < min_size:
        raise ValueError(
            f"at least {min_size} latitudes are needed, got {len(lat)}: where the cell of one "
            "alone ends is not known without its bounds"
        )
    steps = np.diff(lat)
    if not ((steps > 0).all() or (steps < 0).all()):
        i = int((np.sign(steps) != np.sign(steps[0])).argmax())
        raise ValueError(
            "latitudes must ascend or descend all along, got "
            f"{lat[max(i - 1, 0)]:g}, {lat[i]:g}, {lat[i + 1]:g} one after the other: sort the "
            "data by them first"
        )
    return np.clip(lat, -90, 90)


def _edges(lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and the upper edges of cells that meet midway between their latitudes."""
    inner = (lat[1:] + lat[:-1]) / 2
    first, last = 2 * lat[0] - inner[0], 2 * lat[-1] - inner[-1]
    edges = np.clip(np.concatenate([[first], inner, [last]]), -90, 90)
    return np.minimum(edges[1:], edges[:-1]), np.maximum(edges[1:], edges[:-1])


def _parse_bounds(lat: np.ndarray, bounds: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and the upper edges in `bounds`."""
    bounds = np.asarray(bounds, np.float64)
    if bounds.shape != (len(lat), 2):
        raise ValueError(
            f"bounds of {len(lat)} latitudes must have shape ({len(lat)}, 2), got {bounds.shape}"
        )
    lower, upper = bounds.min(axis=1), bounds.max(axis=1)
    is_valid = (lower - ROUNDING <= lat) & (lat <= upper + ROUNDING) & (lower < upper)
    is_valid &= (lower >= -90 - ROUNDING) & (upper <= 90 + ROUNDING)
    if not is_valid.all():
        i = int((~is_valid).argmax())
        raise ValueError(
            f"the bounds of latitude {lat[i]:g} must hold it and lie within -90 to 90, got "
            f"{bounds[i].tolist()}"
        )
    return np.clip(lower, -90, 90), np.clip(upper, -90, 90)


def _nodes(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the n Gaussian latitudes in degrees, from north to south, and their weights."""
    # Newton's method for the colatitudes where a Legendre polynomial is 0. In x = cos(colatitude)
    # digits are lost next to the poles: the first weight of NumPy's leggauss(1280) is off by 2e-8.
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
    """Return Legendre's polynomial of degree n at cos(angle), and its slope along the angle."""
    # By the recurrence of its differences (Reinsch), in which 1 - cos(angle) loses no digits.
    height = 2 * np.sin(angle / 2) ** 2
    value, difference = np.ones_like(angle), np.zeros_like(angle)
    for j in range(n):
        difference = (j * difference - (2 * j + 1) * height * value) / (j + 1)
        value = value + difference
    return value, n * (difference - height * value) / np.sin(angle)
