"""Edge cases of xarray: labels that do not match, and variables that stay unchanged."""

from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr

import dasknorm as dn
from support.edge_outcomes import Case, Raises
from support.optional import is_installed

__all__ = ["XARRAY"]

LEV = [1000.0, 500.0, 100.0]
X = np.arange(12.0).reshape(4, 3) ** 2
Q = xr.DataArray(X, dims=("time", "lev"), coords={"lev": LEV}, name="q", attrs={"units": "K"})
BOTH = xr.Dataset({"q": Q, "r": ("time", [1.0, 2.0, 3.0, 6.0])})
LEVELS = dn.adapt(Q, keep="lev")
Z = LEVELS.normalize(Q)
ROUNDED = np.array([0.1, 0.2, 0.3], "f4")
SPREAD = dn.adapt(BOTH, keep="lev")
POINTS = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["site", "run"])
STACKED = xr.DataArray(
    X, dims=("point", "lev"), coords=xr.Coordinates.from_pandas_multiindex(POINTS, "point")
)
MATCH = dn.MismatchError


def relabel(labels: Any) -> xr.DataArray:
    return Q.assign_coords(lev=labels)


def drop_labels() -> xr.DataArray:
    return Q.drop_vars("lev")


def normalize_packed() -> dict[Any, Any]:
    packing = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 273.0, "_FillValue": -999}
    data = BOTH.copy()
    data["q"].encoding = dict(packing)
    stats = dn.adapt(data)
    z = stats.normalize(data)
    assert data["q"].encoding == packing
    return {**z["q"].encoding, **stats.inverse(z)["q"].encoding, **stats.mean["q"].encoding}


def make_mixed() -> xr.Dataset:
    """Return numeric variables and variables of other dtypes."""
    when = pd.date_range("2001", periods=4)
    return BOTH.assign(
        name=("time", list("abcd")),
        when=("time", when),
        long=("time", when - when[0]),
        odd=("time", np.array([True, None, "x", False], dtype=object)),
        wave=("time", [1j, 2j, 3j, 4j]),
        flag=("time", [True, False, True, False]),
    )


def list_unchanged() -> set[str]:
    """Return the names of variables that came through unchanged."""
    data = make_mixed()
    z = dn.adapt(data, keep="lev").normalize(data)
    assert list(z.data_vars) == list(data.data_vars)
    return {str(name) for name in data.data_vars if z[name].identical(data[name])}


def make_dated(calendar: str) -> xr.DataArray:
    """Return data on four days at the end of a February, which is not as long in each calendar."""
    days = xr.date_range("2000-02-27", periods=4, calendar=calendar, use_cftime=True)
    return Q.assign_coords(time=days)


def adapt_days(calendar: str) -> dn.Stats:
    """Return statistics of each day."""
    return dn.adapt(make_dated(calendar), keep="time")


def make_calendar_cases() -> dict[str, Case]:
    cases: dict[str, Case] = {
        f"103-{calendar}-kept": (
            lambda calendar=calendar: adapt_days(calendar).normalize(make_dated(calendar)[[2, 0]]),
            (
                (make_dated(calendar) - make_dated(calendar).mean("lev"))
                / make_dated(calendar).std("lev")
            )[[2, 0]],
        )
        for calendar in ("360_day", "noleap", "standard")
    }
    unknown = r"labels \[cftime\.DatetimeNoLeap\(2000, 2, 27.*are not in the statistics"
    cases["103-another-calendar"] = (
        lambda: adapt_days("360_day").normalize(make_dated("noleap")),
        Raises(MATCH, unknown),
    )
    return cases


def make_lazy() -> xr.Dataset:
    """Return coordinates along time and along both dimensions in chunks of Dask's."""
    chunked = xr.DataArray(X, dims=("time", "lev")).chunk(time=2)
    return BOTH.assign_coords(age=("time", da.arange(4, chunks=3)), place=chunked)


def normalize_lazy() -> xr.Dataset:
    """Return the coordinates of normalized data; they are still lazy."""
    z = dn.adapt(make_lazy(), keep="lev").normalize(make_lazy())
    assert z["place"].chunks == ((2, 2), (3,))
    assert z["age"].chunks == ((3, 1),)
    return make_lazy().assign_coords({name: z[name] for name in ("age", "place")})


