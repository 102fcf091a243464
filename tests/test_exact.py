"""Accuracy: every container, dtype, chunking and layout against exact rationals."""

import functools
import math

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.all_containers import CONTAINERS, LAYOUTS, make_weighted_data, to_float
from support.exact_results import NIST_DATA, ExactMoments, assert_exact, compute_exact, read_nist
from support.optional import import_optional, needs

import dasknorm as dn

dd = import_optional("dask.dataframe")
CERTIFIED = {"NumAcc1": (10000002, 1), "NumAcc2": (1.2, 0.1), "NumAcc3": (1000000.2, 0.1)}
CERTIFIED["NumAcc4"] = 10000000.2, 0.1


@pytest.mark.parametrize("name", CERTIFIED)
def test_truth_is_what_nist_certifies(name: str) -> None:
    """The exact rationals are NIST's certified mean and sample standard deviation."""
    values, exact = read_nist(name)
    mean, std = CERTIFIED[name]
    assert float(exact.mean) == pytest.approx(mean, rel=1e-15)
    assert math.sqrt(compute_exact(values, ddof=1).variance) == pytest.approx(std, rel=1e-8)
    assert exact.count == len(values)


def test_pi_digits_are_those_of_pi() -> None:
    """The digits begin as pi does, and have the six nines at the 762nd decimal."""
    digits = read_nist("PiDigits")[0]
    assert len(digits) == 5000
    assert digits[:16].tolist() == [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3]
    assert digits[762:769].tolist() == [9, 9, 9, 9, 9, 9, 8]


def check(stats: dn.Stats, expected: ExactMoments, *, weighted: bool = False) -> None:
    assert to_float(stats.count) == expected.count
    assert_exact(to_float(stats.mean), to_float(stats.variance), expected, weighted=weighted)


MERGES = 40


@pytest.mark.parametrize("chunk", [1, 7, 17, 5000])
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("name", NIST_DATA)
def test_nist_in_every_container_and_chunking(name: str, container: str, chunk: int) -> None:
    """NIST's sets come out right in every container, cut anywhere."""
    values, expected = read_nist(name)
    most = chunk * (1001 if container in ("numpy", "dask-array") else MERGES)
    if len(values) > most:
        values = values[:most]  # containers that are slow to make stay few
        expected = compute_exact(values)
    with dask.config.set(scheduler="synchronous"):
        first, *others = [dn.adapt(piece) for piece in CONTAINERS[container](values, chunk)]
        check(first.merge(*others), expected)


# -- a million numbers ----------------------------------------------------------------------------

MILLION = 1_000_000


@functools.cache
def million(ratio: float, dtype: str) -> tuple[np.ndarray, ExactMoments]:
    """Return a million numbers whose mean / std is `ratio`, and their exact statistics."""
    values = np.random.default_rng(3).normal(ratio, 1.0, MILLION).astype(dtype)
    values.flags.writeable = False
    return values, compute_exact(values)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("ratio", [1e0, 1e4, 1e8])
def test_a_million_numbers_in_any_chunking(ratio: float, dtype: str) -> None:
    """A million numbers far from zero come out right in any chunking."""
    values, expected = million(ratio, dtype)
    for chunks in (MILLION, 300_000, 99_999, (1, 7, 999_000, 992), 4001):
        check(dn.adapt(da.from_array(values, chunks=chunks)), expected)
    check(dn.adapt(values), expected)


