"""Extrema: minimum and maximum against NumPy and integers, and the map to a range."""

import dask.array as da
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.all_containers import LAYOUTS
from support.optional import import_optional, needs
from support.strategies import FLOATS, INTEGERS, blocks, kept_axes

import dasknorm as dn
from dasknorm import kernels

dd = import_optional("dask.dataframe")

WIDE = np.array([2**63 - 1, 2**63 - 2, -(2**63), -(2**63) + 1, 2**53 + 1, 0], "i8")


def ends(records: np.ndarray) -> list[tuple[int, int]]:
    """The two ends as whole numbers: what the first float64 leaves is in the second."""
    return [
        tuple(int(r[name]) + int(r[f"{name}_rest"]) for name in ("min", "max"))
        for r in records.ravel()
    ]


def gone(block: np.ndarray) -> np.ndarray:
    return np.isnan(block) if block.dtype.kind == "f" else np.zeros(block.shape, bool)


# -- the kernel -----------------------------------------------------------------------------------


@given(st.data())
def test_kernel_is_numpy_s(data: st.DataObject) -> None:
    """Of blocks of any dtype, layout and kept axes, the ends are those of NumPy, bit for bit."""
    block = data.draw(blocks(FLOATS + INTEGERS, least=1))
    keep = data.draw(kept_axes(block.ndim))
    steps = tuple(slice(None, None, data.draw(st.sampled_from([1, -1, 2]))) for _ in block.shape)
    block = block.transpose(data.draw(st.permutations(range(block.ndim))))[steps]
    axes = tuple(axis for axis in range(block.ndim) if axis not in keep)
    before = block.copy()
    records = kernels.extrema(block, axes)
    lost = gone(block)
    assert np.array_equal(records["count"], (~lost).sum(axes, keepdims=True))
    assert np.array_equal(records["missing"], lost.sum(axes, keepdims=True))
    for place in np.ndindex(records.shape):
        parts = [slice(None) if a in axes else slice(i, i + 1) for a, i in enumerate(place)]
        values = block[tuple(parts)]
        values = values[~gone(values)]
        if values.size:
            expected = [(values.min(), values.max())]
            whole = block.dtype.kind in "iu"
            actual = ends(records[place].reshape(1)) if whole else [tuple(records[place])[2:6:2]]
            assert actual == expected
        else:
            assert tuple(records[place])[2:] == (0, 0, 0, 0)
    assert np.array_equal(block, before, equal_nan=block.dtype.kind == "f")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["f2", "f4", ">f8", "i8", "u1", "?"])
def test_kernel_in_every_layout(layout: str, dtype: str) -> None:
    """However a large block lies in memory, along each of its axes and all of them."""
    x = np.random.default_rng(0).integers(0, 200, (40, 3, 100)).astype(dtype)
    x = LAYOUTS[layout](x)
    for axes in [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2), ()]:
        records = kernels.extrema(x, axes)
        for name, end in {"min": x.min, "max": x.max}.items():
            assert np.array_equal(records[name], end(axis=axes, keepdims=True).astype("f8"))
        assert (records["count"] == x.size // records.size).all()


@pytest.mark.parametrize("axes", [(0,), ()])
def test_wide_integers_are_whole(axes: tuple[int, ...]) -> None:
    """Integers beyond 2^53, signed and unsigned, keep every digit, merged in any order as well."""
    for x in (WIDE, WIDE.astype("u8") + np.uint64(2**62)):
        expected = [(min(x.tolist()), max(x.tolist()))]
        records = kernels.extrema(x, axes)
        for part in (records, records[::-1]):
            assert ends(kernels.merge_extrema(part, (0,))) == expected


def test_ties_in_the_first_part_are_settled_by_the_rest() -> None:
    """Whole numbers that are one float64 are told apart by merging."""
    for x in ([2**60 + 1, 2**60 - 1], [2**60 - 1, 2**60 + 1]):
        records = kernels.merge_extrema(kernels.extrema(np.array(x), ()), (0,))
        assert ends(records) == [(2**60 - 1, 2**60 + 1)]


def test_weights_of_0_take_no_part() -> None:
    """A value, or a missing one, of weight 0 is as if it were not there; the others count."""
    x = np.array([-9.0, 1.0, 4.0, np.nan, np.nan, 99.0])
    records = kernels.extrema(x, (0,), np.array([0.0, 0.5, 2.0, 0.0, 3.0, 0.0]))
    assert records.tolist() == [(2.5, 3.0, 1.0, 0.0, 4.0, 0.0)]
    assert not any(kernels.extrema(x, (0,), np.zeros(6)).tobytes())
    for wrong in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="weights"):
            kernels.extrema(x, (0,), np.full(6, wrong))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_nothing_is_zeros(shape: tuple[int, ...]) -> None:
    """Of empty blocks the records are those of nothing."""
    assert not any(kernels.extrema(np.zeros(shape), (0,)).tobytes())