def make_weights(values: Any, dim: str = "time", **coords: Any) -> xr.DataArray:
    return xr.DataArray(values, dims=dim, coords=coords)


XARRAY: dict[str, Case] = {
    "87-unknown-dimension": (
        lambda: dn.adapt(BOTH, over="nope"),
        Raises(ValueError, r"'nope' not found in dims \('time', 'lev'\)"),
    ),
    "87-unknown-dimension-kept": (
        lambda: dn.adapt(Q, keep=("lev", "nope")),
        Raises(ValueError, "'nope' not found"),
    ),
    "88-dimension-of-some-variables": (
        lambda: dn.adapt(BOTH, over="time").mean["q"],
        Q.mean("time"),
    ),
    "88-static-variable-is-taken-whole": (
        lambda: dn.adapt(BOTH, over="lev").mean,
        BOTH[["q"]].mean("lev").assign(r=3.0),
    ),
    "88-static-variable-normalized": (
        lambda: dn.adapt(BOTH, over="lev").normalize(BOTH)["r"],
        (BOTH["r"] - 3.0) / BOTH["r"].std(),
    ),
    "88-static-variable-beside-kept-levels": (lambda: SPREAD.std["r"], BOTH["r"].std()),
    "88-static-variable-alone": (
        lambda: dn.adapt(BOTH[["r"]], over="lev"),
        Raises(ValueError, r"'lev' not found in dims \('time'\)"),
    ),
    "88-variable-without-dimensions": (
        lambda: dn.adapt(BOTH.assign(s=7.0), over="time").mean["s"],
        xr.DataArray(7.0, name="s"),
    ),
    "89-not-numeric-rides-along": (list_unchanged, {"name", "when", "long", "odd", "wave"}),
    "89-nothing-numeric": (
        lambda: dn.adapt(make_mixed()[["name", "when"]]),
        Raises(TypeError, r"no numeric variables to normalize; found 'name'.*'when'"),
    ),
    "89-not-numeric-array": (
        lambda: dn.adapt(make_mixed()["when"]),
        Raises(TypeError, r"'when': dtype datetime64"),
    ),
    "90-level-subset": (
        lambda: LEVELS.normalize(Q.sel(lev=[100.0, 1000.0])),
        Z.sel(lev=[100.0, 1000.0]),
    ),
    "90-one-level": (lambda: LEVELS.normalize(Q.sel(lev=[500.0])), Z.sel(lev=[500.0])),
    "90-one-level-without-its-dimension": (
        lambda: LEVELS.normalize(Q.sel(lev=500.0)),
        Z.sel(lev=500.0),
    ),
    "91-levels-reversed": (lambda: LEVELS.normalize(Q[:, ::-1]), Z[:, ::-1]),
    "92-unknown-level": (
        lambda: LEVELS.normalize(relabel([1000.0, 500.0, 50.0])),
        Raises(MATCH, r"labels \[50\.0\] along 'lev' are not in the statistics"),
    ),
    "92-levels-missing-in-stats": (
        lambda: dn.Stats.from_values(mean=Q[0, :2], std=Q[1, :2] + 1.0).normalize(Q),
        Raises(MATCH, r"labels \[100\.0\] along 'lev' are not in the statistics"),
    ),
    "92-doubled-level": (
        lambda: LEVELS.normalize(relabel([1000.0, 500.0, 500.0])).isel(lev=2),
        (Q.isel(lev=2) - Q.isel(lev=1).mean()).assign_coords(lev=500.0) / Q.isel(lev=1).std(),
    ),
    "92-doubled-level-of-stats": (
        lambda: dn.adapt(relabel([1.0, 1.0, 2.0]), keep="lev").normalize(relabel([1.0, 2.0, 2.0])),
        Raises(MATCH, r"labels along 'lev' are not unique: \[1\.0\]"),
    ),
    "93-levels-nearly-equal": (
        lambda: LEVELS.normalize(relabel([1000.0 + 1e-9, 500.0, 100.0])),
        Z.assign_coords(lev=[1000.0 + 1e-9, 500.0, 100.0]),
    ),
    "93-levels-rounded-to-float32": (
        lambda: dn.adapt(relabel([0.1, 0.2, 0.3]), keep="lev").normalize(relabel(ROUNDED)),
        Z.assign_coords(lev=ROUNDED),
    ),
    "93-levels-rounded-reversed-subset": (
        lambda: dn.adapt(relabel([0.1, 0.2, 0.3]), keep="lev").normalize(
            relabel(ROUNDED).isel(lev=[2, 0])
        ),
        Z.assign_coords(lev=ROUNDED).isel(lev=[2, 0]),
    ),
    "93-levels-rounded-in-the-statistics": (
        lambda: dn.adapt(relabel(ROUNDED), keep="lev").normalize(relabel([0.1, 0.2, 0.3])),
        Z.assign_coords(lev=[0.1, 0.2, 0.3]),
    ),
    "93-levels-rounded-merge": (
        lambda: (
            (
                dn.adapt(relabel([0.1, 0.2, 0.3]), keep="lev")
                + dn.adapt(relabel(ROUNDED), keep="lev")
            ).mean
        ),
        relabel([0.1, 0.2, 0.3]).mean("time"),
    ),
    "93-levels-rounded-weights": (
        lambda: (
            dn.adapt(
                relabel([0.1, 0.2, 0.3]), weights=make_weights([0.0, 0.0, 1.0], "lev", lev=ROUNDED)
            ).mean
        ),
        xr.DataArray(X[:, 2].mean(), name="q"),
    ),
    "93-levels-too-far": (
        lambda: LEVELS.normalize(relabel([1000.01, 500.0, 100.0])),
        Raises(MATCH, r"\(nearest to 1000\.01: 1000\.0, not within 0\.001\)"),
    ),
    "93-levels-nearer-than-those-known": (
        lambda: dn.adapt(relabel([1000.0, 1000.01, 1000.02]), keep="lev").normalize(
            relabel([1000.0, 1000.01, 1000.0205])
        ),
        Raises(MATCH, r"nearest to 1000\.0205: 1000\.02, not within 0\.0001"),
    ),
    "93-two-levels-near-one": (
        lambda: LEVELS.normalize(relabel([500.0, 500.0 + 1e-9, 100.0])),
        Raises(
            MATCH, r"labels \[500\.0, 500\.000000001\] along 'lev' are all near to the same one"
        ),
    ),
    "93-levels-near-an-infinite-one": (
        lambda: dn.adapt(relabel([np.inf, 500.0, 100.0]), keep="lev").normalize(
            relabel([np.inf, 500.0 + 1e-9, 100.0])
        ),
        Raises(MATCH, r"labels \[500\.000000001\]"),
    ),
    "93-levels-as-integers": (lambda: LEVELS.normalize(relabel([1000, 500, 100])), Z),
    "93-levels-as-text": (
        lambda: LEVELS.normalize(relabel(["1000", "500", "100"])),
        Raises(MATCH, r"labels \['1000', '500', '100'\]"),
    ),
    "94-nan-among-labels": (
        lambda: LEVELS.normalize(relabel([1000.0, 500.0, np.nan])),
        Raises(MATCH, "NaN among the labels along 'lev'"),
    ),
    "94-nan-among-labels-kept": (
        lambda: dn.adapt(relabel([1000.0, np.nan, 100.0]), keep="lev"),
        Raises(MATCH, r"along 'lev' cannot be matched; at \[1\] of 3.*whose fill value is 0"),
    ),
    "94-nan-among-labels-merged": (
        lambda: dn.adapt(relabel([1000.0, np.nan, 100.0])).mean,
        xr.DataArray(X.mean(), name="q"),
    ),
    "95-labels-only-in-stats": (lambda: LEVELS.normalize(drop_labels()), Z.drop_vars("lev")),
    "95-labels-only-in-data": (lambda: dn.adapt(drop_labels(), keep="lev").normalize(Q), Z),
    "96-no-labels-and-another-size": (
        lambda: LEVELS.normalize(drop_labels()[:, :2]),
        Raises(MATCH, "sizes differ along 'lev': the data have 2, the statistics 3"),
    ),
    "97-reversed-where-no-label-tells": (
        lambda: LEVELS.normalize(drop_labels()[:, ::-1]).values[:, 1],
        Z.values[:, 1],
    ),
    "99-transposed": (lambda: LEVELS.normalize(Q.T), Z.T),
    "99-transposed-dask": (lambda: LEVELS.normalize(Q.T.chunk(lev=2)).compute(), Z.T),
    "100-extra-dimension": (
        lambda: LEVELS.normalize(Q.expand_dims(member=3, axis=1)),
        Z.expand_dims(member=3, axis=1),
    ),
    "100-dimension-missing": (
        lambda: LEVELS.normalize(Q.isel(lev=0, drop=True)),
        Raises(MATCH, r"\('lev'\), which the data lack; the data have \('time'\)"),
    ),
    "102-variable-missing-in-data": (
        lambda: SPREAD.normalize(BOTH[["q"]]),
        Raises(MATCH, r"the data lack \['r'\].*stats\.select"),
    ),
    "102-variable-missing-selected": (
        lambda: SPREAD.select(["q"]).normalize(BOTH[["q"]]),
        SPREAD.normalize(BOTH)[["q"]],
    ),
    "102-variable-missing-in-stats": (
        lambda: SPREAD.normalize(BOTH.assign(s=BOTH["r"])),
        Raises(MATCH, r"no statistics for \['s'\]; available: \['q', 'r'\]"),
    ),
    "102-array-of-another-name": (
        lambda: LEVELS.normalize(Q.rename("t")),
        Raises(MATCH, r"no statistics for \['t'\]; available: \['q'\]"),
    ),
    "102-array-without-a-name": (lambda: LEVELS.normalize(Q.rename(None)), Z.rename(None)),
    "102-array-by-the-stats-of-its-dataset": (lambda: SPREAD.normalize(BOTH["q"]), Z),
    "103-multiindex": (
        lambda: dn.adapt(STACKED, over="lev").normalize(STACKED[::-1]),
        ((STACKED - STACKED.mean("lev")) / STACKED.std("lev"))[::-1],
    ),
    "103-multiindex-in-dask": (
        lambda: dn.adapt(STACKED.chunk(lev=2), over="lev").mean,
        STACKED.mean("lev"),
    ),
    "103-multiindex-kept": (
        lambda: dn.adapt(STACKED, keep="point").normalize(STACKED[[3, 0]]),
        ((STACKED - STACKED.mean("lev")) / STACKED.std("lev"))[[3, 0]],
    ),
    "103-multiindex-another": (
        lambda: dn.adapt(STACKED[:2], keep="point").normalize(STACKED),
        Raises(MATCH, r"labels \[\('b', 1\), \('b', 2\)\] along 'point' are not in"),
    ),
    **(make_calendar_cases() if is_installed("cftime") else {}),
    "103-dask-coordinates": (lambda: normalize_lazy().compute(), make_lazy().compute()),
    "104-packing-is-dropped": (normalize_packed, {}),
    "106-units-of-z": (lambda: Z.attrs["units"], "1"),
    "106-units-come-back": (lambda: LEVELS.inverse(Z).attrs, {"units": "K"}),
    "106-units-of-mean": (lambda: LEVELS.mean.attrs["units"], "K"),
    "106-units-of-variance": (lambda: LEVELS.variance.attrs["units"], "K2"),
    "106-units-of-count": (lambda: LEVELS.count.attrs["units"], "1"),
    "107-negative-weights": (
        lambda: dn.adapt(Q, weights=make_weights([1.0, -1.0, 1.0, 1.0])),
        Raises(ValueError, r"weights must be finite and at least 0, got -1\.0"),
    ),
    "107-nan-weights": (
        lambda: dn.adapt(Q, weights=make_weights([1.0, np.nan, 1.0, 1.0])),
        Raises(ValueError, "weights must be finite and at least 0, got NaN"),
    ),
    "107-nan-weights-dask": (
        lambda: dn.adapt(Q.chunk(time=1), weights=make_weights([1.0, np.nan, 1.0, 1.0])),
        Raises(ValueError, "weights must be finite and at least 0, got NaN"),
    ),
    "107-bool-weights": (
        lambda: dn.adapt(Q, weights=make_weights([True, False, False, True])).mean,
        xr.DataArray(X[[0, 3]].mean(), name="q"),
    ),
    "107-bare-weights": (
        lambda: dn.adapt(Q, weights=[1.0, 2.0, 3.0, 4.0]),
        Raises(TypeError, r"a DataArray, so that .* write xr\.DataArray\(weights, dims=\.\.\.\)"),
    ),
    "107-weights-along-another-dimension": (
        lambda: dn.adapt(Q, weights=make_weights([1.0, 2.0], "member")),
        Raises(MATCH, r"no variable has the dimensions \('member',\) of the weights"),
    ),
    "107-weights-of-other-labels": (
        lambda: dn.adapt(Q, weights=make_weights([1.0, 2.0, 3.0], "lev", lev=[1.0, 2.0, 3.0])),
        Raises(MATCH, r"along 'lev' are not in the weights"),
    ),
    "107-weights-in-another-order": (
        lambda: dn.adapt(Q, weights=make_weights([0.0, 0.0, 1.0], "lev", lev=LEV[::-1])).mean,
        xr.DataArray(X[:, 0].mean(), name="q"),
    ),
    "107-nan-weights-of-cells": (
        lambda: dn.adapt(Q.T, weights=xr.DataArray(X, dims=("time", "lev")).where(Q < 99)),
        Raises(ValueError, "weights must be finite and at least 0, got NaN"),
    ),
    "107-negative-weights-in-chunks": (
        lambda: dn.adapt(
            Q.chunk(time=3), weights=make_weights([0.0, 1.0, -2.0, 1.0]).chunk(time=2)
        ),
        Raises(ValueError, r"weights must be finite and at least 0, got -2\.0"),
    ),
    "107-infinite-weights": (
        lambda: dn.adapt(Q, weights=make_weights([1.0, np.inf, 1.0, 1.0])),
        Raises(ValueError, "weights must be finite and at least 0, got inf"),
    ),
    "107-lazy-weights-in-memory-data": (
        lambda: dn.adapt(Q, weights=make_weights([1.0, 0.0, 0.0, 1.0]).chunk(time=3)).mean,
        xr.DataArray(X[[0, 3]].mean(), name="q"),
    ),
    "107-weights-turned-with-more-coordinates": (
        lambda: (
            dn.adapt(
                Q, weights=xr.ones_like(Q).T.assign_coords(run=7, site=("time", list("abcd")))
            ).mean
        ),
        xr.DataArray(X.mean(), name="q"),
    ),
    "107-missing-value-takes-its-weight": (
        lambda: dn.adapt(Q.where(Q != 121), weights=make_weights([1.0, 1.0, 1.0, 5.0])).count,
        xr.DataArray(9.0 + 10.0, name="q"),
    ),
    "107-word-for-weights": (
        lambda: dn.adapt(Q, weights="volume"),
        Raises(ValueError, "weights must be 'area', 'coslat', 'gaussian', 'days' or a DataArray"),
    ),
    "107-where-of-numbers": (
        lambda: dn.adapt(Q, where=make_weights([1.0, 0.0, 1.0, 1.0])),
        Raises(TypeError, r"where= must be a boolean mask, got dtype float64"),
    ),
    "107-where-nothing-is": (
        lambda: dn.adapt(Q, where=make_weights([False] * 4)),
        Raises(ValueError, "no samples to adapt on in 'q': .*all weights are 0"),
    ),
    "107-where-by-label": (
        lambda: dn.adapt(Q, where=make_weights([False, False, True], "lev", lev=LEV[::-1])).count,
        xr.DataArray(4.0, name="q"),
    ),
    "107-all-weights-0": (
        lambda: dn.adapt(Q, weights=make_weights([0.0] * 4)).mean,
        Raises(ValueError, "no samples to adapt on in 'q': .*all weights are 0"),
    ),
}
