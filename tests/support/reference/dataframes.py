"""Reference cases of pandas, Dask, Arrow and polars DataFrames."""

from typing import Any

import numpy as np
import pandas as pd

import dasknorm as dn
from support.digests import make_numbers
from support.optional import import_optional
from support.reference.table import Results, adapt_and_map, case

dd = import_optional("dask.dataframe")
pa = import_optional("pyarrow")
pl = import_optional("polars")


def make_mixed_frame() -> pd.DataFrame:
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
    return adapt_and_map(make_mixed_frame())


@case()
def pandas_columns() -> Results:
    return adapt_and_map(make_mixed_frame(), columns=["single", "whole"])


@case()
def pandas_series() -> Results:
    return adapt_and_map(make_mixed_frame()["nullable"])


@case()
def pandas_by_column() -> Results:
    statistics = {"double": dn.Extrema(), "whole": dn.MaxAbs(), ...: dn.Moments(ddof=1)}
    return adapt_and_map(make_mixed_frame(), statistics)


@case()
def pandas_large() -> Results:
    return adapt_and_map(pd.DataFrame(make_numbers(120_000, 3, seed=25), columns=["x", "y", "z"]))


@case("pyarrow")
def pandas_arrow_backed() -> Results:
    frame = make_mixed_frame()[["double", "single", "whole", "nullable", "word"]]
    return adapt_and_map(frame.convert_dtypes(dtype_backend="pyarrow"))


@case()
def pandas_groups() -> Results:
    return adapt_and_map(make_mixed_frame(), by="word") | {
        "two": dn.adapt(make_mixed_frame(), by=["word", "few"])
    }


@case()
def pandas_many_groups() -> Results:
    x = make_numbers(120_000, 2, seed=26)
    frame = pd.DataFrame(x, columns=["x", "y"]).assign(key=x[:, 0].astype("i8") * 7 % 5000)
    return adapt_and_map(frame, by="key", columns=["x", "y"])


@case()
def pandas_group_statistics() -> Results:
    statistics = [dn.Moments(), dn.Extrema(), dn.Quantiles(buckets=32)]
    return adapt_and_map(make_mixed_frame()[["double", "single", "word"]], statistics, by="word")


@case()
def pandas_weights() -> Results:
    weights = make_numbers(90, seed=27)
    return adapt_and_map(make_mixed_frame(), weights=weights, where=weights > 200)


@case("pyarrow")
def dask_frame() -> Results:
    return adapt_and_map(dd.from_pandas(make_mixed_frame(), npartitions=4))


@case("pyarrow")
def dask_frame_groups() -> Results:
    frame = make_mixed_frame()[["double", "single", "whole", "word"]]
    return adapt_and_map(dd.from_pandas(frame, npartitions=4), by="word")


@case("pyarrow")
def arrow_table() -> Results:
    frame = make_mixed_frame().reset_index(drop=True)
    table = pa.Table.from_pandas(frame.drop(columns=["flag", "word"]), preserve_index=False)
    table = table.append_column("word", pa.array(frame["word"].tolist(), pa.string()))
    return adapt_and_map(table) | {"by": dn.adapt(table, by="word")}


def _polars() -> Any:
    frame = make_mixed_frame()
    columns = {n: frame[n].to_numpy() for n in ("double", "single", "whole", "small", "few")}
    words = pl.Series("word", frame["word"].tolist())
    whole = pl.Series("nullable", [None if v % 5 == 0 else int(v) for v in frame["whole"]])
    return pl.DataFrame(columns).with_columns(words, whole)


@case("polars", "pyarrow")
def polars_frame() -> Results:
    return adapt_and_map(_polars()) | {"by": dn.adapt(_polars(), by="word")}


@case("polars", "pyarrow")
def polars_lazy() -> Results:
    return adapt_and_map(_polars().lazy(), columns=["double", "single", "whole"])
