"""Quantiles: the invariants of the sketch to the bit, and results against NumPy."""

from fractions import Fraction
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.optional import needs
from support.strategies import FLOATS, INTEGERS, blocks, kept_axes

import dasknorm as dn
from dasknorm import Quantiles

AT = {"lower": 0.25, "median": 0.5, "upper": 0.75}
MANY = 150_000  # beyond what is sorted, and so counted in tables


def summarized(x: np.ndarray, weights: np.ndarray | None = None, **settings: float) -> np.ndarray:
    return Quantiles(**settings).summarize(x, tuple(range(x.ndim)), weights)


def assert_right(statistic: Quantiles, records: np.ndarray, truths: dict[str, float]) -> None:
    """Hold what is read to the error that is told, and to the rounding of a few sums."""
    error = statistic.result(records, "error").item()
    for name, truth in truths.items():
        off = abs(statistic.result(records, name).item() - truth)
        assert off <= error + 8 * np.spacing(abs(truth)), (name, off, error)


# -- the laws -----------------------------------------------------------------------------------


@given(st.data())
def test_any_cuts_in_any_order_give_the_same_bits(data: st.DataObject) -> None:
    """A state depends on which data there are: not on chunks, their order, or how they merge."""
    block = data.draw(blocks(FLOATS + INTEGERS)).reshape(-1)
    weights = data.draw(st.sampled_from([None, np.arange(block.size) % 3]))
    statistic = Quantiles(buckets=data.draw(st.sampled_from([2, 3, 8, 64])))
    whole = statistic.summarize(block, (0,), weights)
    order = np.array(data.draw(st.permutations(range(block.size))), int)
    cuts = sorted(data.draw(st.lists(st.integers(0, block.size), max_size=4)))
    parts = [
        statistic.summarize(block[rows], (0,), None if weights is None else weights[rows])
        for rows in np.split(order, cuts)
    ]
    added, joined = np.zeros_like(whole), np.zeros_like(whole)
    for rows, part in zip(np.split(order, cuts), parts, strict=True):
        statistic.add(added, block[rows], (0,), None if weights is None else weights[rows])
        statistic.join(joined, part)
    merged = statistic.merge(np.concatenate(parts), (0,))
    assert merged.tobytes() == added.tobytes() == joined.tobytes() == whole.tobytes()


@pytest.mark.parametrize("buckets", [2, 100, 2048])
@pytest.mark.parametrize("weighted", [False, True])
def test_sorting_and_tables_give_the_same_bits(buckets: int, weighted: bool) -> None:
    """Small blocks are sorted, large ones counted in tables: one and the same state."""
    rng = np.random.default_rng(0)
    x = np.r_[rng.normal(size=MANY), np.full(9, 1e300), np.zeros(9), np.nan, -np.inf, 5e-324, -0.0]
    x = np.r_[np.sort(x[:50_000]), x[50_000:]]
    weights = rng.integers(0, 3, x.shape) if weighted else None
    statistic = Quantiles(buckets=buckets)
    total = np.zeros(1, statistic.dtype)
    for rows in np.array_split(np.arange(x.size), 3):
        statistic.add(total, x[rows], (0,), None if weights is None else weights[rows])
    assert total.tobytes() == statistic.summarize(x, (0,), weights).tobytes()
    assert (total["missing"], total["spoiled"]) == (
        (1, 1) if not weighted else tuple(weights[-4:-2])
    )


def test_a_state_is_as_large_as_its_buckets() -> None:
    """16 bytes for each bucket, and zeros are of nothing."""
    assert Quantiles(buckets=100).dtype.itemsize == 1600 + 56
    assert not any(summarized(np.full(5, 0.0), np.zeros(5)).tobytes())


# -- against NumPy ------------------------------------------------------------------------------


def _rain(rng: np.random.Generator, size: int) -> np.ndarray:
    return np.where(rng.random(size) < 0.6, 0.0, rng.lognormal(0.0, 2.0, size))


def _spiked(rng: np.random.Generator, size: int) -> np.ndarray:
    x = rng.standard_cauchy(size)
    x[::1000] = 1e15
    return x