@given(st.data())
def test_any_cuts_in_any_order_give_the_same_bits(data: st.DataObject) -> None:
    """A state depends on which data there are, whatever the chunks and how they merge."""
    block = data.draw(blocks(FLOATS + INTEGERS)).reshape(-1)
    weights = data.draw(st.sampled_from([None, np.arange(block.size) % 3]))
    order = np.array(data.draw(st.permutations(range(block.size))), int)
    cuts = sorted(data.draw(st.lists(st.integers(0, block.size), max_size=4)))
    for statistic in (dn.Extrema(), dn.MaxAbs()):
        whole = statistic.summarize(block, (0,), weights)
        parts = [
            statistic.summarize(block[rows], (0,), None if weights is None else weights[rows])
            for rows in np.split(order, cuts)
        ]
        joined = np.zeros_like(whole)
        for part in parts:
            statistic.join(joined, part)
        merged = statistic.merge(np.concatenate(parts), (0,))
        assert merged.tobytes() == joined.tobytes() == whole.tobytes()


# -- the map --------------------------------------------------------------------------------------


@given(st.data(), st.sampled_from([(0.0, 1.0), (-1.0, 1.0), (-3.0, 0.5), (2.0, 7.0), (0.1, 0.3)]))
def test_the_ends_become_the_ends(data: st.DataObject, ends: tuple[float, float]) -> None:
    """The least value becomes 0 and the greatest 1, exactly; other ends to 2 ulp."""
    block = data.draw(blocks(("f4", "f8", "i2", "i8", "u1"), least=1)).reshape(-1)
    values = block[~gone(block)]
    if not values.size or values.min() == values.max():
        return
    z = dn.adapt(block, dn.Extrema(*ends)).normalize(block, dtype="f8")
    actual = [z[block == values.min()][0], z[block == values.max()][0]]
    off = np.abs(np.subtract(actual, ends))
    assert (off <= (0 if ends == (0.0, 1.0) else 2) * np.spacing(np.abs(ends).max())).all()
    assert np.isnan(z).sum() == block.size - values.size


def test_the_ends_are_exact_in_float32_and_of_wide_integers() -> None:
    """As float32 they are ends to the last bit, and neighbours of 2^62 do not fall together."""
    x = np.random.default_rng(0).normal(288, 12, 1000).astype("f4")
    for low, high in [(0, 1), (-1, 1), (0.25, 0.75)]:
        z = dn.adapt(x, dn.Extrema(low, high)).normalize(x)
        assert (z.dtype, z.min(), z.max()) == (np.float32, low, high)
    wide = np.array([2**62, 2**62 + 1, 2**62 + 2])
    assert dn.adapt(wide, dn.Extrema()).normalize(wide).tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(0, 1, 0), (-1, 1, 0), (2, 3, 2), (-3, -2, -2)]
)
def test_constants_become_what_is_nearest_to_0(low: float, high: float, expected: float) -> None:
    """Data of one value have no range: they become 0, or the end that is nearest to it."""
    for value in (0.1, -7.0, 1e300, 0.0):
        x = np.full(9, value)
        assert (dn.adapt(x, dn.Extrema(low, high)).normalize(x) == expected).all()


