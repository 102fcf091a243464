"""The invariants of the design, for whatever data hypothesis draws."""

import warnings
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
from dask.base import tokenize
from hypothesis import assume, given
from hypothesis import strategies as st
from support.all_containers import IN_CHUNKS, IN_MEMORY
from support.exact_results import assert_exact, compute_exact, error_in_ulps
from support.optional import import_optional, needs
from support.strategies import FLOATS, blocks, chunk_lengths, chunkings, kept_axes, weights_for

import dasknorm as dn

dd = import_optional("dask.dataframe")
MOMENTS = dn.Moments()


def valid(block: np.ndarray) -> int:
    return int((block == block).sum())


def adapted(data: Any, **settings: Any) -> dn.Stats:
    """Adapt where some positions may have no valid value."""
    with warnings.catch_warnings(), dask.config.set(scheduler="synchronous"):
        warnings.filterwarnings("ignore", "no valid values")
        return dn.adapt(data, **settings)


def means_agree(a: Any, b: Any, ulp: int) -> bool:
    """Return whether two Stats of one number differ by at most a few ulp."""
    scale = max(abs(float(a.mean)), float(a.std))
    close = abs(float(a.mean) - float(b.mean)) <= ulp * np.spacing(scale)
    return close and abs(a.variance - b.variance) <= ulp * np.spacing(a.variance)


# -- splitting and merging ------------------------------------------------------------------------


@given(st.data())
def test_any_split_has_the_statistics_of_the_whole(data: st.DataObject) -> None:
    """summarize(a ++ b) equals merge(summarize(a), summarize(b)), and both are exact."""
    block = data.draw(blocks())
    assume(valid(block))
    axis = data.draw(st.integers(0, block.ndim - 1))
    places = np.cumsum(data.draw(chunk_lengths(block.shape[axis])))[:-1]
    over = tuple(range(block.ndim))
    parts = [MOMENTS.summarize(part, over) for part in np.split(block, places, axis)]
    expected = compute_exact(block)
    for records in (MOMENTS.summarize(block, over), MOMENTS.merge(np.stack(parts), (0,))[0]):
        assert MOMENTS.result(records, "count").item() == expected.count
        mean, variance = MOMENTS.result(records, "mean"), MOMENTS.result(records, "variance")
        assert_exact(mean.item(), variance.item(), expected)


@given(st.data())
def test_any_chunking_and_kept_axes(data: st.DataObject) -> None:
    """Each kept position has the exact statistics of its own values, cut anywhere."""
    block = data.draw(blocks(least=1))
    chunks, keep = data.draw(chunkings(block.shape)), data.draw(kept_axes(block.ndim))
    assume(valid(block))
    for x in (block, da.from_array(block, chunks=chunks)):
        stats = adapted(x, keep=keep)
        assert np.shape(stats.mean) == tuple(block.shape[axis] for axis in sorted(keep))
        mean, variance = np.asarray(stats.mean), np.asarray(stats.variance)
        moved = np.moveaxis(block, sorted(keep), range(len(keep)))
        for position in np.ndindex(mean.shape):
            if valid(moved[position]):
                assert_exact(mean[position], variance[position], compute_exact(moved[position]))
            else:
                assert np.isnan(mean[position])


@given(st.data())
def test_weights_in_any_chunking(data: st.DataObject) -> None:
    """Weighted statistics are the exact ones to 1e-13, whatever the chunks."""
    block = data.draw(blocks(least=1))
    weights = data.draw(weights_for(block.shape))
    assume(weights[block == block].any())
    expected = compute_exact(block, weights)
    chunks = data.draw(chunkings(block.shape))
    for x in (block, da.from_array(block, chunks=chunks)):
        stats = adapted(x, keep=(), weights=weights)
        assert_exact(float(stats.mean), float(stats.variance), expected, weighted=True)