CASES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "spiked": _spiked,
    "offset": lambda rng, n: rng.uniform(287.75, 288.25, n).astype("f4"),
    "crossing": lambda rng, n: rng.uniform(-1e-3, 1e3, n),
    "rain": _rain,
    "integers": lambda rng, n: rng.integers(-1000, 100_000, n, "i4"),
    "bytes": lambda rng, n: rng.integers(0, 255, n).astype("u1"),
    "bool": lambda rng, n: rng.random(n) < 0.3,
    "half": lambda rng, n: rng.normal(10, 3, n).astype("f2"),
    "tiny": lambda rng, n: rng.normal(size=n) * 1e-310,
    "huge": lambda rng, n: rng.normal(size=n) * 1e307,
    "big-endian": lambda rng, n: rng.normal(size=n).astype(">f4"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("size", [1, 2, 1001, 300_000])
@pytest.mark.parametrize("buckets", [2, 50, 2048])
def test_truth_is_within_the_error(case: str, size: int, buckets: int) -> None:
    """The quantiles of NumPy in float64 are no further off than the error that is told."""
    x = CASES[case](np.random.default_rng(1), size)
    truths = dict(zip(AT, np.quantile(x.astype("f8"), list(AT.values())), strict=True))
    assert_right(Quantiles(buckets=buckets), summarized(x, buckets=buckets), truths)


@pytest.mark.parametrize("case", CASES)
def test_few_values_are_exact(case: str) -> None:
    """Of no more different values than buckets, the quantiles are NumPy's, to rounding."""
    x = np.resize(CASES[case](np.random.default_rng(2), 500), 1234)
    for lower, upper in [(0.25, 0.75), (0.0, 1.0), (0.1, 0.999)]:
        statistic = Quantiles(lower, upper, buckets=500)
        records = statistic.summarize(x, (0,))
        assert statistic.result(records, "error").item() == 0
        truths = np.quantile(x.astype("f8"), [lower, 0.5, upper])
        assert_right(statistic, records, dict(zip(AT, truths, strict=True)))


def test_estimates_are_far_nearer_than_the_error() -> None:
    """Of a million normal values the quantiles are right to 3e-4 standard deviations."""
    x = np.random.default_rng(3).normal(5.0, 2.0, 1_000_000)
    records = summarized(x)
    for name, q in AT.items():
        assert abs(Quantiles().result(records, name).item() - np.quantile(x, q)) < 6e-4
    assert Quantiles().result(records, "error").item() < 0.07


@given(st.integers(1, 30), st.sampled_from([64, 300, 2048]), st.booleans())
def test_error_is_bounded_beforehand(binades: int, buckets: int, signed: bool) -> None:
    """The error is less than 2 d / (buckets - 1) of the value, for data from d binades."""
    rng = np.random.default_rng(binades)
    x = 2.0 ** rng.uniform(-3, binades - 3, 20_000) * (rng.choice([-1, 1], 20_000) if signed else 1)
    records = summarized(x, buckets=buckets)
    statistic = Quantiles(buckets=buckets)
    d = binades * (1 + signed)
    largest = max(abs(statistic.result(records, name).item()) for name in AT)
    assert statistic.result(records, "error").item() < 2 * d / (buckets - 1) * largest * (1 + 1e-3)


@pytest.mark.parametrize("buckets", [16, 64, 2048])
def test_error_in_one_binade_is_a_part_of_the_range(buckets: int) -> None:
    """Between two powers of 2 it is less than 2 (max - min) / (buckets - 2)."""
    x = np.random.default_rng(4).uniform(260.0, 310.0, 50_000)
    records = summarized(x, buckets=buckets)
    error = Quantiles(buckets=buckets).result(records, "error").item()
    assert error < 2 * (x.max() - x.min()) / (buckets - 2)


def test_spikes_at_0_and_at_1_are_exact() -> None:
    """Of rain that is mostly 0, or clouds that are mostly 1, the range is 0 and the scale 1."""
    rng = np.random.default_rng(5)
    for spike, other_values in [
        (0.0, rng.lognormal(size=20_000)),
        (1.0, rng.uniform(0, 1, 20_000)),
    ]:
        records = summarized(np.r_[other_values, np.full(80_000, spike)], buckets=64)
        assert Quantiles(buckets=64).result(records, "median").item() == spike
        affine = Quantiles(buckets=64).affine(records)
        assert (affine["shift"], affine["scale"]) == (spike, 1.0)


# -- weights ------------------------------------------------------------------------------------


def window_mean(x: list[float], weights: list[float], q: float) -> Fraction:
    """Return the quantile as it is defined: the mean of the inverse CDF over one unit of weight."""
    pairs = sorted((Fraction(v), Fraction(w)) for v, w in zip(x, weights, strict=True) if w > 0)
    total = sum(w for _, w in pairs)
    unit = min(Fraction(1), total / len(pairs))
    start, result, before = Fraction(q) * (total - unit), Fraction(0), Fraction(0)
    for value, w in pairs:
        overlap = min(before + w, start + unit) - max(before, start)
        result += value * max(overlap, Fraction(0))
        before += w
    return result / unit


VALUES = st.lists(
    st.tuples(st.integers(-9, 9), st.sampled_from([0.0, 0.125, 0.5, 1.0, 3.0, 700.0])), min_size=1
).filter(lambda pairs: any(w for _, w in pairs))


@given(VALUES, st.sampled_from([0.0, 0.25, 0.9]))
def test_weighted_quantiles_are_as_defined(pairs: list[tuple[int, float]], q: float) -> None:
    """Against fractions: the mean of the inverse CDF over a window of one unit."""
    x, weights = map(list, zip(*pairs, strict=True))
    statistic = Quantiles(lower=q, upper=0.95)
    records = statistic.summarize(np.array(x), (0,), np.array(weights))
    for name, at in {"lower": q, "median": 0.5}.items():
        expected = float(window_mean(x, weights, at))
        assert abs(statistic.result(records, name).item() - expected) < 1e-9


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 4)), min_size=1))
def test_an_integer_weight_is_a_value_repeated(pairs: list[tuple[int, int]]) -> None:
    """A weight of 3 gives what the value three times does; one of 0 takes no part."""
    x, weights = np.array(pairs, float).T
    weighted, repeated = summarized(x, weights), summarized(np.repeat(x, weights.astype(int)))
    for name in Quantiles.result_names:
        pair = [Quantiles().result(item, name).item() for item in (weighted, repeated)]
        np.testing.assert_array_equal(*pair, err_msg=name)


