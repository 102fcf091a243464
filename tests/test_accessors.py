"""The ``.norm`` accessors of xarray, pandas and Dask objects return the same as the functions."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.optional import import_optional, needs

import dasknorm as dn
from dasknorm import accessors

dd = import_optional("dask.dataframe")
FRAME = pd.DataFrame({"a": [1.0, 3.0, 8.0], "b": [2, 4, 9], "s": list("xyz")})
DATA = xr.Dataset({"q": (("t", "lev"), np.arange(6.0).reshape(2, 3) ** 2)}, {"lev": [9, 5, 1]})


@pytest.mark.parametrize("dim", [None, "t", ["t", "lev"]])
@pytest.mark.parametrize(
    "data", [DATA, DATA["q"], DATA.chunk(t=1)], ids=["dataset", "array", "dask"]
)
def test_xarray(data: xr.Dataset | xr.DataArray, dim: object) -> None:
    """dim is what is merged away, all dimensions by default."""
    stats = data.norm.adapt(dim)
    assert stats == dn.adapt(data, over=dim)
    z = data.norm.normalize(stats)
    xr.testing.assert_identical(z.compute(), stats.normalize(data).compute())
    xr.testing.assert_allclose(z.norm.inverse(stats).compute(), data.compute())


@pytest.mark.parametrize("name", ["t", None])
def test_settings_of_xarray(name: str | None) -> None:
    """A statistic, weights and a dtype go where they would go without the accessor."""
    weights = xr.DataArray([0.0, 1.0, 1.0], dims="lev")
    statistic = dn.Moments(ddof=1)
    stats = DATA.norm.adapt(name, statistic=statistic, weights=weights if name is None else None)
    assert stats.statistic == statistic
    assert DATA.norm.normalize(stats, dtype="f4")["q"].dtype == "f4"
    if name is None:
        assert float(stats.mean["q"]) == (1 + 4 + 16 + 25) / 4


@pytest.mark.parametrize("partitions", [0, pytest.param(2, marks=needs("pyarrow"))])
def test_frames(partitions: int) -> None:
    """Frames and series, of pandas and of Dask, keep statistics for each column."""
    frame = dd.from_pandas(FRAME, npartitions=partitions) if partitions else FRAME
    stats = frame.norm.adapt()
    assert stats == dn.adapt(FRAME)
    z = frame.norm.normalize(stats)
    assert type(z) is type(frame)
    back = z.norm.inverse(stats)
    back = back.compute() if partitions else back
    pd.testing.assert_frame_equal(back, FRAME, check_dtype=False)
    assert frame["a"].norm.adapt(statistic=dn.Moments(ddof=1)).variance == 13.0
    assert frame["a"].norm.normalize(frame["a"].norm.adapt()).name == "a"


def test_weights_of_frames() -> None:
    """weights= weighs rows."""
    assert FRAME.norm.adapt(weights=[1.0, 1.0, 0.0]).mean["a"] == 2.0


@needs("pyarrow")
def test_weights_of_dask_frames() -> None:
    """weights= weighs rows by another column of theirs."""
    lazy = dd.from_pandas(FRAME, npartitions=2)
    assert lazy[["a"]].norm.adapt(weights=lazy["b"]).mean["a"] == (2 + 12 + 72) / 15


def test_accessors_without_dask_frames() -> None:
    """Without pyarrow, which Dask frames need, the accessors of pandas and xarray are there."""
    code = """
import sys
sys.modules["pyarrow"] = None
import pandas as pd, xarray as xr, dasknorm.accessors
frame = pd.DataFrame({"a": [1.0, 3.0]})
assert frame.norm.adapt().mean["a"] == frame["a"].norm.adapt().mean == 2.0
assert frame.to_xarray().norm.adapt().mean["a"] == 2.0
assert "dask.dataframe" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_accessor_is_public() -> None:
    """The accessors are exported, so that documentation can name them."""
    assert set(accessors.__all__) == {"FrameNorm", "XarrayNorm"}
