"""Different statistics for variables of a Dataset and for columns of a DataFrame."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.comparison import assert_close
from support.optional import import_optional, is_installed, needs

import dasknorm as dn
from dasknorm import Extrema, MaxAbs, Moments, MultiStatistic, Quantiles, Transformed

dd = import_optional("dask.dataframe")
pl = import_optional("polars")
pa = import_optional("pyarrow")

ASKED = {
    "tp": Transformed("log1p"),
    "u": Extrema(-1, 1),
    "v": [Moments(), Extrema()],
    ...: MaxAbs(),
}
NUMBERS = {"u": "ends", "tp": "rain", "v": "both", "q": "rest"}


def values() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    names = {name: rng.normal(2, 3, 12) for name in NUMBERS}
    names["tp"] = np.exp(names["tp"])
    names["u"][4] = np.nan
    return names


def frame() -> pd.DataFrame:
    return pd.DataFrame({**values(), "k": list("abcabcabcabc")})


FRAMES: dict[str, Any] = {
    "pandas": pytest.param(lambda f: f),
    "dask": pytest.param(lambda f: dd.from_pandas(f, npartitions=3), marks=needs("pyarrow")),
    "polars": pytest.param(lambda f: _polars(f), marks=needs("polars", "pyarrow")),
    "lazy polars": pytest.param(lambda f: _polars(f).lazy(), marks=needs("polars", "pyarrow")),
    "arrow": pytest.param(lambda f: pa.Table.from_pandas(f), marks=needs("pyarrow")),
}


def _polars(data: pd.DataFrame) -> Any:
    return pl.from_pandas(data, nan_to_null=True)


def _pandas(data: Any) -> pd.DataFrame:
    """Return any DataFrame as a pandas DataFrame, with NaN for missing values."""
    if hasattr(data, "collect"):
        data = data.collect()
    if hasattr(data, "to_pandas"):
        return data.to_pandas()
    (data,) = dask.compute(data)
    return data


def grid(columns: dict[str, np.ndarray]) -> xr.Dataset:
    time = pd.date_range("2001", periods=12, freq="MS")
    return xr.Dataset({n: ("time", v) for n, v in columns.items()}, {"time": time})


def column(name: str) -> np.ndarray:
    return values()[name]


def expected() -> dict[str, np.ndarray]:
    """Return the normalized values of each variable, computed by NumPy."""
    tp, u, v, q = (np.log1p(column("tp")), column("u"), column("v"), column("q"))
    return {
        "tp": (tp - tp.mean()) / tp.std(),
        "u": 2 * (u - np.nanmin(u)) / (np.nanmax(u) - np.nanmin(u)) - 1,
        "v": (v - v.mean()) / v.std(),
        "q": q / np.abs(q).max(),
    }


# -- there and back, in every container -----------------------------------------------------------


@pytest.mark.parametrize("wrap", FRAMES.values(), ids=FRAMES)
def test_columns_of_frames(wrap: Callable[[pd.DataFrame], Any]) -> None:
    """Each column has its own method; order, kind and strings stay, and all come back."""
    data = wrap(frame())
    stats = dn.adapt(data, ASKED)
    z = stats.normalize(data)
    assert type(z) is type(data)
    output, back = _pandas(z), _pandas(stats.inverse(z))
    assert list(output.columns) == list(back.columns) == [*NUMBERS, "k"]
    for name, expected_values in expected().items():
        np.testing.assert_allclose(output[name], expected_values, rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(back[name], column(name), rtol=1e-12)
    assert output["k"].tolist() == frame()["k"].tolist()
    result = {n: str(s) for n, s in stats.statistic.items()}
    assert result == {n: str(ASKED.get(n, MaxAbs())) for n in NUMBERS} | {
        "v": str(MultiStatistic((Moments(), Extrema())))
    }


@pytest.mark.parametrize("lazy", [False, True])
def test_variables_of_datasets(lazy: bool) -> None:
    """So do variables, and those of a tree by path."""
    ds = grid(values()).chunk(time=5) if lazy else grid(values())
    stats = dn.adapt(ds, ASKED)
    z = stats.normalize(ds)
    for name, expected_values in expected().items():
        np.testing.assert_allclose(z[name], expected_values, rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(stats.inverse(z)[name], column(name), rtol=1e-12)
    assert set(stats.max) == {"u", "v"}
    assert set(stats.max_abs) == {"q"}
    assert set(stats.count) == set(NUMBERS)


def test_variables_of_trees() -> None:
    """The variables of a DataTree are selected by path."""
    tree = xr.DataTree.from_dict({"/a": grid(values())[["u"]], "/b": grid(values())[["u", "v"]]})
    stats = dn.adapt(tree, {"a/u": Extrema(), ...: MaxAbs()})
    z = stats.normalize(tree)
    u = column("u")
    assert (float(z["/a/u"].min()), float(z["/a/u"].max())) == (0, 1)
    np.testing.assert_allclose(z["/b/u"], u / np.nanmax(np.abs(u)))
    np.testing.assert_allclose(stats.inverse(z)["/b/v"], column("v"))


def test_others_have_moments() -> None:
    """Variables that a dict does not name get Moments, unless it has `...`."""
    data = frame()
    stats = dn.adapt(data, {"u": Extrema()})
    assert stats.statistic["q"] == Moments()
    assert dn.adapt(data, {"u": None, ...: Extrema()}).statistic["u"] == Moments()
    assert dn.adapt(data, {...: Extrema()}) == dn.adapt(data, Extrema())
    assert dn.adapt(data, {}) == dn.adapt(data)


@pytest.mark.parametrize("data", [frame(), grid(values())], ids=["frame", "dataset"])
def test_unknown_names(data: Any) -> None:
    """Unknown names and string variables raise an error that lists the available ones."""
    with pytest.raises(dn.MismatchError, match=r"columns \['w'\].*'u', 'tp', 'v', 'q'"):
        dn.adapt(data, {"w": Extrema()})
    with pytest.raises(TypeError, match="a statistic is an object such as Moments"):
        dn.adapt(data, {"u": "minmax"})


def test_text_columns_have_no_statistic() -> None:
    """A column of strings cannot be asked for."""
    with pytest.raises(dn.MismatchError, match=r"columns \['k'\]"):
        dn.adapt(frame(), {"k": Extrema()})


def test_arrays_have_no_names() -> None:
    """An array takes one statistic, or a list."""
    with pytest.raises(TypeError, match="statistics by name are for frames and xarray objects"):
        dn.adapt(np.ones((3, 2)), {0: Extrema()})


# -- columns --------------------------------------------------------------------------------------


def test_columns_in_another_order() -> None:
    """Columns are found by name, whichever statistic they have."""
    stats, z = dn.adapt(frame(), ASKED), dn.adapt(frame(), ASKED).normalize(frame())
    turned = frame()[["q", "k", "v", "u", "tp"]]
    pd.testing.assert_frame_equal(stats.normalize(turned), z[turned.columns])
    for names in (["v", "u"], ["q"]):
        pd.testing.assert_frame_equal(stats.select(names).normalize(turned[names]), z[names])
        with pytest.raises(dn.MismatchError, match=r"the data lack \[.*'tp'.*stats.select"):
            stats.normalize(turned[names])


def test_unknown_columns_are_refused() -> None:
    """normalize and update name the numeric columns without statistics."""
    stats = dn.adapt(frame(), ASKED)
    more = frame().assign(w=1.0)
    for call in (stats.normalize, stats.inverse, stats.update):
        with pytest.raises(dn.MismatchError, match=r"no statistics for \['w'\]"):
            call(more)
    with pytest.raises(dn.MismatchError):
        stats.update(frame()[["u", "v"]])


def test_chosen_columns() -> None:
    """With columns=, other columns are unchanged, for any statistics of the selected ones."""
    stats = dn.adapt(frame(), {"u": Extrema(), ...: MaxAbs()}, columns=["u", "q"])
    z = stats.normalize(frame())
    pd.testing.assert_frame_equal(z[["tp", "v", "k"]], frame()[["tp", "v", "k"]])
    assert z["u"].max() == 1
    pd.testing.assert_frame_equal(stats.inverse(z), frame())
    with pytest.raises(dn.MismatchError, match=r"columns \['v'\]"):
        dn.adapt(frame(), {"v": Extrema()}, columns=["u", "q"])


def test_groups() -> None:
    """With by= each group has the ends, or the moments, of its own rows."""
    statistics = {"u": Extrema(), "v": Moments(), ...: MaxAbs()}
    stats = dn.adapt(frame(), statistics, by="k")
    z = stats.normalize(frame())
    groups = frame().groupby("k")
    ends = groups["u"].transform("min"), groups["u"].transform("max")
    np.testing.assert_allclose(z["u"], (frame()["u"] - ends[0]) / (ends[1] - ends[0]))
    np.testing.assert_allclose(z["q"], frame()["q"] / groups["q"].transform(lambda x: abs(x).max()))
    np.testing.assert_allclose(
        z["v"],
        (frame()["v"] - groups["v"].transform("mean")) / groups["v"].transform("std", ddof=0),
    )
    pd.testing.assert_frame_equal(stats.inverse(z), frame())
    parts = [dn.adapt(part, statistics, by="k") for part in (frame()[:2], frame()[2:])]
    for whole in (parts[0] + parts[1], parts[1].merge(parts[0])):
        pd.testing.assert_frame_equal(whole.max, stats.max)
        pd.testing.assert_frame_equal(whole.mean, stats.mean)


def test_thousands_of_columns_with_two_methods() -> None:
    """Columns with the same statistic share one state, and results are in that order."""
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(5, 2000)))
    stats = dn.adapt(wide, {i: Extrema() for i in range(0, 2000, 2)})
    assert list(stats.states) == ["Extrema", "Moments"]
    z = stats.normalize(wide)
    assert z.columns.tolist() == list(range(2000))
    assert (z.iloc[:, ::2].max() == 1).all()
    np.testing.assert_allclose(z.iloc[:, 1::2].mean(), 0, atol=1e-15)


# -- merging, and what else is done with statistics -----------------------------------------------

DATA = {"frame": frame(), "dataset": grid(values())}


def halves(data: Any) -> list[Any]:
    if isinstance(data, pd.DataFrame):
        return [data[:5], data[5:]]
    return [data.isel(time=slice(5)), data.isel(time=slice(5, None))]


@pytest.mark.parametrize("kind", DATA)
def test_parts_merge_to_the_whole(kind: str) -> None:
    """By +, merge, update, and batches."""
    whole = dn.adapt(DATA[kind], ASKED)
    first, second = halves(DATA[kind])
    one, other = dn.adapt(first, ASKED), dn.adapt(second, ASKED)
    batches = dn.adapt(iter([first, second]), ASKED)
    for stats in (one + other, other.merge(one), one.update(second), batches):
        assert_close(stats, whole)


@pytest.mark.parametrize("kind", DATA)
def test_names_in_another_order_merge(kind: str) -> None:
    """Variables and columns are matched by name."""
    names = ["q", "v", "u", "tp"]
    stats = dn.adapt(DATA[kind], ASKED)
    assert_close(stats + dn.adapt(DATA[kind][names], ASKED), stats + stats)
    assert_close(stats.update(DATA[kind][names]), stats + stats)


@pytest.mark.parametrize("kind", DATA)
def test_other_methods_do_not_merge(kind: str) -> None:
    """Statistics that differ are refused, also where only one name's does."""
    stats = dn.adapt(DATA[kind], ASKED)
    for other in ({**ASKED, "u": MaxAbs()}, Moments(), {**ASKED, ...: Moments(), "tp": MaxAbs()}):
        with pytest.raises(dn.MismatchError):
            stats + dn.adapt(DATA[kind], other)
        with pytest.raises(dn.MismatchError):
            dn.adapt(DATA[kind], other) + stats