def test_inverse() -> None:
    """The way back is within 2 ulp of the range."""
    x = np.random.default_rng(1).normal(5, 30, 999)
    stats = dn.adapt(x, dn.Extrema(-1, 1))
    np.testing.assert_allclose(
        stats.inverse(stats.normalize(x)), x, rtol=0, atol=2 * np.spacing(200)
    )


@pytest.mark.parametrize("ends", [(1, 0), (1, 1), (-np.inf, 1), (0, np.nan)])
def test_ends_that_make_no_sense(ends: tuple[float, float]) -> None:
    """A range has a least and a greatest, both finite."""
    with pytest.raises(ValueError, match="low must be less than high, got low="):
        dn.Extrema(*ends)


def test_infinite_values_are_refused() -> None:
    """Infinities have no range, nor have data whose range is beyond float64."""
    for x in ([1.0, np.inf], [-1.5e308, 1.5e308]):
        with pytest.raises(ValueError, match="infinite values"):
            dn.adapt(np.array(x), dn.Extrema())


# -- containers -----------------------------------------------------------------------------------


def test_dask_arrays_and_masks() -> None:
    """Chunks give the bits of the whole, and what is masked has no part in it."""
    x = np.random.default_rng(2).normal(size=(30, 4)).astype("f4")
    mask = x > 1
    whole = dn.adapt(np.ma.MaskedArray(x, mask), dn.Extrema())
    assert whole.max.tolist() == np.where(mask, -9, x).max(0).tolist()
    for chunks in [(7, 4), (30, 1), (1, 2)]:
        lazy = da.ma.masked_greater(da.from_array(x, chunks=chunks), 1)
        part = dn.adapt(lazy, dn.Extrema())
        assert part.states[None].data.tobytes() == whole.states[None].data.tobytes()
    z = whole.normalize(np.ma.MaskedArray(x, mask))
    assert (z.min(), z.max(), z.mask.tolist()) == (0, 1, mask.tolist())


def test_missing_values_may_be_refused() -> None:
    """With skipna=False one missing value makes its column's ends NaN."""
    x = np.array([[1.0, np.nan], [3.0, 4.0]])
    stats = dn.adapt(x, dn.Extrema(skipna=False))
    np.testing.assert_array_equal(stats.min, [1, np.nan])
    np.testing.assert_array_equal(stats.normalize(x), [[0, np.nan], [1, np.nan]])


@needs("pyarrow")
def test_frames_with_nulls_and_groups() -> None:
    """Nullable columns, Dask frames, and rows by group: each group has its own range."""
    frame = pd.DataFrame(
        {
            "k": ["a", "b", "a", "b", "a"],
            "x": pd.array([1, 10, 3, 30, None], "Int64"),
            "y": pd.array([2**60, 2**60 + 1, None, 2**60 + 3, 2**60 + 4], "int64[pyarrow]"),
        }
    )
    stats = dn.adapt(frame, dn.Extrema(), by="k")
    assert stats.min.loc["b"].tolist() == [10, 2**60]
    z = stats.normalize(frame)
    assert z["x"].tolist()[:4] == [0, 0, 1, 1]
    assert z["x"].isna().tolist() == [False] * 4 + [True]
    assert z["y"].dropna().tolist() == [0, 0, 1, 1]
    assert stats == dn.adapt(frame[:2], dn.Extrema(), by="k").update(frame[2:])
    lazy = dn.adapt(dd.from_pandas(frame, npartitions=2), dn.Extrema())
    assert lazy.max.tolist() == [30, float(2**60 + 4)]
    assert lazy.normalize(frame)["y"].tolist()[0::4] == [0, 1]
