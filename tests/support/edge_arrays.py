"""Edge cases of NumPy and Dask arrays."""

from typing import Any

import dask
import dask.array as da
import numpy as np

import dasknorm as dn
from support.edge_outcomes import Case, Raises, Warns

__all__ = ["ARRAYS"]

NAN, INF = np.nan, np.inf
ROWS = np.arange(12.0).reshape(6, 2)
TWO = dn.adapt(ROWS)
NOT_REAL = "not one of real numbers"


def make_unknown_chunks(limit: float) -> Any:
    """Return the rows above a limit, of unknown number, some chunks perhaps empty."""
    lazy = da.from_array(ROWS, chunks=(1, 2))
    return lazy[lazy[:, 0] > limit]


class Foreign:
    """A block of some other library: it has a shape and a dtype, and is no array."""

    def __init__(self, block: np.ndarray) -> None:
        self.shape, self.dtype, self.ndim = block.shape, block.dtype, block.ndim


@dask.delayed
def _block(shape: tuple[int, ...], dtype: str = "f8") -> np.ndarray:
    return np.ones(shape, dtype)


def declare_shape(run_time: tuple[int, ...], dtype: str = "f8") -> da.Array:
    """Return an array of two chunks (3, 2); the second is of another shape or dtype at run time."""
    parts = [
        da.from_delayed(_block(shape, kind), (3, 2), np.dtype("f8"))
        for shape, kind in (((3, 2), "f8"), (run_time, dtype))
    ]
    return da.concatenate(parts)


def adapt_array(values: Any, **settings: Any) -> dn.Stats:
    return dn.adapt(np.asarray(values), **settings)


def normalize(values: Any, **settings: Any) -> Any:
    values = np.asarray(values)
    return dn.adapt(values, **settings).normalize(values)


def normalize_read_only() -> Any:
    block = ROWS.copy()
    block.flags.writeable = False
    return dn.adapt(block).normalize(block).std(axis=0)


