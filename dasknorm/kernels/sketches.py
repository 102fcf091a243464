"""`Sketch`: histograms that merge exactly, made from blocks, and their quantiles.

Used by kernels. The fields of a sketch are those of files; how a block is counted may be changed
freely.

A bucket at level e holds the floats whose keys (`arithmetic`) are equal but for the last e bits. A
sketch keeps the non-empty buckets, at the smallest level at which there is room for them. Buckets
of one level are unions of buckets of the level below, so that the sketches of parts contain
everything that the sketch of all data needs: it is a function of the data, and not of their order,
their chunks, or the order of merging. (Coarsening all buckets alike is due to Epicoco et al.,
UDDSketch, 2020; buckets by the leading bits of floats are those of HdrHistogram.)
"""

from collections.abc import Iterator, Sequence
from functools import cache
from types import EllipsisType
from typing import NamedTuple

import numpy as np

from dasknorm.kernels.arithmetic import (
    INFINITE_KEY,
    LARGEST_KEY,
    MAGNITUDE_BITS,
    bits_from_floats,
    floats_from_keys,
    keys_from_bits,
)
from dasknorm.kernels.inputs import (
    Array,
    Axes,
    Weights,
    as_numeric,
    as_weights,
    is_small,
    normalize_axes,
    part_of,
    reduced_shape,
)
from dasknorm.kernels.layout import SLAB_SIZE, slabs

SCALARS = ("low", "high", "missing", "values", "spoiled")
OUTPUTS_AT_ONCE = 16  # output elements whose tables are filled together: a cache line of float32
SLOTS_PER_BUCKET = 2  # with half of a table empty, few slots are taken by another bucket
MANTISSA_BITS = 52


class Sketch(NamedTuple):
    """A sketch without its room: sorted buckets, their weights and level, and its scalars."""

    keys: Array
    weights: Array
    level: int = 0
    low: float = 0.0
    high: float = 0.0
    missing: float = 0.0
    values: float = 0.0
    spoiled: float = 0.0


@cache
def sketch_dtype(buckets: int) -> np.dtype[np.void]:
    """Return the dtype of sketches with room for so many buckets, at least 2.

    It has the sum of the weights (`count`), the weight of missing values, the number of `values` of
    weight above 0, the weight of infinities (`spoiled`), the least and the greatest value (`low`,
    `high`), the level of the buckets, their `keys` in order, and their `weights`: 0 for free
    buckets.

    Examples
    --------
    >>> sketch_dtype(2048).itemsize
    32824
    """
    arrays = [("keys", "<i8", (buckets,)), ("weights", "<f8", (buckets,))]
    return np.dtype([("count", "<f8"), *((n, "<f8") for n in SCALARS), ("level", "<i8"), *arrays])


def merge_sketches(records: Array, axes: Axes) -> Array:
    """Merge sketches along some axes, without rounding if the weights are whole numbers."""
    axes = normalize_axes(axes, records.ndim)
    out = np.zeros(reduced_shape(records.shape, axes), records.dtype)
    if not out.size or not records.size:
        return out
    kept = [axis for axis in range(records.ndim) if axis not in axes]
    lines, into = records.transpose(*kept, *axes), out.transpose(*kept, *axes)
    for index in np.ndindex(into.shape[: len(kept)]):
        sketches = [_sketch_from(record) for record in lines[index].reshape(-1)]
        _write(into[index].reshape(-1)[:1], _unite(sketches, out.dtype["keys"].shape[0]))
    return out


def fold_sketches(total: Array, part: Array) -> None:
    """Merge sketches into others, element by element and in place; both have the same shape."""
    for index in np.ndindex(total.shape):
        _fold(total, index, _sketch_from(part[index]))


def _fold(total: Array, index: tuple[int, ...], sketch: Sketch) -> None:
    """Merge a sketch into one element of total, in place."""
    room = total.dtype["keys"].shape[0]
    # With an ellipsis the result is a view, where an index alone may copy.
    where: tuple[int | EllipsisType, ...] = (*index, ...)
    _write(total[where], _unite([_sketch_from(total[index]), sketch], room))


def _sketch_from(record: Array) -> Sketch:
    """Return the contents of a record, as views of it."""
    used = np.count_nonzero(record["weights"])
    scalars = (float(record[name]) for name in SCALARS)
    return Sketch(record["keys"][:used], record["weights"][:used], int(record["level"]), *scalars)