@given(st.lists(blocks(FLOATS), min_size=3, max_size=3))
def test_merging_commutes_and_associates(parts: list[np.ndarray]) -> None:
    """The order of merging moves nothing by more than 1 ulp."""
    assume(all(valid(part) for part in parts))
    a, b, c = (adapted(part, keep=()) for part in parts)
    assert means_agree(a + b, b + a, 1)
    assert means_agree((a + b) + c, a + (b + c), 1)
    assert means_agree(a.merge(b, c), c.merge(b, a), 1)
    assert (a + b + c).count == sum(valid(part) for part in parts)


@given(blocks())
def test_nothing_merged_changes_nothing(block: np.ndarray) -> None:
    """A record of zeros is the identity of merging, bit for bit, on both sides."""
    records = MOMENTS.summarize(block, (0,))
    zeros = np.zeros(records.shape, MOMENTS.dtype)
    for pair in ((zeros, records), (records, zeros)):
        assert MOMENTS.merge(np.concatenate(pair), (0,)).tobytes() == records.tobytes()


@given(st.data())
def test_update_is_adapting_to_all(data: st.DataObject) -> None:
    """Updating with more data has the exact statistics of all the data."""
    block = data.draw(blocks(least=2))
    first, second = np.array_split(block, [data.draw(st.integers(1, len(block) - 1))])
    assume(valid(first) and valid(second))
    stats = adapted(first, keep=()).update(second)
    assert_exact(float(stats.mean), float(stats.variance), compute_exact(block))


# -- normalizing ----------------------------------------------------------------------------------


@given(st.data())
def test_round_trip(data: st.DataObject) -> None:
    """inverse(normalize(x)) is x to an ulp or two of max(abs(x), std, abs(x - mean)).

    Half an ulp of z is up to one of x - mean, and the result is rounded once more: 1.5 ulp where
    the calculation itself is in a wider dtype, and 3 where it is not.
    """
    block = data.draw(blocks(FLOATS, least=1))
    assume(valid(block))
    stats = adapted(block, keep=())
    chunked = da.from_array(block, chunks=data.draw(chunkings(block.shape)))
    for x in (block, chunked):
        z = stats.normalize(x)
        back = np.asarray(stats.inverse(z))
        assert z.dtype == back.dtype == block.dtype.newbyteorder("=")
        assert np.array_equal(np.isnan(np.asarray(z)), np.isnan(block))
        assert np.array_equal(np.isnan(back), np.isnan(block))
        far = np.abs(block.astype("f8") - stats.mean)
        size = np.fmax(np.fmax(np.abs(block.astype("f8")), far), stats.std)
        unit = np.spacing(size[block == block].astype(back.dtype)).astype("f8")
        error = np.abs(back.astype("f8") - block.astype("f8"))[block == block]
        assert (error <= (3.0 if back.dtype == "f8" else 1.5) * unit).all()


@given(st.data())
def test_normalized_data_have_mean_0_and_std_1(data: st.DataObject) -> None:
    """Normalized data have mean 0 and standard deviation 1, or are all 0."""
    block = data.draw(blocks(("f8", "i2", "i8", "u8"), least=1))
    assume(valid(block))
    stats = adapted(block, keep=())
    again = adapted(stats.normalize(block, dtype="f8"), keep=())
    # Data this near to one another do not hold their mean: an ulp of it is many std.
    assume(stats.std == 0 or stats.std > 1e-8 * abs(stats.mean))
    assert abs(again.mean) <= 1e-12
    assert again.std == pytest.approx(0.0 if stats.std == 0 else 1.0, abs=1e-12)


