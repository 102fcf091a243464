"""Sketches: histograms of any numbers, of so many buckets, that merge exactly.

A bucket at level e holds the floats whose keys (`float_keys`) are equal but for the last e bits. A
sketch keeps the buckets that are not empty, at the smallest level at which they are no more than it
has room for. Buckets of one level are unions of those of the level below, so that all that a sketch
of more data needs is in the sketches of its parts: it is a function of which data there are, and
not of their order, their chunks, or the way they were merged. (Coarsening all buckets alike is due
to Epicoco et al., UDDSketch, 2020; buckets by the leading bits of floats are HdrHistogram's.)
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from dasknorm.kernels.layout import positive
from dasknorm.kernels.records import Array, Axes

__all__ = ["Part", "fold", "fold_sketches", "merge_sketches", "part_of", "sketch_dtype", "united"]

BESIDE = ("low", "high", "missing", "values", "spoiled")


class Part(NamedTuple):
    """A sketch that is worked on: sorted buckets, their weights and level, and what is beside."""

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
    """Return the dtype of sketches with room for so many buckets.

    Parameters
    ----------
    buckets : int
        At least 2.

    Returns
    -------
    dtype
        With the sum of the weights (`count`), that of what is missing, the number of `values` of
        weight above 0, the weight of infinities (`spoiled`), the least and the greatest value
        (`low`, `high`), the level of the buckets, their `keys` in order, and their `weights`: 0 for
        those that are free.

    Examples
    --------
    >>> sketch_dtype(2048).itemsize
    32824
    """
    arrays = [("keys", "<i8", (buckets,)), ("weights", "<f8", (buckets,))]
    return np.dtype([("count", "<f8"), *((n, "<f8") for n in BESIDE), ("level", "<i8"), *arrays])


def merge_sketches(records: Array, axes: Axes) -> Array:
    """Merge sketches with one another along some axes, kept as axes of one.

    Parameters
    ----------
    records : ndarray of a `sketch_dtype`
    axes : tuple of int
        Along an axis of size 0 the result is the identity, zeros.

    Returns
    -------
    ndarray of that dtype
        The sketches of all data together, bit for bit where the weights are whole numbers.
    """
    axes = positive(axes, records.ndim)
    out = np.zeros([1 if i in axes else n for i, n in enumerate(records.shape)], records.dtype)
    if not out.size or not records.size:
        return out
    kept = [axis for axis in range(records.ndim) if axis not in axes]
    lines, into = records.transpose(*kept, *axes), out.transpose(*kept, *axes)
    for place in np.ndindex(into.shape[: len(kept)]):
        parts = [part_of(each) for each in lines[place].reshape(-1)]
        _write(into[place].reshape(-1)[:1], united(parts, out.dtype["keys"].shape[0]))
    return out


def fold_sketches(total: Array, part: Array) -> None:
    """Merge sketches into others, place by place and in place; part has the shape of total."""
    for place in np.ndindex(total.shape):
        fold(total, place, part_of(part[place]))


def fold(total: Array, place: tuple[int, ...], part: Part) -> None:
    """Merge one part into the sketch at a place of total, in place."""
    room = total.dtype["keys"].shape[0]
    where: tuple[Any, ...] = (*place, ...)  # a view, where the place alone may be a copy
    _write(total[where], united([part_of(total[place]), part], room))


def part_of(record: Any) -> Part:
    """Return what a sketch holds, as views of it."""
    used = np.count_nonzero(record["weights"])
    rest = (float(record[name]) for name in BESIDE)
    return Part(record["keys"][:used], record["weights"][:used], int(record["level"]), *rest)


def united(parts: Sequence[Part], room: int) -> Part:
    """Return many parts as one, in no more buckets than there is room for."""
    lost = [sum(each) for each in zip(*(part[5:] for part in parts), strict=True)]
    parts = [part for part in parts if len(part.keys)]
    if not parts:
        return Part(np.zeros(0, np.int64), np.zeros(0), 0, 0.0, 0.0, *lost)
    keys, weights, level, *_ = parts[0]
    if len(parts) > 1:
        level = max(part.level for part in parts)
        keys = np.concatenate([part.keys >> (level - part.level) for part in parts])
        order = np.argsort(keys, kind="stable")  # which finds the runs that are sorted already
        weights = np.concatenate([part.weights for part in parts])[order]
        keys, weights = distinct(keys[order], weights)
    if more := levels_to_fit(keys, room):
        keys, weights = distinct(keys >> more, weights)
    ends = min(part.low for part in parts), max(part.high for part in parts)
    return Part(keys, weights, level + more, *ends, *lost)


def distinct(keys: Array, weights: Array | None) -> tuple[Array, Array]:
    """Return sorted keys once each, and the sums of their weights, of which each is 1 if None."""
    starts = np.flatnonzero(np.concatenate([keys[:1] == keys[:1], keys[1:] != keys[:-1]]))
    if weights is None:
        return keys[starts], np.diff(starts, append=len(keys)).astype(np.float64)
    return keys[starts], np.add.reduceat(weights, starts)


def levels_to_fit(keys: Array, room: int) -> int:
    """Return how many levels up distinct sorted keys are no more than there is room for.

    Two neighbours are one bucket as soon as the level has passed the last bit they differ in.
    """
    if len(keys) <= room:
        return 0
    apart = (keys[1:] ^ keys[:-1]).view(np.uint64)
    return int(np.partition(apart, len(apart) - room)[len(apart) - room]).bit_length()


def _write(record: Array, part: Part) -> None:
    """Write a part that fits into one record, which had none of other buckets to keep."""
    used = len(part.keys)
    for name, filled in (("keys", part.keys), ("weights", part.weights)):
        own = np.zeros(record.dtype[name].shape, record.dtype[name].base)
        own[:used] = filled
        record[name] = own
    record["level"], record["count"] = part.level, part.weights.sum()
    for name in BESIDE:
        record[name] = getattr(part, name)