def _unite(sketches: Sequence[Sketch], room: int) -> Sketch:
    """Return many sketches as one, in at most so many buckets."""
    sums = [sum(numbers) for numbers in zip(*(sketch[5:] for sketch in sketches), strict=True)]
    sketches = [sketch for sketch in sketches if len(sketch.keys)]
    if not sketches:
        return Sketch(np.zeros(0, np.int64), np.zeros(0), 0, 0.0, 0.0, *sums)
    keys, weights, level, *_ = sketches[0]
    if len(sketches) > 1:
        level = max(sketch.level for sketch in sketches)
        keys = np.concatenate([sketch.keys >> (level - sketch.level) for sketch in sketches])
        order = np.argsort(keys, kind="stable")  # which detects runs that are sorted already
        weights = np.concatenate([sketch.weights for sketch in sketches])[order]
        keys, weights = _count_keys(keys[order], weights)
    if more := _levels_to_fit(keys, room):
        keys, weights = _count_keys(keys >> more, weights)
    ends = min(sketch.low for sketch in sketches), max(sketch.high for sketch in sketches)
    return Sketch(keys, weights, level + more, *ends, *sums)


def _count_keys(keys: Array, weights: Weights) -> tuple[Array, Array]:
    """Return sorted keys once each, and the sums of their weights, all 1 if None."""
    starts = np.flatnonzero(np.concatenate([keys[:1] == keys[:1], keys[1:] != keys[:-1]]))
    if weights is None:
        return keys[starts], np.diff(starts, append=len(keys)).astype(np.float64)
    return keys[starts], np.add.reduceat(weights, starts)


def _levels_to_fit(keys: Array, room: int) -> int:
    """Return the number of levels up at which there is room for distinct sorted keys."""
    # Two neighbours are one bucket as soon as the level has passed the last bit they differ in.
    if len(keys) <= room:
        return 0
    differing = (keys[1:] ^ keys[:-1]).view(np.uint64)
    last = len(differing) - room
    return int(np.partition(differing, last)[last]).bit_length()


def _write(record: Array, sketch: Sketch) -> None:
    """Write a sketch that fits into one record, replacing all of its buckets."""
    used = len(sketch.keys)
    for name, values in (("keys", sketch.keys), ("weights", sketch.weights)):
        buckets = np.zeros(record.dtype[name].shape, record.dtype[name].base)
        buckets[:used] = values
        record[name] = buckets
    record["level"], record["count"] = sketch.level, sketch.weights.sum()
    for name in SCALARS:
        record[name] = getattr(sketch, name)


def add_to_sketches(out: Array, x: Array, axes: Axes, weights: Weights = None) -> Array:
    """Merge the sketches of a block along some axes into others, in place, and return these.

    Integers beyond 2**53 are rounded to float64. Infinities count as spoiled.

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.kernels import sketch_dtype
    >>> out = np.zeros(1, sketch_dtype(4))
    >>> record = add_to_sketches(out, np.array([3.0, 1.0, np.nan, 3.0]), (0,))[0]
    >>> record["count"].item(), record["missing"].item(), record["level"].item()
    (3.0, 1.0, 0)
    >>> record["weights"].tolist()
    [1.0, 2.0, 0.0, 0.0]
    """
    x = as_numeric(x)
    axes = normalize_axes(axes, x.ndim)
    weights = None if weights is None else as_weights(weights, x.shape)
    if not x.size:
        return out
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    lines = x.transpose(*kept, *axes)
    weights = None if weights is None else weights.transpose(*kept, *axes)
    first: tuple[int | EllipsisType, ...] = (..., *(0 for _ in axes))
    into = out.transpose(*kept, *axes)[first]
    add = _add_by_sorting if is_small(x) else _add_by_tables
    for slab in slabs(into.shape, OUTPUTS_AT_ONCE):
        add(into[slab], lines[slab], part_of(weights, slab))
    return out


def _add_by_sorting(into: Array, lines: Array, weights: Weights) -> None:
    """Sort the values of each line; there are few."""
    bits = bits_from_floats(lines).reshape(*into.shape, -1)
    weights = None if weights is None else np.asarray(weights, np.float64).reshape(bits.shape)
    magnitudes = bits & MAGNITUDE_BITS
    for index in np.ndindex(into.shape):
        magnitude = magnitudes[index]
        weight = np.ones(1) if weights is None else weights[index]
        missing, spoiled = (
            np.where(is_excluded, weight, 0.0).sum()
            for is_excluded in (magnitude > INFINITE_KEY, magnitude == INFINITE_KEY)
        )
        valid = (magnitude < INFINITE_KEY) & (weight > 0)
        keys = keys_from_bits(bits[index][valid])
        if weights is None:
            keys, sums = _count_keys(np.sort(keys), None)
        else:
            order = np.argsort(keys, kind="stable")
            keys, sums = _count_keys(keys[order], weight[valid][order])
        low, high = floats_from_keys(keys[[0, -1]] if len(keys) else np.zeros(2, np.int64)).tolist()
        count = float(valid.sum())
        _fold(into, index, Sketch(keys, sums, 0, low, high, missing, count, spoiled))


