"""Edge cases of predefined statistics and of merging."""

import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr

import dasknorm as dn
from support.edge_outcomes import Case, Raises, Warns

__all__ = ["STATS"]

NAN, INF = np.nan, np.inf
from_values = dn.Stats.from_values
X = np.array([[1.0, 10.0], [3.0, 30.0]])
FRAME = pd.DataFrame(X, columns=["a", "b"])
LEVELS = xr.DataArray(X, dims=("t", "lev"), coords={"lev": [1000, 500]}, name="q")
MERGE = dn.MismatchError
BOTH = {"count": [4.0, 4.0]}


def merge(one: object, two: object, **settings: object) -> dn.Stats:
    return dn.adapt(one, **settings) + dn.adapt(two, **settings)  # type: ignore[arg-type]


STATS: dict[str, Case] = {
    "108-negative-variance": (
        lambda: from_values(mean=[0.0, 1.0], variance=[1.0, -2.0]),
        Raises(ValueError, r"variance must not be negative, got -2\.0 at axis -1=1"),
    ),
    "108-negative-variance-of-a-column": (
        lambda: from_values(mean=FRAME.mean(), variance=-FRAME.var()),
        Raises(ValueError, "variance must not be negative.* at a"),
    ),
    "108-negative-std": (
        lambda: from_values(mean=0.0, std=-1.0),
        Raises(ValueError, "std must not be negative"),
    ),
    "108-negative-count": (
        lambda: from_values(mean=0.0, std=1.0, count=-1.0),
        Raises(ValueError, "count must not be negative"),
    ),
    "109-zero-variance": (lambda: from_values(mean=2.0, variance=0.0).normalize(3.0), 1.0),
    "109-nan-variance": (
        lambda: from_values(mean=2.0, variance=NAN),
        Raises(ValueError, "variance must be finite, got nan. Where"),
    ),
    "109-infinite-mean": (
        lambda: from_values(mean=INF, variance=1.0),
        Raises(ValueError, "mean must be finite, got inf$"),
    ),
    "110-only-mean": (
        lambda: from_values(mean=0.0),
        Raises(ValueError, "give variance= or std=, one of the two"),
    ),
    "110-variance-and-std": (
        lambda: from_values(mean=0.0, variance=1.0, std=1.0),
        Raises(ValueError, "give variance= or std=, one of the two"),
    ),
    "111-variance-of-another-length": (
        lambda: from_values(mean=[0.0, 1.0], variance=[1.0, 1.0, 1.0]),
        Raises(MERGE, "mean has 2, the variance 3|have 2, the variance 3"),
    ),
    "111-variance-of-other-columns": (
        lambda: from_values(mean=FRAME.mean(), variance=FRAME.var().rename({"b": "c"})),
        Raises(MERGE, r"\['b'\].* not in the variance"),
    ),
    "111-variance-of-columns-in-another-order": (
        lambda: from_values(mean=FRAME.mean(), variance=FRAME.var(ddof=0)[::-1]).normalize(FRAME),
        pd.DataFrame([[-1.0, -1.0], [1.0, 1.0]], columns=["a", "b"]),
    ),
    "111-variance-of-other-variables": (
        lambda: from_values(mean=xr.Dataset({"a": 0.0}), variance=xr.Dataset({"b": 1.0})),
        Raises(MERGE, r"mean has \['a'\], variance has \['b'\]"),
    ),
    "111-one-variance-for-all": (
        lambda: from_values(mean=[1.0, 10.0], variance=4.0).normalize(X),
        np.array([[0.0, 0.0], [1.0, 10.0]]),
    ),
    "111-data-of-another-length": (
        lambda: from_values(mean=[0.0, 1.0], variance=1.0).normalize(np.ones((4, 3))),
        Raises(MERGE, "the data have 3, the statistics 2"),
    ),
    "111-text": (
        lambda: from_values(mean="a", variance=1.0),
        Raises(TypeError, "cannot take numbers from a builtins.str"),
    ),
    "112-given-without-count-merged": (
        lambda: from_values(mean=0.0, std=1.0) + from_values(mean=0.0, std=1.0),
        Raises(MERGE, r"without a count.*count=\.\.\."),
    ),
    "112-given-without-count-updated": (
        lambda: from_values(mean=0.0, std=1.0).update([1.0, 2.0]),
        Raises(MERGE, r"without a count.*from_values.*count=\.\.\."),
    ),
    "112-given-with-count-merged": (
        lambda: (
            (from_values(mean=[2.0, 20.0], variance=[1.0, 100.0], count=2.0) + dn.adapt(X)).count
        ),
        BOTH["count"],
    ),
    "112-given-with-count-updated": (
        lambda: from_values(mean=FRAME.mean(), variance=0.0, count=2).update(FRAME).variance,
        pd.Series({"a": 0.5, "b": 50.0}),
    ),
    "113-other-statistic": (
        lambda: dn.adapt(X) + dn.adapt(X, dn.Moments(ddof=1)),
        Raises(MERGE, r"statistics differ: Moments\(\), and .*ddof=1"),
    ),
    "113-other-skipna": (
        lambda: dn.adapt(X) + dn.adapt(X, dn.Moments(skipna=False)),
        Raises(MERGE, "statistics differ"),
    ),
    "113-other-columns": (
        lambda: merge(FRAME, FRAME.rename(columns={"b": "c"})),
        Raises(MERGE, r"\['b'\].*\['a', 'c'\]|'b'.*'c'"),
    ),
    "113-columns-in-another-order": (
        lambda: merge(FRAME, FRAME[["b", "a"]]).mean,
        pd.Series({"a": 2.0, "b": 20.0}),
    ),
    "113-fewer-columns": (
        lambda: merge(FRAME, FRAME[["a"]]),
        Raises(MERGE, r"statistics of \['a', 'b'\] and \['a'\]"),
    ),
    "113-other-variables": (
        lambda: merge(LEVELS.to_dataset(), LEVELS.to_dataset(name="r")).mean,
        LEVELS.mean().to_dataset().assign(r=LEVELS.mean()),
    ),
    "113-levels-in-another-order": (
        lambda: merge(LEVELS, LEVELS.isel(lev=[1, 0]), keep="lev").mean,
        LEVELS.mean("t"),
    ),
    "113-other-levels": (
        lambda: merge(LEVELS, LEVELS.assign_coords(lev=[1000, 501]), keep="lev"),
        Raises(MERGE, r"501|500"),
    ),
    "113-levels-without-labels": (
        lambda: merge(LEVELS, LEVELS.drop_vars("lev"), keep="lev"),
        Raises(MERGE, "only one side has labels along 'lev'"),
    ),
    "113-other-kept-dimensions": (
        lambda: dn.adapt(LEVELS, keep="lev") + dn.adapt(LEVELS),
        Raises(MERGE, r"kept dimensions differ: .*\('lev'\)"),
    ),
    "113-other-sizes": (lambda: merge(X, X[:, :1]), Raises(MERGE, "sizes differ along -1")),
    "113-array-and-frame": (lambda: dn.adapt(X) + dn.adapt(FRAME), Raises(MERGE, "disjoint")),
    "113-not-stats": (lambda: dn.adapt(X) + 1, Raises(TypeError, "unsupported operand")),
    "113-transposed-states": (
        lambda: merge(LEVELS, LEVELS.T, keep=("t", "lev")).mean,
        Warns("only one value in 'q' at 4 of 4 output elements, such as", LEVELS),
    ),
    "114-the-same-twice": (lambda: (lambda s: (s + s).count)(dn.adapt(X)), BOTH["count"]),
    "114-ready-and-lazy": (
        lambda: (dn.adapt(X) + dn.adapt(da.from_array(X, 1), compute=False)).compute().count,
        BOTH["count"],
    ),
    "115-selected-unknown": (
        lambda: dn.adapt(FRAME).select(["a", "x"]),
        Raises(MERGE, r"no statistics for \['x'\]; available: \['a', 'b'\]"),
    ),
    "115-unknown-reading": (
        lambda: dn.adapt(X).result("median"),
        Raises(AttributeError, "no 'median'; they have count, mean, std, variance"),
    ),
    "115-count-of-given": (
        lambda: from_values(mean=0.0, std=1.0).count,
        Raises(AttributeError, "no 'count'"),
    ),
    "115-negative-ddof": (lambda: dn.Moments(ddof=-1), Raises(ValueError, "ddof must be .* -1")),
    "115-nan-epsilon": (lambda: dn.Moments(epsilon=NAN), Raises(ValueError, "epsilon .* nan")),
    "115-dtype-integer": (
        lambda: dn.adapt(X).normalize(X, dtype="i4"),
        Raises(TypeError, "dtype must be float16, float32 or float64, got int32"),
    ),
}
