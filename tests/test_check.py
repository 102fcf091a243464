"""A check of new data predicts the normalized data without computing them."""

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from support.optional import needs

import dasknorm as dn

MANY = [
    dn.Moments(),
    dn.Moments(ddof=1, epsilon=0.1),
    dn.Extrema(),
    dn.Extrema(low=-1.0),
    dn.MaxAbs(),
    dn.Quantiles(),
    dn.Transformed("log1p"),
    dn.Transformed("sqrt", dn.Extrema()),
    [dn.Extrema(), dn.Moments()],
    dn.Transformed("asinh", dn.MultiStatistic((dn.Moments(), dn.Extrema()))),
]


def weather(seed=0, warmer=0.0):
    """Return two variables, one on levels with some values missing."""
    rng = np.random.default_rng(seed)
    t = rng.normal(280 + warmer, 10, (24, 3, 4)).astype("f4")
    t[2, 1, 1:3] = np.nan
    return xr.Dataset(
        {"t": (("time", "level", "x"), t), "rain": (("time", "x"), rng.exponential(2.0, (24, 4)))},
        coords={"level": [1000, 700, 300]},
    )


def farthest(values):
    """Return the value with the largest magnitude."""
    values = np.asarray(values, float).ravel()
    return values[np.nanargmax(np.abs(values))]


def test_the_table_is_that_of_normalized_data():
    """Mean, std and extremes are those of the z-scores, at the position where they are worst."""
    stats, other = dn.adapt(weather(), over=("time", "x")), weather(1, 3.0).astype("f8")
    row = stats.check(other, max_shift=2.0, max_std_ratio=9.0).table.loc["t"]
    z = stats.normalize(other).t
    means, stds = z.mean(["time", "x"]), z.std(["time", "x"])
    assert row.z_mean == pytest.approx(farthest(means), abs=1e-12)
    assert row.z_std == pytest.approx(
        float(stds[int(np.argmax(abs(np.log(stds.data))))]), abs=1e-12
    )
    assert (row.z_min, row.z_max) == pytest.approx((float(z.min()), float(z.max())), abs=1e-12)
    assert row["count"] == 24 * 3 * 4 - 2
    assert row.missing == row.missing_before == pytest.approx(2 / (24 * 3 * 4))
    assert row.worst == f"level={int(means.level[int(np.argmax(abs(means.data)))])}"
    assert row.failed == ""


NUMBERS = st.integers(-(10**6), 10**6).map(lambda i: i / 7)


@given(st.lists(NUMBERS, min_size=2), st.lists(NUMBERS, min_size=1))
def test_of_any_numbers_they_are_those_of_the_z_scores(before, after):
    """Whatever the numbers, z_mean and z_std are mean and std of what normalize gives."""
    stats, other = dn.adapt(np.array(before)), np.array(after)
    row, z = stats.check(other).table.loc["data"], stats.normalize(other)
    near = {"rel": 1e-9, "abs": 1e-9 * max(1.0, np.abs(z).max())}
    assert row.z_mean == pytest.approx(z.mean(), **near)
    assert row.z_std == pytest.approx(z.std(), **near)
    assert (row.z_min, row.z_max) == pytest.approx((z.min(), z.max()), **near)


@pytest.mark.parametrize("statistic", MANY, ids=str)
def test_data_pass_beside_themselves(statistic):
    """Whatever is remembered, the data learned from have not shifted, nor has their spread."""
    data = abs(weather())
    result = dn.adapt(data, statistic, keep="level").check(data, max_missing=0.0)
    assert result.passed, result
    z_means = result.table.z_mean.dropna()
    np.testing.assert_allclose(z_means, 0, atol=1e-12)
    assert len(z_means) == (0 if isinstance(statistic, dn.MaxAbs) else 2)


@pytest.mark.parametrize("statistic", MANY, ids=str)
def test_other_units_fail(statistic):
    """Kelvins taken for hundreds of them fail, whatever is remembered."""
    data = abs(weather())
    result = dn.adapt(data, statistic, keep="level").check(data * 100)
    assert set(result.failures) == {"t", "rain"}
    assert not result.passed