ARRAYS: dict[str, Case] = {
    "1-unknown-chunks-reduced": (lambda: dn.adapt(make_unknown_chunks(3)).mean, [7.0, 8.0]),
    "1-unknown-chunks-normalized": (
        lambda: np.asarray(TWO.normalize(make_unknown_chunks(9)) * TWO.std + TWO.mean),
        ROWS[5:],
    ),
    "2-unknown-chunks-kept": (
        lambda: dn.adapt(make_unknown_chunks(3), keep=0),
        Raises(ValueError, r"unknown along the kept axis .*compute_chunk_sizes\(\)"),
    ),
    "4-chunk-empty-at-run-time": (lambda: dn.adapt(make_unknown_chunks(8)).mean, [10.0, 11.0]),
    "5-all-chunks-empty-at-run-time": (
        lambda: dn.adapt(make_unknown_chunks(99)),
        Raises(ValueError, "no samples to adapt on"),
    ),
    "5-no-rows": (
        lambda: adapt_array(np.zeros((0, 2))),
        Raises(ValueError, "no samples to adapt on"),
    ),
    "5-no-rows-dask": (
        lambda: dn.adapt(da.zeros((0, 2))),
        Raises(ValueError, "no samples to adapt on"),
    ),
    "5-no-rows-lazily-merge": (
        lambda: (dn.adapt(da.zeros((0, 2)), compute=False) + TWO).compute().mean,
        [5.0, 6.0],
    ),
    "5-no-rows-normalized": (lambda: TWO.normalize(np.zeros((0, 2))), np.zeros((0, 2))),
    "6-no-columns": (lambda: normalize(np.zeros((3, 0))), np.zeros((3, 0))),
    "6-no-columns-dask": (
        lambda: np.asarray(dn.adapt(da.zeros((3, 0))).normalize(da.zeros((3, 0)))),
        np.zeros((3, 0)),
    ),
    "7-one-row-mean": (lambda: adapt_array([[4.0, 5.0]]).mean, [4.0, 5.0]),
    "7-one-row-z": (lambda: normalize([[4.0, 5.0]]), np.zeros((1, 2))),
    "7-one-row-ddof": (lambda: adapt_array([[4.0]], statistic=dn.Moments(ddof=1)).variance, [NAN]),
    "7-one-number": (lambda: normalize(4.0), 0.0),
    "9-some-nan": (
        lambda: adapt_array([[1, NAN], [3, 8]]).count,
        Warns("only one value in the data at axis -1=1: one value has no spread", [2.0, 1.0]),
    ),
    "9-nan-stays": (
        lambda: normalize([[1, NAN], [3, 8]] * 2),
        np.array([[-1, NAN], [1, 0]] * 2),
    ),
    "10-nan-not-skipped": (
        lambda: adapt_array([[1, NAN], [3, 8], [2, 8]], statistic=dn.Moments(skipna=False)).mean,
        [2.0, NAN],
    ),
    "11-infinity": (
        lambda: adapt_array([[1.0, 2.0], [1.0, INF]]),
        Raises(ValueError, "infinite values.* axis -1=1"),
    ),
    "11-infinity-dask": (
        lambda: dn.adapt(da.from_array(np.array([[1.0, 2.0], [-INF, 4.0]]), chunks=1)),
        Raises(ValueError, "infinite values.* axis -1=0"),
    ),
    "11-infinity-of-weight-0": (lambda: adapt_array([1.0, 3.0, INF], weights=[1, 1, 0]).mean, 2.0),
    "12-both-infinities": (lambda: adapt_array([INF, -INF]), Raises(ValueError, "infinite values")),
    "12-large-and-fine": (lambda: adapt_array([1e150, -1e150]).std, 1e150),
    "12-too-large": (lambda: adapt_array([1e200, -1e200]), Raises(ValueError, "too large")),
    "14-bool": (lambda: adapt_array([True, False, False, True]).mean, 0.5),
    "15-objects": (
        lambda: adapt_array(np.array([1.0, 2.0], dtype=object)),
        Raises(TypeError, r"dtype object is .*astype\(float\)"),
    ),
    "16-objects-with-none": (lambda: adapt_array([1.0, None]), Raises(TypeError, NOT_REAL)),
    "17-strings": (lambda: adapt_array(["a", "b"]), Raises(TypeError, "dtype <U1 is not")),
    "18-numeric-strings": (lambda: adapt_array(["1", "2"]), Raises(TypeError, "dtype <U1 is not")),
    "18-bytes": (lambda: adapt_array([b"1", b"2"]), Raises(TypeError, r"dtype \|S1 is not")),
    "19-complex": (lambda: adapt_array([1j]), Raises(TypeError, r"complex128 .*x\.real")),
    "20-datetimes": (
        lambda: adapt_array(np.array(["2001-01-01"], "M8[D]")),
        Raises(TypeError, r"datetime64\[D\] .*convert it to a number"),
    ),
    "21-timedeltas": (
        lambda: adapt_array(np.array([1, 2], "m8[s]")),
        Raises(TypeError, r"timedelta64\[s\] .*convert it to a number"),
    ),
    "22-float16-sums": (lambda: adapt_array(np.full(3000, 100, "f2")).mean, 100.0),
    "22-float16-spread": (lambda: normalize(np.array([0, 60000], "f2")), np.array([-1, 1], "f2")),
    "23-uint8": (lambda: normalize(np.array([1, 255], "u1")), np.array([-1, 1], "f4")),
    "24-int8": (lambda: adapt_array(np.array([-128, 127] * 500, "i1")).std, 127.5),
    "26-uint64": (lambda: adapt_array(np.full(9, 2**64 - 1, "u8")).mean, float(2**64)),
    "27-int64-sum": (lambda: adapt_array(np.full(4, 2**62)).mean, float(2**62)),
    "31-structured": (
        lambda: adapt_array(np.zeros(3, [("a", "f8")])),
        Raises(TypeError, r"use one field of it, x\[name\]"),
    ),
    "31-void": (lambda: adapt_array(np.zeros(3, "V2")), Raises(TypeError, r"astype\(float\)")),
    "32-one-dimension": (lambda: normalize([1.0, 3.0]), np.array([-1.0, 1.0])),
    "32-one-dimension-kept": (lambda: normalize([1.0, 3.0], keep=-1), np.zeros(2)),
    "34-three-dimensions": (lambda: adapt_array(np.ones((2, 3, 4)), over=(0, 1)).mean, [1.0] * 4),
    "35-axis-out-of-range": (
        lambda: adapt_array(ROWS, keep=5),
        Raises(np.exceptions.AxisError, "axis 5 is out of bounds for array of dimension 2"),
    ),
    "35-axis-repeated": (
        lambda: adapt_array(ROWS, over=(0, 0)),
        Raises(ValueError, "duplicate axes"),
    ),
    "35-axis-twice": (
        lambda: adapt_array(ROWS, over=(0, -2)),
        Raises(ValueError, "duplicate axes"),
    ),
    "35-axis-bool": (lambda: adapt_array(ROWS, over=True), Raises(TypeError, "True")),
    "35-axis-float": (lambda: adapt_array(ROWS, over=1.0), Raises(TypeError, r"1\.0")),
    "35-axis-name": (
        lambda: adapt_array(ROWS, over="time"),
        Raises(ValueError, "'time' not found"),
    ),
    "35-axis-numpy-integer": (lambda: adapt_array(ROWS, over=np.int64(0)).mean, [5.0, 6.0]),
    "35-keep-and-over": (
        lambda: adapt_array(ROWS, keep=0, over=1),
        Raises(ValueError, "keep= or over=, not both"),
    ),
    "37-constant": (lambda: adapt_array(np.full(1000, 0.1)).variance, 0.0),
    "37-constant-z": (lambda: normalize(np.full(1000, 0.1)), np.zeros(1000)),
    "38-nearly-constant": (lambda: normalize(1e8 + np.array([0.0, 2e-8])), np.array([-1.0, 1.0])),
    "40-subnormal": (lambda: normalize(np.array([1e-310, 3e-310])), np.zeros(2)),
    "41-longdouble": (lambda: adapt_array(np.ones(3, np.longdouble)), Raises(TypeError, NOT_REAL)),
    "44-read-only": (normalize_read_only, np.ones(2)),
    "45-foreign-chunks": (
        lambda: dn.adapt(da.from_array(ROWS, 3).map_blocks(Foreign, meta=np.empty((0, 0)))),
        Raises(TypeError, r"cannot read a block of type .*Foreign"),
    ),
    "47-too-few-features": (
        lambda: TWO.normalize(np.ones((6, 1))),
        Raises(dn.MismatchError, "the data have 1, the statistics 2"),
    ),
    "47-too-many-features-dask": (
        lambda: TWO.normalize(da.ones((6, 3))),
        Raises(dn.MismatchError, "the data have 3, the statistics 2"),
    ),
    "47-one-feature-of-stats": (
        lambda: adapt_array(np.ones((6, 1))).normalize(ROWS),
        Raises(dn.MismatchError, "the data have 2, the statistics 1"),
    ),
    "47-too-few-dimensions": (
        lambda: adapt_array(np.ones((4, 3, 2)), keep=(0, 2)).normalize(ROWS),
        Raises(dn.MismatchError, "which the data lack"),
    ),
    "49-list": (lambda: dn.adapt([[1, 2], [3, 4]]).mean, [2.0, 3.0]),
    "49-tuple": (lambda: dn.adapt((1.0, 3.0)).normalize((1.0, 3.0)), np.array([-1.0, 1.0])),
    "49-ragged-list": (lambda: dn.adapt([[1], [2, 3]]), Raises(ValueError, "equal lengths")),
    "49-generator": (
        lambda: dn.adapt(x for x in [1.0, 2.0]),
        Raises(TypeError, "cannot take numbers from a builtins.generator"),
    ),
    "50-longer-chunk": (lambda: dn.adapt(declare_shape((5, 2))).count, [8.0, 8.0]),
    "50-wider-chunk": (
        lambda: dn.adapt(declare_shape((3, 4))),
        Raises(dn.MismatchError, r"axis -2 3:6, .*shape \(3, 4\) .*where \(any, 2\) was declared"),
    ),
    "50-wider-chunk-alone": (
        lambda: dn.adapt(declare_shape((3, 4))[3:]),
        Raises(dn.MismatchError, r"shape \(3, 4\) when computed, where \(any, 2\) was declared"),
    ),
    "50-wider-chunk-normalized": (
        lambda: np.asarray(TWO.normalize(declare_shape((3, 4)))),
        Raises(dn.MismatchError, r"a chunk has shape \(3, 4\) when computed"),
    ),
    "51-other-dtype": (lambda: dn.adapt(declare_shape((3, 2), "i4")).mean, [1.0, 1.0]),
    "51-other-dtype-normalized": (
        lambda: np.asarray(TWO.normalize(declare_shape((3, 2), "i2"))),
        np.tile((1.0 - TWO.mean) / TWO.std, (6, 1)),
    ),
    "52-misaligned-chunks": (
        lambda: np.asarray(adapt_array(ROWS.T).normalize(da.from_array(ROWS.T, chunks=(1, 4)))),
        np.tile([[-1.0], [1.0]], 6),
    ),
    "52-lazy-stats": (
        lambda: np.asarray(
            dn.adapt(da.from_array(ROWS.T, (2, 5)), compute=False).normalize(
                da.from_array(ROWS.T, chunks=(1, 4))
            )
        ),
        np.tile([[-1.0], [1.0]], 6),
    ),
    "54-sizes-beyond-int32": (
        lambda: dn.adapt(np.broadcast_to(np.float32(7), (3, 1))).merge(*[HUGE] * 2).count,
        [3.0 + 2 * 2.0**40],
    ),
}

HUGE = dn.Stats.from_values(mean=[7.0], variance=[0.0], count=[2.0**40])