@pytest.mark.parametrize("size", [1000, MANY])
def test_parts_of_an_area_are_weights_too(size: int) -> None:
    """Weights that add up to 1 are not taken for one value: quantiles follow the weighted CDF."""
    rng = np.random.default_rng(6)
    x, weights = rng.normal(280, 10, size), rng.random(size)
    weights /= weights.sum()
    order = np.argsort(x)
    records = summarized(x, weights)
    for name, q in AT.items():
        at = np.searchsorted(np.cumsum(weights[order]), q)
        low, high = x[order][[at - 2, at + 2]]
        error = Quantiles().result(records, "error").item()
        assert low - error <= Quantiles().result(records, name).item() <= high + error
    assert records["count"].item() == pytest.approx(1.0, rel=1e-13)


# -- blocks of any shape and layout -------------------------------------------------------------


@given(st.data())
def test_kept_axes_and_layouts(data: st.DataObject) -> None:
    """Each kept position has the quantiles of its own values, however they lie in memory."""
    block = data.draw(blocks(("f4", ">f8", "i2", "u1"), least=1))
    keep = data.draw(kept_axes(block.ndim))
    steps = tuple(slice(None, None, data.draw(st.sampled_from([1, -1, 2]))) for _ in block.shape)
    block = block.transpose(data.draw(st.permutations(range(block.ndim))))[steps]
    axes = tuple(axis for axis in range(block.ndim) if axis not in keep)
    records = Quantiles().summarize(block, axes)
    with np.errstate(all="ignore"):
        expected = np.quantile(block.astype("f8"), 0.5, axis=axes, keepdims=True)
    counts = (block == block).sum(axis=axes, keepdims=True)
    for place in np.ndindex(records.shape):
        actual = Quantiles().result(records[place].reshape(1), "median").item()
        if counts[place] == block.size // records.size:
            assert actual == pytest.approx(expected[place], rel=1e-14)
    assert np.array_equal(records["count"], counts)