def test_extrema_are_measured_by_their_range():
    """Of extrema the middle of the range has moved, in units of its width, whatever `low` is."""
    stats = dn.adapt(np.array([10.0, 20.0]), dn.Extrema(low=-1.0, high=1.0))
    row = stats.check(np.array([15.0, 20.0, 27.0])).table.loc["data"]
    assert (row.z_mean, row.z_std) == pytest.approx((0.6, 1.2))
    assert (row.z_min, row.z_max, row.out_of_range) == pytest.approx((0.0, 2.4, 1.4))


def test_quantiles_are_measured_by_their_range():
    """Of quantiles the median has moved, in units of the distance between the two."""
    stats = dn.adapt(np.arange(101.0), dn.Quantiles())
    row = stats.check(np.arange(101.0) * 3).table.loc["data"]
    assert (row.z_mean, row.z_std) == pytest.approx((2.0, 3.0))


def test_of_a_function_the_scores_are_of_its_values():
    """Of transformed variables everything is of the function's values, as in normalize."""
    rng = np.random.default_rng(0)
    before, after = rng.exponential(1, 500), rng.exponential(2, 300)
    stats = dn.adapt(
        before, dn.Transformed("log1p", dn.MultiStatistic((dn.Moments(), dn.Extrema())))
    )
    row, z = stats.check(after).table.loc["data"], stats.normalize(after)
    assert (row.z_mean, row.z_std) == pytest.approx((z.mean(), z.std()), abs=1e-12)
    assert row.out_of_range == pytest.approx(z.max() - stats.normalize(before).max(), abs=1e-12)


def test_labels_are_matched_and_may_be_a_subset():
    """Levels in another order, and some of them, are compared with their own; axes lie anyhow."""
    stats = dn.adapt(weather() + xr.DataArray([0, 50, 90], dims="level"), keep="level")
    subset = (weather() + xr.DataArray([0, 50, 90], dims="level")).sel(level=[300, 1000])
    assert stats.check(subset.transpose("x", "level", "time")).passed
    with pytest.raises(dn.MismatchError, match="500"):
        stats.check(subset.assign_coords(level=[300, 500]))


def test_frames_have_a_row_for_each_column():
    """Columns with statistics of their own are each compared; another is refused."""
    frame = pd.DataFrame({"a": [0.0, 1, 2], "b": [1.0, 3, 9], "c": [0.0, 5, 10]})
    stats = dn.adapt(frame, {"a": dn.Extrema(), ...: dn.Moments()})
    result = stats.check(frame.assign(b=frame.b + 50))
    assert set(result.table.index) == {"a", "b", "c"}
    assert list(result.failures) == ["b"]
    with pytest.raises(dn.MismatchError, match="'d'"):
        stats.check(frame.assign(d=1.0))


def test_groups_are_compared_with_their_own():
    """Statistics by group: rows of each group beside their own; one never seen fails."""
    frame = pd.DataFrame({"k": list("aabb"), "v": [0.0, 2, 100, 102]})
    stats = dn.adapt(frame, by="k")
    assert stats.check(frame[2:]).passed
    shifted = stats.check(frame.assign(v=[0.0, 2, 110, 112]))
    assert shifted.table.loc["v", "worst"] == "k=b"
    assert (
        stats.check(frame.assign(k=list("aaac")))
        .failures["v"]
        .startswith("values where none were before at k=c")
    )


def test_of_a_climatology_months_are_compared_with_their_own():
    """A warm half year passes beside a climatology, as it has its own months beside it."""
    time = pd.date_range("2000-01-01", periods=48, freq="MS")
    values = 20.0 * np.cos(time.month / 12 * 2 * np.pi) + np.arange(48) % 7
    data = xr.Dataset({"t": ("time", values)}, coords={"time": time})
    stats = dn.adapt(data, over="time", by="time.month")
    part = data.sel(time=data.time.dt.month.isin([6, 7, 8]))
    assert stats.check(part).passed
    assert stats.check(part + 30).table.loc["t", "worst"].startswith("time.month=")


def test_tendencies_do_not_take_part():
    """Statistics with lags are compared by the values themselves."""
    data = np.random.default_rng(0).normal(size=100)
    assert dn.adapt(data, lag={0: 1}).check(data[:50]).table.loc["data", "z_std"] < 2