@pytest.mark.parametrize("kind", DATA)
def test_unions_and_selections(kind: str) -> None:
    """Merging different names combines them, and select separates them again."""
    data = DATA[kind]
    whole = dn.adapt(data, ASKED)
    left = dn.adapt(data[["u", "q"]], {"u": Extrema(-1, 1), "q": MaxAbs()})
    right = dn.adapt(data[["tp", "v"]], {"tp": Transformed("log1p"), "v": ASKED["v"]})
    both = left + right
    z, expected_values = both.normalize(data), whole.normalize(data)
    for name in NUMBERS:
        np.testing.assert_array_equal(z[name], expected_values[name])
        assert whole.select([name]).statistic == both.statistic[name]
    assert_close(whole.select(["u", "q"]), left)
    np.testing.assert_array_equal(
        whole.select(["v", "tp"]).normalize(data[["tp", "v"]])["v"], expected_values["v"]
    )
    with pytest.raises(dn.MismatchError, match=r"no statistics for \['w'\]"):
        whole.select(["u", "w"])
    with pytest.raises(dn.MismatchError, match="identical or disjoint"):
        left + whole


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize(
    "suffix",
    [
        "json",
        pytest.param("nc", marks=needs("h5netcdf", "h5py")),
        pytest.param("zarr", marks=needs("zarr")),
    ],
)
def test_files(kind: str, suffix: str, tmp_path: Path) -> None:
    """They come back from files as they were."""
    stats = dn.adapt(DATA[kind], ASKED)
    stats.save(tmp_path / f"s.{suffix}")
    back = dn.load(tmp_path / f"s.{suffix}")
    assert back == stats
    assert back.statistic == stats.statistic
    z, expected_values = back.normalize(DATA[kind]), stats.normalize(DATA[kind])
    assert z.equals(expected_values)