def _add_by_tables(into: Array, lines: Array, weights: Weights) -> None:
    """Count the values of some lines in hash tables, a slab at a time."""
    # Numba is imported here and not above: half a second that small data never need.
    from dasknorm.kernels.compiled.sketches import tally

    room = into.dtype["keys"].shape[0]
    shape = (into.size, 1 << (SLOTS_PER_BUCKET * room - 1).bit_length())
    keys, sums = np.empty(shape, np.int64), np.zeros(shape)
    levels = into["level"].reshape(-1).copy()  # no coarser than the level of all data
    used = np.zeros(into.size, np.int64)
    ends = np.tile([LARGEST_KEY, -LARGEST_KEY], (into.size, 1))
    totals = np.zeros((into.size, 3))
    for bits, slab_weights in _line_slabs(lines, weights, into.ndim):
        tally(keys, sums, levels, used, ends, totals, bits, slab_weights, room)
    for line, index in enumerate(np.ndindex(into.shape)):
        slots = np.flatnonzero(sums[line])
        slots = slots[np.argsort(keys[line, slots])]
        scalars = (*floats_from_keys(ends[line]).tolist(), *totals[line].tolist())
        level = int(levels[line])
        _fold(into, index, Sketch(keys[line, slots], sums[line, slots], level, *scalars))


def _line_slabs(lines: Array, weights: Weights, kept: int) -> Iterator[tuple[Array, Array | None]]:
    """Yield the bits of some lines, and their weights, a row for each line."""
    count = int(np.prod(lines.shape[:kept]))
    for slab in slabs(lines.shape[kept:], max(SLAB_SIZE // count, 1)):
        index = (slice(None),) * kept + slab
        row_weights = None
        if weights is not None:
            row_weights = np.ascontiguousarray(weights[index], np.float64).reshape(count, -1)
        yield bits_from_floats(lines[index]).reshape(count, -1), row_weights


def sketch_quantiles(records: Array, at: Sequence[float]) -> tuple[Array, Array, Array]:
    """Compute quantiles of sketches: estimates, and bounds of the quantiles of the data.

    Place the values in order on a line, each as long as its weight. The quantile q is the mean over
    a window of one unit that starts at ``q * (length - unit)``; the unit is 1, or the mean weight
    if that is less. Without weights that is NumPy's quantile (``method="linear"``), and a weight of
    3 is a value three times. Within a bucket, except that of 0, values are assumed to be evenly
    spread.

    The estimates, and the least and the greatest possible value, have one more axis at the end, for
    the quantiles `at`; they are NaN for an empty sketch.

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.kernels import add_to_sketches, sketch_dtype
    >>> records = add_to_sketches(np.zeros(1, sketch_dtype(8)), np.array([1.0, 2.0, 9.0]), (0,))
    >>> sketch_quantiles(records, (0.25, 0.5))
    (array([[1.5, 2. ]]), array([[1.5, 2. ]]), array([[1.5, 2. ]]))
    """
    quantiles = np.full((3, *records.shape, len(at)), np.nan)
    for index in np.ndindex(records.shape):
        sketch = _sketch_from(records[index])
        if len(sketch.keys):
            with np.errstate(all="ignore"):
                quantiles[(slice(None), *index)] = np.transpose([_quantile(sketch, q) for q in at])
    return quantiles[0], quantiles[1], quantiles[2]


def _quantile(sketch: Sketch, q: float) -> list[float]:
    """Return one quantile of a sketch that is not empty: its estimate and its bounds."""
    stops = np.cumsum(sketch.weights)
    unit = min(1.0, stops[-1] / sketch.values)
    start = q * (stops[-1] - unit)
    first = min(int(np.searchsorted(stops, start, "right")), len(stops) - 1)
    last = min(int(np.searchsorted(stops, start + unit, "left")), len(stops) - 1)
    window = slice(first, max(last, first) + 1)
    weights, stops = sketch.weights[window], stops[window]
    left, right = np.maximum(stops - weights, start), np.minimum(stops, start + unit)
    shares = np.maximum(right - left, 0.0)
    shares /= shares.sum()
    low, high = _edges(sketch, window)
    fractions = np.clip(1.0 - (stops - (left + right) / 2) / weights, 0.0, 1.0)
    values = low + (high - low) * fractions
    values[_holds_zeros(sketch)[window]] = 0.0
    # Clipped, as shares may not add up to 1 to the bit: the mean of equal values is that value.
    return [float(np.clip(shares @ part, part[0], part[-1])) for part in (values, low, high)]


def _edges(sketch: Sketch, window: slice) -> tuple[Array, Array]:
    """Return the least and the largest float that some buckets may hold."""
    keys = sketch.keys[window] << sketch.level
    low, high = floats_from_keys(keys), floats_from_keys(keys + ((1 << sketch.level) - 1))
    return np.maximum(low, sketch.low), np.minimum(high, sketch.high)


def _holds_zeros(sketch: Sketch) -> Array:
    """Return which buckets hold zeros, and apart from zeros only numbers below 2e-308."""
    return (sketch.keys == 0) & (sketch.level <= MANTISSA_BITS) & (sketch.low <= 0)