@pytest.mark.parametrize("chunks", [(4, 3, 4), (24, 1, 2)])
def test_dask_data_are_read_once(chunks):
    """Each chunk is asked for once, and the answer is that of data in memory."""
    calls = []

    def read(block, block_info=None):
        calls.append(block_info[0]["chunk-location"])
        return block

    data, stats = weather(1), dn.adapt(weather(), keep="level")
    lazy = da.from_array(data.t.to_numpy(), chunks).map_blocks(read, dtype="f4")
    calls.clear()
    with dask.config.set(scheduler="sync"):
        result = stats.select(["t"]).check(data[["t"]].assign(t=(data.t.dims, lazy)))
    assert len(calls) == len(set(calls)) == lazy.npartitions
    pd.testing.assert_frame_equal(result.table, stats.check(data).table.loc[["t"]])


def test_statistics_are_compared_as_their_data_are():
    """Two Stats side by side: nothing is read, and extremes are there if they were learned."""
    stats, other = dn.adapt(weather(), keep="level"), weather(1, 7.0).sel(level=[700, 1000])
    both = [dn.Moments(), dn.Extrema()]
    whole = stats.check(other).table
    pd.testing.assert_frame_equal(stats.check(dn.adapt(other, both, keep="level")).table, whole)
    plain = stats.check(dn.adapt(other, keep="level", compute=False)).table
    assert plain.z_max.isna().all()
    pd.testing.assert_series_equal(plain.z_mean, whole.z_mean)


def test_given_statistics_can_be_checked_and_checked_against():
    """A mean and std given are enough on both sides; how much was missing is not known."""
    given = dn.Stats.from_values(mean=0.0, std=2.0)
    data = np.array([0.0, 4.0])
    assert given.check(data).failures == {"data": "shifted by 1, more than 0.5"}
    row = given.check(dn.Stats.from_values(mean=1.0, std=2.0)).table.loc["data"]
    assert (row.z_mean, row.z_std) == (0.5, 1.0)
    assert "not known" in given.check(data, max_shift=3, max_missing=0.5).failures["data"]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (dn.adapt(weather(), dn.Extrema(), keep="level"), "no mean and std"),
        (dn.adapt(weather(), dn.Transformed("sqrt", dn.Moments()), keep="level"), "no mean and"),
        (dn.adapt(weather()), "kept dimensions differ"),
        (dn.adapt(weather().rename(t="q"), keep="level"), "no statistics for"),
    ],
    ids=["statistic", "function", "dimensions", "names"],
)
def test_other_statistics_are_refused(other, said):
    """Statistics that cannot be compared are an error that says why."""
    with pytest.raises(dn.MismatchError, match=said):
        dn.adapt(weather(), keep="level").check(other)


def test_quantiles_of_others_are_refused():
    """Medians with other quantiles beside them have another unit."""
    data = np.arange(9.0)
    other = dn.adapt(data, dn.Quantiles(lower=0.1))
    with pytest.raises(dn.MismatchError, match="quantiles differ"):
        dn.adapt(data, dn.Quantiles()).check(other)


def test_no_values_fail_and_say_where():
    """A variable with no values fails; so does a level; what never had any does not."""
    data = weather()
    data.rain[:, 3] = np.nan
    with pytest.warns(UserWarning, match="no valid values"):
        stats = dn.adapt(data, keep=("level", "x"))
    assert stats.check(data).passed
    gone = stats.check(data.assign(rain=data.rain * np.nan, t=data.t.where(data.level < 900)))
    assert gone.failures["rain"] == "no values"
    assert "no values at level=1000, x=0" in gone.failures["t"]
    new = stats.check(data.fillna(1.0), max_shift=99, max_std_ratio=99)
    assert new.failures == {"rain": "values where none were before at x=3"}


def test_missing_values_and_extremes_have_limits():
    """How many values are missing, and how far any lies out, fail only if asked."""
    data, stats = weather(), dn.adapt(weather())
    holes = data.where(data.x > 0)
    assert stats.check(holes).passed
    assert "missing values 0.25" in stats.check(holes, max_missing=0.1).failures["rain"]
    spike = data.copy(deep=True)
    spike.t[0, 0, 0] = 400.0
    assert stats.check(spike).passed
    assert list(stats.check(spike, max_z=9).failures) == ["t"]


def test_constants_are_compared_too():
    """A constant that stays is as it was; one that begins to vary has no spread to compare with."""
    stats = dn.adapt(np.full((4, 1), 7.0))
    assert stats.check(np.full((9, 1), 7.0)).passed
    assert "inf times" in stats.check(np.array([[7.0], [7.1]])).failures["data"]


