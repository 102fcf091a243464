"""Small reference data of every kind, and what is computed from them: a table of named cases.

Used by the test of equal bits. A case is a function without parameters that returns a dict of
named results: statistics, and data of any container. Add a case at will, and write the digests
anew as `test_same_bits` says. Its data must not depend on random numbers of NumPy, and its result
must depend neither on the scheduler nor on the number of threads.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import dasknorm as dn
from support.digests import make_numbers
from support.optional import import_optional, needs

__all__ = ["CASES", "Case", "elementary"]

dd = import_optional("dask.dataframe")
pa = import_optional("pyarrow")
pl = import_optional("polars")
sparse = import_optional("scipy.sparse")

Results = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """What is computed, the libraries it needs, and whether its last bits depend on the processor.

    Those of logarithms and sines do (`elementary`), and those of sums by kernels that are compiled
    for the processor's vectors (`compiled`).
    """

    compute: Callable[[], Results]
    libraries: tuple[str, ...] = ()
    elementary: bool = False
    compiled: bool = False

    @property
    def mark(self) -> pytest.MarkDecorator:
        """Skip where a library is not installed."""
        return needs(*self.libraries)


CASES: dict[str, Case] = {}


def case(*libraries: str, **depends: bool) -> Callable[[Any], Any]:
    """Add a function to the table, under its own name."""

    def added(function: Callable[[], Results]) -> Callable[[], Results]:
        CASES[function.__name__] = Case(function, libraries, **depends)
        return function

    return added


def maps(stats: dn.Stats, data: Any, back: bool = True) -> Results:
    """Return statistics, with data normalized by them, and these inverted."""
    z = stats.normalize(data)
    return {"stats": stats, "normalized": z, **({"inverse": stats.inverse(z)} if back else {})}


def adapted(data: Any, *args: Any, **kwargs: Any) -> Results:
    """Return statistics of data, and the data normalized by them and inverted."""
    return maps(dn.adapt(data, *args, **kwargs), data)


def elementary() -> np.ndarray:
    """Return elementary functions of some numbers: their last bits depend on the processor."""
    x = make_numbers(1000, seed=99) / 8
    return np.stack([np.sin(x), np.cos(x), np.log1p(x), np.log(x + 1), np.expm1(x / 16)])


# -- NumPy arrays -------------------------------------------------------------------------------

PLAIN = ["<f2", "<f4", "<f8", ">f4", ">f8", "i1", "u1", "<i2", "<u2", "<i4", ">i4", "<u4"]


def _plain(dtype: str) -> Results:
    x = make_numbers(60, 5, seed=1)
    return adapted(
        (x.astype(np.int64) % 120).astype(dtype) if "f" not in dtype else x.astype(dtype)
    )


for _name in PLAIN:
    CASES[f"dtype_{_name}"] = Case(partial(_plain, _name))


@case()
def wide_integers() -> Results:
    x = 2**53 - 8 + make_numbers(40, 3).astype(np.int64) % 17
    results = {"signed": adapted(x), "unsigned": adapted(x.astype(np.uint64))}
    return {f"{kind} {name}": v for kind, each in results.items() for name, v in each.items()}


@case()
def booleans() -> Results:
    return adapted(make_numbers(50, 4) > 300)


@case()
def missing_and_constant() -> Results:
    x = make_numbers(70, 4, seed=2)
    x[::7, 0], x[:, 1], x[3:, 2], x[5, 3] = np.nan, 0.1, np.nan, np.nan
    return adapted(x)


@case()
def masked() -> Results:
    x = make_numbers(30, 6, seed=3).astype("f4")
    return adapted(np.ma.masked_array(x, x > 800))


@case()
def fortran_order() -> Results:
    return adapted(np.asfortranarray(make_numbers(40, 7, seed=4)))


@case()
def strided_and_reversed() -> Results:
    return adapted(make_numbers(80, 12, seed=5)[::-2, 1::3])


@case()
def far_from_zero() -> Results:
    return adapted(1e8 + make_numbers(5000, 2, seed=6).astype("f4") / 4096)


@case()
def one_axis_and_none() -> Results:
    x, alone = make_numbers(1001, seed=7), np.float64(3.25)
    stats = dn.adapt(alone)
    return adapted(x) | {"alone": stats, "normalized alone": stats.normalize(alone)}


@case()
def keep_and_over() -> Results:
    x = make_numbers(9, 8, 7, 6, seed=8).astype("f4")
    axes: list[Results] = [{"keep": 1}, {"keep": (0, 2)}, {"over": (0, -1)}, {"over": 2}]
    axes += [{"keep": (1, 2, 3)}, {"over": (0, 1, 2, 3)}]
    return {f"{axis} {name}": v for axis in axes for name, v in adapted(x, **axis).items()}


@case(compiled=True)
def large_float32() -> Results:
    """Above 2 MB: the compiled kernels are used."""
    return adapted(make_numbers(300_000, 3, seed=9).astype("f4"))


@case(compiled=True)
def large_rows() -> Results:
    return adapted(make_numbers(3000, 120, seed=10))


@case(compiled=True)
def large_one_feature() -> Results:
    x = make_numbers(700_000, 1, seed=11).astype("f4")
    x[::1000] = np.nan
    return adapted(x)


@case(compiled=True)
def large_inner_kept() -> Results:
    return adapted(make_numbers(40, 60, 200, seed=12).astype("f4"), keep=1)


@case(compiled=True)
def slabs() -> Results:
    """Above 32 MB: the array is cut into slabs for all cores."""
    x = np.tile(make_numbers(90_000, 2, seed=13).astype("f4"), (50, 1))
    x += (np.arange(len(x)) // 90_000).astype("f4")[:, None]
    return adapted(x)


# -- Dask arrays --------------------------------------------------------------------------------


def _chunked(chunks: Any) -> Results:
    x = make_numbers(60, 8, seed=14).astype("f4")
    x[11, 2] = np.nan
    return adapted(da.from_array(x, chunks=chunks))


for _chunks in [(60, 8), (7, 8), (13, 3), (1, 8), ((10, 50), (1, 7))]:
    CASES[f"chunks_{_chunks}"] = Case(partial(_chunked, _chunks))


@case()
def dask_inner_kept() -> Results:
    x = da.from_array(make_numbers(20, 9, 30, seed=15), chunks=(6, 4, 7))
    return adapted(x, keep=1) | {"over": dn.adapt(x, over=(0,))}


@case(compiled=True)
def dask_large() -> Results:
    return adapted(
        da.from_array(make_numbers(400_000, 2, seed=16).astype("f4"), chunks=(90_000, 2))
    )


@case()
def dask_masked() -> Results:
    x = make_numbers(40, 3, seed=17)
    return adapted(da.from_array(np.ma.masked_array(x, x < 100), chunks=(9, 2)))


@case()
def dask_lazy_statistics() -> Results:
    x = da.from_array(make_numbers(40, 3, seed=18), chunks=(9, 2))
    return maps(dn.adapt(x, compute=False).compute(), x)


# -- statistics other than the default ----------------------------------------------------------

STATISTICS: dict[str, Any] = {
    "ddof": dn.Moments(ddof=1),
    "epsilon": dn.Moments(epsilon=400.0, skipna=False),
    "extrema": dn.Extrema(-1, 1),
    "maxabs": dn.MaxAbs(),
    "quantiles": dn.Quantiles(),
    "quantiles_few_buckets": dn.Quantiles(0.1, 0.9, buckets=32),
    "several": [dn.Moments(), dn.Extrema(), dn.Quantiles(buckets=64), dn.MaxAbs()],
    "sqrt": dn.Transformed("sqrt"),
    "sqrt_extrema": dn.Transformed("sqrt", dn.Extrema()),
}


def _statistic(asked: Any) -> Results:
    x = make_numbers(300, 4, seed=19)
    x[17, 1], x[:, 2] = np.nan, 5.0
    return adapted(x, asked) | {"lazy": dn.adapt(da.from_array(x, chunks=(70, 3)), asked)}


def _large_statistic(asked: Any) -> Results:
    x = make_numbers(90_000, 3, seed=20).astype("f4")
    return {"stats": dn.adapt(x, asked)}


for _name, _asked in STATISTICS.items():
    CASES[f"statistic_{_name}"] = Case(partial(_statistic, _asked))
    CASES[f"large_{_name}"] = Case(partial(_large_statistic, _asked), compiled=True)
for _asked in ("log1p", "log", "asinh"):
    CASES[f"statistic_{_asked}"] = Case(
        partial(adapted, make_numbers(300, 4, seed=21) + 1, dn.Transformed(_asked)), elementary=True
    )


@case()
def given() -> Results:
    x = make_numbers(20, 3, seed=22)
    stats = dn.Stats.from_values(mean=[1.0, 200.5, 3.0], std=[0.5, 2.0, 0.0], epsilon=0.25)
    counted = dn.Stats.from_values(mean=[1.0, 2.0, 3.0], variance=[4.0, 9.0, 0.0], count=100)
    labelled = dn.Stats.from_values(
        mean=pd.Series({"a": 1.0, "b": 2.0}), std=pd.Series({"a": 2, "b": 3})
    )
    return maps(stats, x) | {"merged": counted + dn.adapt(x), "labelled": labelled}


@case()
def using_and_selected() -> Results:
    x = pd.DataFrame(make_numbers(40, 3, seed=23), columns=list("abc"))
    stats = dn.adapt(x, [dn.Moments(), dn.Extrema()])
    return maps(stats.select_statistic(dn.Extrema), x) | {"selected": stats.select(["c", "a"])}


# -- frames -------------------------------------------------------------------------------------


def _mixed() -> pd.DataFrame:
    x = make_numbers(90, 6, seed=24)
    x[7, 0] = x[8, 1] = np.nan
    return pd.DataFrame(
        {
            "double": x[:, 0],
            "single": x[:, 1].astype("f4"),
            "whole": x[:, 2].astype("i4"),
            "small": (x[:, 3] % 100).astype("u1"),
            "nullable": pd.array(x[:, 4].astype("i8"), "Int64"),
            "floating": pd.array(x[:, 5], "Float32"),
            "flag": x[:, 2] > 500,
            "word": [f"w{int(v) % 5}" for v in x[:, 3]],
            "few": (x[:, 4].astype("i8") % 4),
        },
        index=pd.Index(np.arange(90) * 2, name="row"),
    ).assign(nullable=lambda f: f["nullable"].mask(f["whole"] > 800))


@case()
def pandas_mixed() -> Results:
    return adapted(_mixed())


@case()
def pandas_columns() -> Results:
    return adapted(_mixed(), columns=["single", "whole"])


@case()
def pandas_series() -> Results:
    return adapted(_mixed()["nullable"])


@case()
def pandas_by_column() -> Results:
    asked = {"double": dn.Extrema(), "whole": dn.MaxAbs(), ...: dn.Moments(ddof=1)}
    return adapted(_mixed(), asked)


@case()
def pandas_large() -> Results:
    return adapted(pd.DataFrame(make_numbers(120_000, 3, seed=25), columns=["x", "y", "z"]))


@case("pyarrow")
def pandas_arrow_backed() -> Results:
    frame = _mixed()[["double", "single", "whole", "nullable", "word"]]
    return adapted(frame.convert_dtypes(dtype_backend="pyarrow"))


@case()
def pandas_groups() -> Results:
    return adapted(_mixed(), by="word") | {"two": dn.adapt(_mixed(), by=["word", "few"])}


@case()
def pandas_many_groups() -> Results:
    x = make_numbers(120_000, 2, seed=26)
    frame = pd.DataFrame(x, columns=["x", "y"]).assign(key=x[:, 0].astype("i8") * 7 % 5000)
    return adapted(frame, by="key", columns=["x", "y"])


@case()
def pandas_group_statistics() -> Results:
    asked = [dn.Moments(), dn.Extrema(), dn.Quantiles(buckets=32)]
    return adapted(_mixed()[["double", "single", "word"]], asked, by="word")


@case()
def pandas_weights() -> Results:
    weights = make_numbers(90, seed=27)
    return adapted(_mixed(), weights=weights, where=weights > 200)


@case("pyarrow")
def dask_frame() -> Results:
    return adapted(dd.from_pandas(_mixed(), npartitions=4))


@case("pyarrow")
def dask_frame_groups() -> Results:
    frame = _mixed()[["double", "single", "whole", "word"]]
    return adapted(dd.from_pandas(frame, npartitions=4), by="word")


@case("pyarrow")
def arrow_table() -> Results:
    frame = _mixed().reset_index(drop=True)
    table = pa.Table.from_pandas(frame.drop(columns=["flag", "word"]), preserve_index=False)
    table = table.append_column("word", pa.array(frame["word"].tolist(), pa.string()))
    return adapted(table) | {"by": dn.adapt(table, by="word")}


def _polars() -> Any:
    frame = _mixed()
    columns = {n: frame[n].to_numpy() for n in ("double", "single", "whole", "small", "few")}
    words = pl.Series("word", frame["word"].tolist())
    whole = pl.Series("nullable", [None if v % 5 == 0 else int(v) for v in frame["whole"]])
    return pl.DataFrame(columns).with_columns(words, whole)


@case("polars", "pyarrow")
def polars_frame() -> Results:
    return adapted(_polars()) | {"by": dn.adapt(_polars(), by="word")}


@case("polars", "pyarrow")
def polars_lazy() -> Results:
    return adapted(_polars().lazy(), columns=["double", "single", "whole"])


# -- xarray -------------------------------------------------------------------------------------


def _grid(seed: int = 28) -> xr.Dataset:
    t = make_numbers(48, 3, 6, 8, seed=seed).astype("f4")
    t[3, 1, 2, 4] = np.nan
    coords = {
        "time": pd.date_range("2000-01-01", periods=48, freq="15D"),
        "level": [1000, 850, 500],
        "lat": [75.0, 45.0, 15.0, -15.0, -45.0, -75.0],
        "lon": np.arange(8) * 45.0,
    }
    dims = ("time", "level", "lat", "lon")
    surface = make_numbers(48, 6, 8, seed=seed + 1)
    data = {"t": (dims, t, {"units": "K"}), "p": (("time", "lat", "lon"), surface, {"units": "Pa"})}
    return xr.Dataset(data, coords)


@case()
def dataset() -> Results:
    ds = _grid()
    return adapted(ds, over=("time", "lat", "lon")) | {"all": dn.adapt(ds)}


@case()
def dataset_chunked() -> Results:
    return adapted(_grid().chunk(time=10, lat=4), keep="level")


@case()
def dataset_by_variable() -> Results:
    asked = {"p": dn.Transformed("sqrt"), ...: [dn.Moments(), dn.Extrema()]}
    return adapted(_grid().chunk(time=10), asked, keep="level")


@case()
def dataarray() -> Results:
    return adapted(_grid()["t"], keep=("lat", "lon"))


@case()
def datatree() -> Results:
    nodes = {"/fine": _grid()[["p"]], "/coarse": _grid(30).isel(lat=slice(3))[["t"]]}
    return adapted(xr.DataTree.from_dict(nodes), over="time")


@case()
def climatology() -> Results:
    ds = _grid().chunk(time=10)
    months = dn.adapt(ds, over="time", by="time.month")
    days = dn.adapt(ds["p"], over=("time", "lat", "lon"), by="time.dayofyear")
    return maps(months, ds) | {"days": days, "windowed": days.smooth(31, "linear")}


@case()
def tendencies() -> Results:
    ds = _grid().chunk(time=7)
    stats = dn.adapt(ds, keep="level", lag={"time": [1, 3]})
    return maps(stats, ds) | {"tendency": stats.tendency(3)}


@case()
def tendencies_of_an_array() -> Results:
    x = da.from_array(make_numbers(50, 3, seed=31), chunks=(8, 3))
    stats = dn.adapt(x, lag={0: 2})
    return maps(stats, x) | {"tendency": stats.tendency(2)}


@case()
def array_weights() -> Results:
    x, weights = make_numbers(60, 4, seed=32), make_numbers(60, 1, seed=33)
    lazy = da.from_array(x, chunks=(17, 4))
    chunked = dn.adapt(lazy, weights=weights, where=x < 900)
    return adapted(x, weights=weights) | {"chunked": chunked}


@case()
def labelled_weights() -> Results:
    ds = _grid()
    weights = xr.DataArray(make_numbers(6, seed=34), dims="lat", coords={"lat": ds["lat"]})
    stats = dn.adapt(ds.chunk(time=10), keep="level", weights=weights, where=ds["p"] > 300)
    return maps(stats, ds) | {"shared": dn.adapt(ds, weights=weights).share_std(("t", "p"))}


@case(elementary=True)
def area_weights() -> Results:
    ds = _grid()
    return {word: dn.adapt(ds, keep="level", weights=word) for word in ("area", "coslat")}


@case(elementary=True)
def gaussian_weights() -> Results:
    nodes = np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(6)[0][::-1]))
    ds = _grid().assign_coords(lat=nodes).chunk(time=10)
    return {"gaussian": dn.adapt(ds, keep="level", weights="gaussian")}


# -- merging, batches, scikit-learn -------------------------------------------------------------


def _batches() -> Iterator[np.ndarray]:
    for seed in range(40, 46):
        yield make_numbers(35, 3, seed=seed)


@case()
def batches() -> Results:
    stats = dn.adapt(_batches())
    return maps(stats.update(iter([make_numbers(5, 3, seed=46)])), make_numbers(5, 3, seed=47))


@case()
def merging() -> Results:
    parts = [dn.adapt(x, [dn.Moments(), dn.Extrema()]) for x in _batches()]
    updated = parts[0].update(make_numbers(9, 3, seed=48), weights=make_numbers(9, 1, seed=49))
    frames = [pd.DataFrame(x, columns=list("abc")) for x in _batches()]
    grouped = [dn.adapt(frame.assign(k=n % 2), by="k") for n, frame in enumerate(frames)]
    ds = _grid()
    union = dn.adapt(ds[["t"]], keep="level") + dn.adapt(ds[["p"]])
    return {
        "merged": parts[0].merge(*parts[1:]),
        "updated": updated,
        "grouped": grouped[0].merge(*grouped[1:]),
        "union": union,
    }


@case()
def layer() -> Results:
    x = make_numbers(40, 5, seed=50).astype("f4")
    layer = dn.Normalization(axis=-1)
    layer.adapt(x)
    mean, variance = layer.mean.ravel(), layer.variance.ravel()
    back = dn.Normalization(axis=-1, mean=mean, variance=variance, invert=True)
    return {"mean": layer.mean, "variance": layer.variance, "z": layer(x), "back": back(layer(x))}


def _fitted(x: Any, **how: Any) -> Results:
    from dasknorm.sklearn import StandardScaler

    scaler = StandardScaler(**how).fit(x)
    return {
        "mean": scaler.mean_,
        "variance": scaler.var_,
        "scale": scaler.scale_,
        "stats": scaler.stats_,
        "transformed": scaler.transform(x),
    }


@case("sklearn")
def scaler() -> Results:
    return _fitted(make_numbers(60, 4, seed=51))


@case("sklearn")
def scaler_of_sparse() -> Results:
    x = make_numbers(80, 6, seed=52)
    return _fitted(sparse.csr_matrix(np.where(x < 700, 0, x)), with_mean=False)


@case("click", "rich", "pyarrow")
def command_line() -> Results:
    """A CSV file: its statistics, and the text of the file normalized."""
    with tempfile.TemporaryDirectory() as folder:
        names = [str(Path(folder, name)) for name in ("x.csv", "stats.json", "z.csv")]
        _mixed()[["double", "whole", "word"]].to_csv(names[0], index=False)
        _run("adapt", names[0], "-o", names[1], "--by", "word", "--ddof", "1")
        _run("normalize", names[0], names[1], "-o", names[2])
        return {"stats": dn.load(names[1]), "written": np.array(Path(names[2]).read_text())}


def _run(*arguments: str) -> None:
    command = [sys.executable, "-m", "dasknorm.cli", *arguments]
    subprocess.run(command, check=True, capture_output=True)