@pytest.mark.parametrize("shape", [(1000, 1000), (200_000, 5), (100, 100, 100), (50, 4, 5000)])
def test_a_million_numbers_in_more_dimensions(shape: tuple[int, ...]) -> None:
    """Rows, columns and boxes of a million numbers have each kept position right."""
    values, expected = million(1e4, "f8")
    block = values.reshape(shape)
    check(dn.adapt(block, keep=()), expected)
    columns = dn.adapt(block)
    rows = dn.adapt(block, keep=0)
    for i in (0, shape[-1] // 2, -1):
        assert_exact(columns.mean[i], columns.variance[i], compute_exact(block[..., i].ravel()))
    for i in (0, -1):
        assert_exact(rows.mean[i], rows.variance[i], compute_exact(block[i].ravel()))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("place", [0, 500_000, MILLION - 1])
def test_a_spike_among_a_million(place: int, dtype: str) -> None:
    """One number of 1e15 among a million spoils no digit, wherever it stands."""
    values = million(1e0, dtype)[0].copy()
    values[place] = 1e15
    expected = compute_exact(values)
    check(dn.adapt(values), expected)
    check(dn.adapt(da.from_array(values, chunks=70_001)), expected)


def test_missing_values_among_a_million() -> None:
    """Missing values are skipped, singly and by whole chunks."""
    values = million(1e4, "f8")[0].copy()
    values[::3] = np.nan
    values[:200_000] = np.nan
    expected = compute_exact(values)
    check(dn.adapt(values), expected)
    check(dn.adapt(da.from_array(values, chunks=70_001)), expected)


# -- weights --------------------------------------------------------------------------------------


NO_WEIGHTS = np.ones(3)


@pytest.mark.parametrize("container", make_weighted_data(NO_WEIGHTS, NO_WEIGHTS))
@pytest.mark.parametrize("ratio", [1e0, 1e4, 1e8])
def test_weights_in_every_container(container: str, ratio: float) -> None:
    """Weighted statistics are the exact ones to 1e-13, in every container."""
    rng = np.random.default_rng(5)
    values = rng.normal(ratio, 1.0, 1001)
    weights = rng.uniform(0, 3, 1001) * (rng.random(1001) > 0.2)
    data, given_weights = make_weighted_data(values, weights)[container]
    stats = dn.adapt(data, weights=given_weights)
    expected = compute_exact(values, weights)
    assert to_float(stats.count) == pytest.approx(float(expected.count), rel=1e-15)
    assert_exact(to_float(stats.mean), to_float(stats.variance), expected, weighted=True)


def test_weights_of_a_grid_go_along_their_own_dimension() -> None:
    """Weights of a latitude weigh each time and longitude alike."""
    rng = np.random.default_rng(6)
    values = rng.normal(300.0, 10.0, (30, 9, 11)).astype("f4")
    weights = np.cos(np.deg2rad(np.linspace(-90, 90, 9)))
    data = xr.DataArray(values, dims=("t", "lat", "lon"), name="x")
    given_weights = xr.DataArray(weights, dims="lat")
    expected = compute_exact(values, weights[:, None])
    for item in (data, data.chunk(t=7, lat=4), data.transpose("lon", "lat", "t")):
        stats = dn.adapt(item, weights=given_weights)
        assert_exact(to_float(stats.mean), to_float(stats.variance), expected, weighted=True)


# -- integers, constants --------------------------------------------------------------------------


def test_integers_beyond_float64() -> None:
    """Integers that float64 cannot represent are still distinguished."""
    values = np.array([2**53, 2**53 + 1, 2**53 + 3])
    assert compute_exact(values).variance == pytest.approx(14 / 9)
    check(dn.adapt(values), compute_exact(values))
    check(dn.adapt(da.from_array(values, chunks=1)), compute_exact(values))


@pytest.mark.parametrize("dtype", ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"])
def test_integers_to_their_ends(dtype: str) -> None:
    """The largest and smallest integers of every dtype neither wrap nor round."""
    kind = np.dtype(dtype)
    low, high = (0, 1) if kind == "?" else (np.iinfo(kind).min, np.iinfo(kind).max)
    values = np.array([low, high, high, high, high] * 9, dtype=kind)
    check(dn.adapt(values), compute_exact(values))
    check(dn.adapt(da.from_array(values, chunks=2)), compute_exact(values))
    assert np.isfinite(dn.adapt(values).normalize(values)).all()


CONSTANTS = {
    "?": True, "i1": -7, "i2": 300, "i4": 10**9, "i8": 2**62 + 1, "u1": 255, "u2": 60_000,
    "u4": 4 * 10**9, "u8": 2**64 - 1, "f2": 0.1, "f4": 0.1, "f8": 0.1,
}  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", CONSTANTS)
def test_constant_data_have_no_variance(dtype: str, weighted: bool) -> None:
    """Constant data have a variance of exactly 0 and normalize to exactly 0, cut anywhere."""
    values = np.full(61, CONSTANTS[dtype], dtype=dtype)
    weights = np.random.default_rng(1).uniform(0.1, 2.0, 61) if weighted else None
    for chunks in (61, 1, 17, (60, 1)):
        data = da.from_array(values, chunks=chunks)
        with dask.config.set(scheduler="synchronous"):
            stats = dn.adapt(data, weights=weights)
            assert stats.variance == 0
            assert not stats.normalize(data).compute().any()
    stats = dn.adapt(values, weights=weights)
    assert stats.variance == 0
    assert not stats.normalize(values).any()


@pytest.mark.parametrize("constant", [0.1, -1e8 / 3, 1e300, 5e-324])
@pytest.mark.parametrize("shape", [(300_000,), (60_000, 5), (300, 1000)])
def test_large_constant_blocks(shape: tuple[int, ...], constant: float) -> None:
    """Large constant blocks have a variance of exactly 0, with weights and without."""
    values = np.full(shape, constant)
    weights = np.random.default_rng(1).uniform(0.1, 2.0, shape)
    for given_weights in (None, weights):
        stats = dn.adapt(values, weights=given_weights)
        assert not np.any(stats.variance)
        assert not stats.normalize(values).any()


# -- same bits, whatever runs it ------------------------------------------------------------------


def scheduled(values: np.ndarray) -> dn.Stats:
    return dn.adapt(da.from_array(values, chunks=(100, 3)), keep=1)


def test_schedulers_agree_to_the_bit() -> None:
    """The synchronous scheduler and threads give the same bits, and so does a second run."""
    values = million(1e8, "f8")[0].reshape(-1, 10)[:8_000]
    with dask.config.set(scheduler="synchronous"):
        expected = scheduled(values)
    for _ in range(3):
        with dask.config.set(scheduler="threads", num_workers=4):
            assert scheduled(values) == expected


@pytest.mark.slow
@needs("distributed", "pyarrow")
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_a_cluster_of_processes_agrees_to_the_bit(request: pytest.FixtureRequest) -> None:
    """Worker processes give the bits that threads give, for frames and Datasets too."""
    values = million(1e8, "f8")[0].reshape(-1, 10)[:5_000]
    grid = xr.Dataset({"x": (("t", "c"), values), "y": ("t", values[:, 0])}).chunk(t=700)
    table = dd.from_pandas(pd.DataFrame(values, columns=list("abcdefghij")), npartitions=7)
    expected = scheduled(values), dn.adapt(grid, over="t"), dn.adapt(table)
    normalized = expected[1].normalize(grid).compute()
    request.getfixturevalue("client")  # from here on all is computed on the cluster
    actual = scheduled(values), dn.adapt(grid, over="t"), dn.adapt(table)
    assert actual == expected
    xr.testing.assert_identical(actual[1].normalize(grid).compute(), normalized)


# -- memory orders --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [*(((40, 6, 5), dtype) for dtype in ("f4", "f8", "i2", "u8")), ((400, 30, 20), "f8")],
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_order_does_not_matter(shape: tuple[int, ...], layout: str, dtype: str) -> None:
    """Any layout in memory gives exact results, and the same normalized numbers as C order."""
    rng = np.random.default_rng(8)
    block = rng.normal(3000, 50, shape).astype(dtype)
    make_layout = LAYOUTS[layout](block)
    for keep in ((), 0, 1, -1, (0, 2)):
        plain, other = dn.adapt(block, keep=keep), dn.adapt(make_layout, keep=keep)
        np.testing.assert_allclose(other.mean, plain.mean, rtol=1e-15)
        np.testing.assert_allclose(other.variance, plain.variance, rtol=4e-15)
        z = plain.normalize(make_layout)
        assert z.dtype.isnative
        np.testing.assert_array_equal(z, plain.normalize(block))
    stats = dn.adapt(make_layout, keep=())
    assert_exact(stats.mean, stats.variance, compute_exact(block))


@pytest.mark.parametrize("rows", [50, 50_000])
def test_broadcast_blocks(rows: int) -> None:
    """A block that repeats one row in memory has the statistics of all its rows."""
    row = np.array([0.1, 1.0, 7.0, 1e8])
    block = np.broadcast_to(row, (rows, 4))
    by_column, whole = dn.adapt(block), dn.adapt(block, keep=())
    assert by_column.mean.tolist() == row.tolist()
    assert not by_column.variance.any()
    assert not by_column.normalize(block).any()
    expected = compute_exact(row)
    assert whole.count == 4 * rows
    assert_exact(whole.mean, whole.variance, expected)
