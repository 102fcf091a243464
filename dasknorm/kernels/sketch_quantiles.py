"""Quantiles of sketches, and between what bounds those of the data must lie."""

from collections.abc import Sequence

import numpy as np

from dasknorm.kernels.float_keys import floats_of
from dasknorm.kernels.records import Array
from dasknorm.kernels.sketches import Part, part_of

__all__ = ["sketch_quantiles"]

MANTISSA = 52


def sketch_quantiles(records: Array, at: Sequence[float]) -> tuple[Array, Array, Array]:
    """Read quantiles of sketches: as estimated, and the least and the most that they can be.

    Lay the values in order on a line, each as long as its weight. The quantile q is the mean over
    a window of one unit that starts at ``q * (length - unit)``; the unit is 1, or the mean weight
    if that is less. Without weights that is NumPy's quantile (``method="linear"``), and a weight of
    3 is a value three times. Within a bucket, but that of 0, values are taken to be spread evenly.

    Parameters
    ----------
    records : ndarray of a `sketch_dtype`
    at : sequence of float
        Between 0 and 1.

    Returns
    -------
    estimates, least, most : ndarray of float64
        In the shape of records, with one more axis at the end for the quantiles; NaN where a sketch
        is empty. The truth lies from least to most, but for the rounding of the sums of weights.

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.kernels import add_to_sketches, sketch_dtype
    >>> records = add_to_sketches(np.zeros(1, sketch_dtype(8)), np.array([1.0, 2.0, 9.0]), (0,))
    >>> sketch_quantiles(records, (0.25, 0.5))
    (array([[1.5, 2. ]]), array([[1.5, 2. ]]), array([[1.5, 2. ]]))
    """
    found = np.full((3, *records.shape, len(at)), np.nan)
    for place in np.ndindex(records.shape):
        part = part_of(records[place])
        if len(part.keys):
            with np.errstate(all="ignore"):
                found[(slice(None), *place)] = np.transpose([_read(part, q) for q in at])
    return found[0], found[1], found[2]


def _read(part: Part, q: float) -> list[float]:
    """One quantile of a sketch that is not empty."""
    stops = np.cumsum(part.weights)
    unit = min(1.0, stops[-1] / part.values)
    start = q * (stops[-1] - unit)
    first = min(int(np.searchsorted(stops, start, "right")), len(stops) - 1)
    last = min(int(np.searchsorted(stops, start + unit, "left")), len(stops) - 1)
    there = slice(first, max(last, first) + 1)
    weights, stops = part.weights[there], stops[there]
    left, right = np.maximum(stops - weights, start), np.minimum(stops, start + unit)
    shares = np.maximum(right - left, 0.0)
    shares /= shares.sum()
    low, high = _edges(part, there)
    inside = np.clip(1.0 - (stops - (left + right) / 2) / weights, 0.0, 1.0)
    values = low + (high - low) * inside
    values[_zeros(part)[there]] = 0.0
    # Clipped, as shares may not add up to 1 to the bit: the mean of equal values is that value.
    return [float(np.clip(shares @ each, each[0], each[-1])) for each in (values, low, high)]


def _edges(part: Part, there: slice) -> tuple[Array, Array]:
    """The least and the largest float that some buckets may hold."""
    keys = part.keys[there] << part.level
    low, high = floats_of(keys), floats_of(keys + ((1 << part.level) - 1))
    return np.maximum(low, part.low), np.minimum(high, part.high)


def _zeros(part: Part) -> Array:
    """Where a bucket holds zeros, and of other numbers those below 2e-308 at most."""
    return (part.keys == 0) & (part.level <= MANTISSA) & (part.low <= 0)