@given(st.data())
def test_nothing_given_is_changed(data: st.DataObject) -> None:
    """Arrays, weights and Stats are the same, byte for byte, after every verb."""
    block = data.draw(blocks(least=1))
    weights = data.draw(weights_for(block.shape))
    assume(weights[block == block].any())
    before = block.tobytes(), weights.tobytes()
    lazy = da.from_array(block, chunks=data.draw(chunkings(block.shape)))
    token = tokenize(lazy)
    stats = adapted(block, keep=(), weights=weights)
    fixed_stats = tokenize(stats)
    adapted(lazy, keep=(), weights=weights)
    for x in (block, lazy):
        np.asarray(stats.inverse(stats.normalize(x)))
    stats.update(block)
    assert (block.tobytes(), weights.tobytes()) == before
    assert tokenize(lazy) == token
    assert tokenize(stats) == fixed_stats


# -- graphs ---------------------------------------------------------------------------------------


def keys(collection: Any) -> Any:
    """Return the keys of a collection, or of the only state of a lazy Stats."""
    if isinstance(collection, dn.Stats):
        ((collection),) = (state.data for state in collection.states.values())
    return collection.__dask_keys__()


@given(st.data())
def test_equal_calls_make_equal_graphs(data: st.DataObject) -> None:
    """The same call on equal data gives keys of the same names; another setting does not."""
    block = data.draw(blocks(least=1))
    assume(valid(block))
    chunks = data.draw(chunkings(block.shape))
    one, two = (da.from_array(block.copy(), chunks=chunks) for _ in range(2))
    first, second = (dn.adapt(x, keep=(), compute=False) for x in (one, two))
    other = dn.adapt(one, dn.Moments(ddof=1), keep=(), weights=block != 1, compute=False)
    assert keys(first) == keys(second)
    assert keys(first) != keys(other)
    stats = adapted(block, keep=())
    assert keys(stats.normalize(one)) == keys(stats.normalize(two))
    assert keys(stats.normalize(one)) != keys(stats.inverse(one))


@needs("pyarrow")
def test_equal_calls_on_frames_make_equal_graphs() -> None:
    """The same call on equal Dask frames gives keys of the same names."""
    frames = [dd.from_pandas(pd.DataFrame({"a": [1.0, 2, 3]}), npartitions=2) for _ in range(2)]
    first, second = (dn.adapt(frame, compute=False) for frame in frames)
    assert keys(first) == keys(second)
    stats = first.compute()
    assert keys(stats.normalize(frames[0])) == keys(stats.normalize(frames[1]))


@pytest.mark.parametrize("container", IN_CHUNKS)
def test_nothing_computes_while_graphs_are_built(container: str, nothing_computes: None) -> None:
    """Adapting, merging, reading, normalizing and inverting only build graphs."""
    data = IN_CHUNKS[container](np.arange(12.0), 5)
    stats = dn.adapt(data, compute=False)
    both = stats + dn.adapt(data, compute=False)
    assert "lazy" in repr(both)
    assert keys(both) != keys(stats)
    near = container.removesuffix("-dask").replace("dask-array", "numpy").replace("dask", "pandas")
    token = dn.adapt(IN_MEMORY.get(near, np.asarray)(np.array([1.0, 2.0])))
    results = [token.inverse(token.normalize(data))]
    if not container.startswith("dask-"):
        results += [both.mean, both.normalize(data)]
    assert all(dask.is_dask_collection(item) for item in results)
    assert keys(dn.adapt(results[0], compute=False))


@given(st.data())
def test_constant_blocks(data: st.DataObject) -> None:
    """Constant blocks of any number have that mean, no variance, and normalize to 0."""
    value = data.draw(st.floats(allow_nan=False, allow_infinity=False))
    weights = data.draw(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=20))
    x = np.full(len(weights), value)
    chunked = da.from_array(x, chunks=(data.draw(chunk_lengths(len(x))),))
    for item in (x, chunked):
        for weight_array in (None, np.array(weights)):
            stats = adapted(item, weights=weight_array)
            assert (float(stats.mean), float(stats.variance)) == (value, 0.0)
            assert not np.asarray(stats.normalize(item)).any()
            assert error_in_ulps(float(stats.inverse(np.zeros(1))[0]), compute_exact(x).mean) == 0