@pytest.mark.parametrize("kind", DATA)
def test_lazy_statistics(kind: str) -> None:
    """With compute=False they come out the same."""
    if kind == "frame" and not is_installed("pyarrow"):
        pytest.skip("Dask frames need pyarrow")
    data = (
        dd.from_pandas(DATA[kind], npartitions=2) if kind == "frame" else DATA[kind].chunk(time=5)
    )
    assert_close(dn.adapt(data, ASKED, compute=False).compute(), dn.adapt(data, ASKED))


@pytest.mark.parametrize("kind", DATA)
def test_checkpoints(kind: str, tmp_path: Path) -> None:
    """A checkpoint is gone on from, and refused for other statistics."""
    checkpoint = tmp_path / "sofar.json"
    first = dn.adapt(DATA[kind], ASKED, checkpoint=checkpoint)
    assert dn.adapt(DATA[kind], ASKED, checkpoint=checkpoint) == first
    with pytest.raises(dn.MismatchError):
        dn.adapt(DATA[kind], {**ASKED, "u": MaxAbs()}, checkpoint=checkpoint)


@pytest.mark.parametrize("kind", DATA)
def test_plans(kind: str) -> None:
    """A plan includes the bytes of the states of all statistics."""
    plan = dn.plan(DATA[kind], ASKED)
    stats = dn.adapt(DATA[kind], ASKED)
    assert plan.state_bytes == sum(state.data.nbytes for state in stats.states.values())


