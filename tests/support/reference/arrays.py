"""Reference cases of NumPy and Dask arrays, and of every statistic."""

from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd

import dasknorm as dn
from support.digests import make_numbers
from support.reference.table import CASES, Case, Results, adapt_and_map, case, map_data

PLAIN = ["<f2", "<f4", "<f8", ">f4", ">f8", "i1", "u1", "<i2", "<u2", "<i4", ">i4", "<u4"]


def _plain(dtype: str) -> Results:
    x = make_numbers(60, 5, seed=1)
    return adapt_and_map(
        (x.astype(np.int64) % 120).astype(dtype) if "f" not in dtype else x.astype(dtype)
    )


for _name in PLAIN:
    CASES[f"dtype_{_name}"] = Case(partial(_plain, _name))


@case()
def wide_integers() -> Results:
    x = 2**53 - 8 + make_numbers(40, 3).astype(np.int64) % 17
    results = {"signed": adapt_and_map(x), "unsigned": adapt_and_map(x.astype(np.uint64))}
    return {f"{kind} {name}": v for kind, item in results.items() for name, v in item.items()}


@case()
def booleans() -> Results:
    return adapt_and_map(make_numbers(50, 4) > 300)


@case()
def missing_and_constant() -> Results:
    x = make_numbers(70, 4, seed=2)
    x[::7, 0], x[:, 1], x[3:, 2], x[5, 3] = np.nan, 0.1, np.nan, np.nan
    return adapt_and_map(x)


@case()
def masked() -> Results:
    x = make_numbers(30, 6, seed=3).astype("f4")
    return adapt_and_map(np.ma.masked_array(x, x > 800))


@case()
def fortran_order() -> Results:
    return adapt_and_map(np.asfortranarray(make_numbers(40, 7, seed=4)))


@case()
def strided_and_reversed() -> Results:
    return adapt_and_map(make_numbers(80, 12, seed=5)[::-2, 1::3])


@case()
def far_from_zero() -> Results:
    return adapt_and_map(1e8 + make_numbers(5000, 2, seed=6).astype("f4") / 4096)


@case()
def one_axis_and_none() -> Results:
    x, scalar = make_numbers(1001, seed=7), np.float64(3.25)
    stats = dn.adapt(scalar)
    return adapt_and_map(x) | {"alone": stats, "normalized alone": stats.normalize(scalar)}


@case()
def keep_and_over() -> Results:
    x = make_numbers(9, 8, 7, 6, seed=8).astype("f4")
    axes: list[Results] = [{"keep": 1}, {"keep": (0, 2)}, {"over": (0, -1)}, {"over": 2}]
    axes += [{"keep": (1, 2, 3)}, {"over": (0, 1, 2, 3)}]
    return {f"{axis} {name}": v for axis in axes for name, v in adapt_and_map(x, **axis).items()}


@case(compiled=True)
def large_float32() -> Results:
    """Above 2 MB: the compiled kernels are used."""
    return adapt_and_map(make_numbers(300_000, 3, seed=9).astype("f4"))


@case(compiled=True)
def large_rows() -> Results:
    return adapt_and_map(make_numbers(3000, 120, seed=10))


@case(compiled=True)
def large_one_feature() -> Results:
    x = make_numbers(700_000, 1, seed=11).astype("f4")
    x[::1000] = np.nan
    return adapt_and_map(x)


@case(compiled=True)
def large_inner_kept() -> Results:
    return adapt_and_map(make_numbers(40, 60, 200, seed=12).astype("f4"), keep=1)


@case(compiled=True)
def slabs() -> Results:
    """Above 32 MB: the array is cut into slabs for all cores."""
    x = np.tile(make_numbers(90_000, 2, seed=13).astype("f4"), (50, 1))
    x += (np.arange(len(x)) // 90_000).astype("f4")[:, None]
    return adapt_and_map(x)


# -- Dask arrays --------------------------------------------------------------------------------


def _chunked(chunks: Any) -> Results:
    x = make_numbers(60, 8, seed=14).astype("f4")
    x[11, 2] = np.nan
    return adapt_and_map(da.from_array(x, chunks=chunks))


for _chunks in [(60, 8), (7, 8), (13, 3), (1, 8), ((10, 50), (1, 7))]:
    CASES[f"chunks_{_chunks}"] = Case(partial(_chunked, _chunks))


@case()
def dask_inner_kept() -> Results:
    x = da.from_array(make_numbers(20, 9, 30, seed=15), chunks=(6, 4, 7))
    return adapt_and_map(x, keep=1) | {"over": dn.adapt(x, over=(0,))}


@case(compiled=True)
def dask_large() -> Results:
    return adapt_and_map(
        da.from_array(make_numbers(400_000, 2, seed=16).astype("f4"), chunks=(90_000, 2))
    )


@case()
def dask_masked() -> Results:
    x = make_numbers(40, 3, seed=17)
    return adapt_and_map(da.from_array(np.ma.masked_array(x, x < 100), chunks=(9, 2)))


@case()
def dask_lazy_statistics() -> Results:
    x = da.from_array(make_numbers(40, 3, seed=18), chunks=(9, 2))
    return map_data(dn.adapt(x, compute=False).compute(), x)


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
    return adapt_and_map(x, asked) | {"lazy": dn.adapt(da.from_array(x, chunks=(70, 3)), asked)}


def _large_statistic(asked: Any) -> Results:
    x = make_numbers(90_000, 3, seed=20).astype("f4")
    return {"stats": dn.adapt(x, asked)}


for _name, _choice in STATISTICS.items():
    CASES[f"statistic_{_name}"] = Case(partial(_statistic, _choice))
    CASES[f"large_{_name}"] = Case(partial(_large_statistic, _choice), compiled=True)
for _choice in ("log1p", "log", "asinh"):
    CASES[f"statistic_{_choice}"] = Case(
        partial(adapt_and_map, make_numbers(300, 4, seed=21) + 1, dn.Transformed(_choice)),
        elementary=True,
    )


@case()
def given() -> Results:
    x = make_numbers(20, 3, seed=22)
    stats = dn.Stats.from_values(mean=[1.0, 200.5, 3.0], std=[0.5, 2.0, 0.0], epsilon=0.25)
    counted = dn.Stats.from_values(mean=[1.0, 2.0, 3.0], variance=[4.0, 9.0, 0.0], count=100)
    labelled = dn.Stats.from_values(
        mean=pd.Series({"a": 1.0, "b": 2.0}), std=pd.Series({"a": 2, "b": 3})
    )
    return map_data(stats, x) | {"merged": counted + dn.adapt(x), "labelled": labelled}


@case()
def using_and_selected() -> Results:
    x = pd.DataFrame(make_numbers(40, 3, seed=23), columns=list("abc"))
    stats = dn.adapt(x, [dn.Moments(), dn.Extrema()])
    return map_data(stats.select_statistic(dn.Extrema), x) | {"selected": stats.select(["c", "a"])}