LAYOUTS = {
    "C": lambda x: x,
    "F": np.asfortranarray,
    "reversed": lambda x: x[::-1, :, ::-1],
    "sliced": lambda x: x[:, ::2],
    "broadcast": lambda x: np.broadcast_to(x[:1], x.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_large_blocks_of_any_layout(layout: str) -> None:
    """Tables are filled for each kept position: of columns, of planes, of steps back and across."""
    x = LAYOUTS[layout](np.random.default_rng(7).normal(size=(7, 120, 2, 150)).astype("f4"))
    statistic = Quantiles(buckets=256)
    for axes in [(1, 3), (0, 1), (3, 1, 0), (0, 1, 2, 3)]:
        assert x.size >= 100_000
        order = [*(axis for axis in range(4) if axis not in axes), *axes]
        records = statistic.summarize(x, axes).transpose(order).reshape(-1)
        lines = x.transpose(order).reshape(len(records), -1)
        for record, line in list(zip(records, lines, strict=True))[::7]:
            assert record.tobytes() == statistic.summarize(line, (0,)).tobytes()


def test_groups_are_summarized_apart() -> None:
    """add_by_group gives each group what add would, and skips codes below 0."""
    rng = np.random.default_rng(8)
    x, codes, weights = rng.normal(size=500), rng.integers(-1, 4, 500), rng.integers(0, 3, 500)
    statistic = Quantiles(buckets=32)
    total = statistic.summarize(rng.normal(size=(6, 40)), (1,))[:, 0]
    expected = total.copy()
    statistic.add_by_group(total, x, codes, weights)
    for group in range(4):
        in_group = codes == group
        statistic.add(expected[group : group + 1], x[in_group], (0,), weights[in_group])
    assert total.tobytes() == expected.tobytes()


# -- missing, infinite, constant ----------------------------------------------------------------


def test_missing_values() -> None:
    """NaN is skipped and counted; with skipna=False it leaves no quantiles."""
    x = np.array([3.0, np.nan, 1.0, 2.0])
    records = summarized(x)
    assert records["missing"].item() == 1
    for name in ("median", "lower", "upper", "error"):
        assert np.isfinite(Quantiles().result(records, name)).all()
        assert np.isnan(Quantiles(skipna=False).result(records, name)).all()
    affine = Quantiles(skipna=False).affine(records)
    assert np.isnan([affine["shift"], affine["scale"]]).all()
    assert np.isnan(Quantiles().result(summarized(x[1:2]), "median")).all()


def test_infinities_are_refused() -> None:
    """Infinite values are an error."""
    with pytest.raises(ValueError, match="infinite values"):
        dn.adapt(np.array([[1.0, np.inf], [2.0, 3.0]]), Quantiles())


@pytest.mark.parametrize("size", [1, 50, MANY])
@pytest.mark.parametrize("constant", [0.1, -1e15 / 3, 5e-324, 0.0, 1.7e308])
def test_constants(size: int, constant: float) -> None:
    """Constant data have the constant as shift and a scale of 1, whatever the weights."""
    for weights in (None, np.random.default_rng(9).random(size) + 1e-9):
        affine = Quantiles().affine(summarized(np.full(size, constant), weights))
        assert (affine["shift"], affine["shift_rest"], affine["scale"]) == (constant, 0.0, 1.0)


def test_a_range_beyond_float64() -> None:
    """A range that overflows is as large as it can be, without a warning."""
    affine = Quantiles().affine(summarized(np.array([-1.7e308, -1.7e308, 0.0, 1.7e308, 1.7e308])))
    assert (affine["shift"], affine["scale"]) == (0.0, np.finfo("f8").max)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lower": 0.75, "upper": 0.25}, "0 <= lower < upper <= 1, got 0.75 and 0.25"),
        ({"upper": 75}, "got 0.25 and 75"),
        ({"lower": np.nan}, "got nan"),
        ({"buckets": 1}, "buckets must be a whole number of at least 2, got 1"),
        ({"buckets": 2.5}, "got 2.5"),
        ({"epsilon": -1.0}, "epsilon must be a number of at least 0, got -1.0"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, float], message: str) -> None:
    """Settings that make no sense are refused when a statistic is made."""
    with pytest.raises(ValueError, match=message):
        Quantiles(**settings)


# -- in use -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
@pytest.mark.parametrize("chunks", [(50_000, 3), (7_001, 2)])
def test_dask_arrays(scheduler: str, chunks: tuple[int, int]) -> None:
    """Any chunks and schedulers learn the same bits; normalized data have median 0 and range 1."""
    x = np.random.default_rng(10).normal(7, 3, (120_000, 3)).astype("f4")
    with dask.config.set(scheduler=scheduler, num_workers=2):
        stats = dn.adapt(da.from_array(x, chunks=chunks), Quantiles())
        z = stats.normalize(x, dtype="f8")
    assert stats == dn.adapt(x, Quantiles())
    lower, median, upper = np.quantile(z, [0.25, 0.5, 0.75], axis=0)
    np.testing.assert_allclose(median, 0, atol=0.01)
    np.testing.assert_allclose(upper - lower, 1, atol=0.02)
    np.testing.assert_allclose(stats.inverse(z), x, rtol=1e-6)


@pytest.mark.parametrize(
    "ending",
    [
        "json",
        pytest.param("nc", marks=needs("h5netcdf")),
        pytest.param("zarr", marks=needs("zarr")),
    ],
)
def test_saved_and_loaded(tmp_path: Path, ending: str) -> None:
    """Files hold the whole sketch: what is loaded merges as what was saved."""
    x = np.random.default_rng(11).normal(size=(5000, 2))
    stats = dn.adapt(x[:3000], Quantiles(0.1, 0.9, buckets=128))
    stats.save(tmp_path / f"stats.{ending}")
    loaded = dn.load(tmp_path / f"stats.{ending}")
    assert loaded == stats
    both = loaded + dn.adapt(x[3000:], Quantiles(0.1, 0.9, buckets=128))
    assert both == dn.adapt(x, Quantiles(0.1, 0.9, buckets=128))


def test_groups_of_a_frame() -> None:
    """by= gives each group its own quantiles, as pandas does in memory."""
    rng = np.random.default_rng(12)
    frame = pd.DataFrame(
        {"key": list("abca") * 50, "x": rng.normal(size=200), "n": rng.integers(9, size=200)}
    )
    stats = dn.adapt(frame, Quantiles(), by="key")
    expected = frame.groupby("key").median()
    pd.testing.assert_frame_equal(stats.result("median"), expected, check_like=True)