def test_weights_and_masks_count_as_in_adapt():
    """Weights and a mask are those of other data; beside statistics they are refused."""
    data = weather()
    stats = dn.adapt(data.t, keep="level")
    masked = stats.check(data.t, where=data.x > 1).table
    pd.testing.assert_series_equal(
        masked.z_mean, stats.check(data.t.isel(x=[2, 3])).table.z_mean, rtol=1e-12
    )
    with pytest.raises(ValueError, match="go with data"):
        stats.check(stats, weights=np.ones(3))


@pytest.mark.parametrize("limit", [{"max_shift": -1}, {"max_std_ratio": 0.5}, {"max_z": np.nan}])
def test_limits_are_numbers_that_make_sense(limit):
    """A limit that nothing could keep, or that is no number, is an error that names it."""
    with pytest.raises(ValueError, match=next(iter(limit))):
        dn.adapt(np.arange(3.0)).check(np.arange(3.0), **limit)


def test_infinities_are_refused():
    """Infinite values have no mean; they are an error, as in adapt."""
    with pytest.raises(ValueError, match="infinite"):
        dn.adapt(np.arange(3.0)).check(np.array([1.0, np.inf]))


def test_names_are_escaped_in_a_notebook():
    """What a variable is called cannot become markup."""
    data = xr.Dataset({"<b>": ("x", [1.0, 2.0])})
    page = dn.adapt(data).check(data)._repr_html_()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


@needs("matplotlib")
def test_a_picture_is_a_figure_with_what_fails_marked(tmp_path):
    """Each variable has a dot; what fails has another marker and colour; formulas stay text."""
    data = xr.Dataset({"a": ("x", [1.0, 2.0]), "$b": ("x", [1.0, 2.0]), "none": ("x", [1.0, 2.0])})
    figure = dn.adapt(data).check(data + xr.Dataset({"a": 0, "$b": 5, "none": np.nan})).plot()
    drawn = [line for line in figure.axes[0].lines if line.get_marker() in ("o", "D")]
    assert [line.get_marker() for line in drawn] == ["o", "D"]
    assert len({line.get_color() for line in drawn}) == 2
    assert figure._repr_html_().startswith("<img")
    figure.savefig(tmp_path / "check.png")
    assert (tmp_path / "check.png").stat().st_size > 1000


def test_updates_match_dimensions_in_any_order():
    """Data whose axes lie in another order are merged by the names of their axes."""
    data = weather()
    stats = dn.adapt(data, keep=("level", "x"))
    turned = stats.update(data.transpose("x", "time", "level"))
    np.testing.assert_array_equal(turned.count.t, 2 * stats.count.t)
    np.testing.assert_allclose(turned.mean.t, stats.mean.t, rtol=1e-13)


@needs("pyarrow")
@pytest.mark.filterwarnings("ignore:.*inplace keyword")
@pytest.mark.parametrize("by", [None, "k"])
def test_dask_frames_are_compared_as_pandas_ones(by):
    """Partitions make no difference, with groups or without."""
    dd = pytest.importorskip("dask.dataframe")
    frame = pd.DataFrame({"k": [1, 2] * 10, "v": np.arange(20.0), "w": np.arange(20.0) ** 2})
    stats, other = dn.adapt(frame, by=by), frame.assign(v=frame.v + 9)
    lazy = stats.check(dd.from_pandas(other, npartitions=3))
    assert list(lazy.failures) == ["v"]
    tables = [item.table.drop(columns="worst") for item in (lazy, stats.check(other))]  # of equals
    pd.testing.assert_frame_equal(*tables, rtol=1e-12, atol=1e-12)


def test_data_are_weighted_as_those_before():
    """Statistics by area find nothing changed in the data they are of, without another word."""
    rng = np.random.default_rng(0)
    lat = np.linspace(-90, 90, 19)
    data = xr.DataArray(
        rng.normal(size=(30, 19)) - 40 * np.sin(np.deg2rad(lat)) ** 2,
        dims=("time", "lat"),
        coords={"lat": ("lat", lat, {"units": "degrees_north"})},
        name="t",
    )
    stats = dn.adapt(data, weights="area")
    assert stats.check(data).table["z_mean"]["t"] == pytest.approx(0, abs=1e-12)
    assert abs(stats.check(data, weights=xr.ones_like(data)).table["z_mean"]["t"]) > 0.1
