"""Every statistic and every container passes the checks for extensions in dasknorm.testing."""

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.all_containers import IN_CHUNKS, IN_MEMORY
from support.optional import import_optional
from support.strategies import blocks, chunkings

import dasknorm as dn
from dasknorm.testing import check_container, check_statistic

dd = import_optional("dask.dataframe")


@pytest.mark.parametrize(
    "statistic",
    [
        dn.Moments(),
        dn.Moments(ddof=1),
        dn.Moments(ddof=0.5),
        dn.Moments(skipna=False),
        dn.Moments(epsilon=1e-7),
        dn.Moments(ddof=1, skipna=False, epsilon=10.0),
        dn.Quantiles(),
        dn.Quantiles(0.0, 1.0, buckets=2, skipna=False, epsilon=1e-3),
        dn.Extrema(),
        dn.Extrema(-1.0, 3.0, skipna=False),
        dn.Extrema(2.0, 5.0),
        dn.MaxAbs(),
        dn.MaxAbs(skipna=False),
        dn.MultiStatistic((dn.Moments(), dn.Extrema())),
        dn.MultiStatistic((dn.MaxAbs(), dn.Quantiles(buckets=16), dn.Moments(ddof=1))),
        dn.Transformed("asinh"),
        dn.Transformed("log1p", dn.Extrema()),
        dn.Transformed("sqrt", dn.MultiStatistic((dn.MaxAbs(), dn.Moments()))),
        dn.Transformed("log", dn.Quantiles(buckets=16)),
        dn.MultiStatistic((dn.Transformed("log"), dn.Moments())),
    ],
    ids=str,
)
def test_statistics_keep_their_laws(statistic: dn.Statistic) -> None:
    """Every statistic, with several settings, keeps the laws of `Statistic`."""
    positive = any(function in str(statistic) for function in ("log", "sqrt"))
    check_statistic(statistic, positive=positive)


def wide(x: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"a": x, "b": x.astype("i4"), "s": "text", 3: pd.array(x, "Float32")})


def grid(x: np.ndarray) -> xr.Dataset:
    rows = np.stack([x, 2 * x + 1])
    return xr.Dataset(
        {"u": (("lev", "t"), rows), "v": ("t", x.astype("f4")), "name": ("t", x.astype(str))},
        {"lev": [1000.0, 500.0], "t": pd.date_range("2001", periods=len(x))},
    )


MIXED = {
    "wide-frame": wide,
    "dataset": grid,
    "dask-dataset": lambda x: grid(x).chunk(t=4),
    "numpy-2d": lambda x: np.stack([x, -x], axis=1).astype("f4"),
    "masked-2d": lambda x: np.ma.masked_equal(np.stack([x, -x], axis=1), 3.0),
    "dask-2d": lambda x: da.from_array(np.stack([x, -x], axis=1), chunks=(5, 1)),
    "array-2d": lambda x: grid(x)["u"],
    **IN_MEMORY,
    **{name: lambda x, wrap=wrap: wrap(x, 5) for name, wrap in IN_CHUNKS.items()},
}
del MIXED["list"]  # a list of numbers comes back as an array
if dd is not None:
    MIXED["wide-dask-frame"] = lambda x: dd.from_pandas(wide(x), npartitions=3)


@pytest.mark.parametrize("container", MIXED)
def test_containers_keep_their_laws(container: str) -> None:
    """Every container keeps the laws of `Container` and of `Stats`."""
    values = np.arange(17.0) ** 2
    values[5] = 5.0
    data = MIXED[container](values)
    check_container(data)
    if "dataset" in container:
        check_container(data, over="t")


@settings(max_examples=12)
@given(st.data())
def test_containers_keep_their_laws_on_drawn_blocks(data: st.DataObject) -> None:
    """Arrays of any dtype, shape and chunking keep the laws of containers."""
    block = data.draw(blocks(("f4", "f8", "i2", "i4", "u1"), least=1))
    assume((block == block).any() and np.nanstd(block) > 1e-6 * np.nanmax(np.abs(block)))
    over = tuple(range(block.ndim))
    check_container(block, over=over)
    check_container(da.from_array(block, chunks=data.draw(chunkings(block.shape))), over=over)