@pytest.mark.parametrize("kind", DATA)
def test_words(kind: str) -> None:
    """Results contain the variables that have them; repr and describe name all statistics."""
    stats = dn.adapt(DATA[kind], ASKED)
    text = repr(stats)
    for statistic in ("Extrema", "MaxAbs", "MultiStatistic", "Transformed"):
        assert statistic in text
    assert "log1p" in stats.describe()
    with pytest.raises(AttributeError, match="have no 'median'; they have"):
        _ = stats.median
    with pytest.raises(TypeError, match="there is no Extrema"):
        stats.select_statistic(Extrema)
    names = stats.select(["u", "v"]).select_statistic(Extrema)
    assert float(names.max["v"]) == column("v").max()


def test_empty_columns_are_named() -> None:
    """A column without a value is warned of by name, whichever statistic it has."""
    data = frame().assign(q=np.nan, u=np.nan)
    with pytest.warns(UserWarning, match="no valid values in the data at u; the") as text:
        dn.adapt(data, ASKED)
    assert len(text) == 1


def test_columns_are_named_in_errors() -> None:
    """A message names the column, and not the statistic that some columns share."""
    with pytest.raises(ValueError, match=r"domain of log1p, .* in the data at tp; replace"):
        dn.adapt(frame().assign(tp=-2.0), ASKED)
    with pytest.raises(ValueError, match="counted 11 in the data at u:"):
        dn.adapt(frame(), {"u": Extrema()}, expect_count=12)


def test_quantiles_by_column() -> None:
    """A column with robust statistics: outliers do not affect its scale."""
    data = frame().assign(v=[*range(11), 1e9])
    stats = dn.adapt(data, {"v": Quantiles()})
    v = data["v"].to_numpy()
    expected_values = (v - np.median(v)) / np.subtract(*np.quantile(v, [0.75, 0.25]))
    np.testing.assert_allclose(stats.normalize(data)["v"], expected_values, rtol=1e-13)
