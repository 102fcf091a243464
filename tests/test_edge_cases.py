"""Bad inputs and edge cases, one row of a table each.

A row is its number and a few words, what is done, and what comes of it: a value, `Raises` or
`Warns`. The rows stand in files by what they touch; `CASES` is the whole table.
"""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.edge_arrays import ARRAYS
from support.edge_frames import FRAMES
from support.edge_outcomes import Case, Outcome, Raises, Warns
from support.edge_stats import STATS
from support.edge_xarray import XARRAY
from support.optional import is_installed

import dasknorm as dn

if is_installed("pyarrow"):
    from support.edge_arrow import ARROW
else:
    ARROW = {}

TABLES: list[dict[str, Case]] = [ARRAYS, FRAMES, ARROW, XARRAY, STATS]
CASES: dict[str, Case] = {name: case for table in TABLES for name, case in table.items()}


@pytest.mark.parametrize("case", CASES)
def test_edge_case(case: str) -> None:
    """What is done with a bad or borderline input gives the error or the value it should."""
    act, wanted = CASES[case]
    if isinstance(wanted, Raises):
        with pytest.raises(wanted.error, match=wanted.message) as caught:
            act()
        assert type(caught.value) is wanted.error
    elif isinstance(wanted, Warns):
        with pytest.warns(UserWarning, match=wanted.message):
            assert_same(act(), wanted.value)
    else:
        assert_same(act(), wanted)


def test_the_table_is_whole() -> None:
    """No row of the table hides another: their numbers and words are unique."""
    assert len(CASES) == sum(map(len, TABLES))


def assert_same(got: Any, wanted: Outcome) -> None:
    """Compare values of any kind, and containers by kind, names, dtypes and numbers."""
    if isinstance(wanted, pd.DataFrame):
        pd.testing.assert_frame_equal(got, wanted, rtol=1e-12)
    elif isinstance(wanted, pd.Series):
        pd.testing.assert_series_equal(got, wanted, rtol=1e-12)
    elif isinstance(wanted, (xr.Dataset, xr.DataArray)):
        xr.testing.assert_allclose(got, wanted)
        assert list(got.sizes) == list(wanted.sizes)
    elif isinstance(wanted, np.ndarray):
        assert got.dtype == wanted.dtype
        np.testing.assert_allclose(np.ma.filled(got, np.nan), wanted, rtol=1e-12, atol=1e-15)
    elif isinstance(wanted, (float, list)):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-15)
    else:
        assert got == wanted


def test_all_missing_is_said_once_and_by_name() -> None:
    """A column without a valid value is named in one warning, and normalizes to NaN."""
    frame = pd.DataFrame({"good": [1.0, 3.0], "gone": [np.nan, np.nan]})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stats = dn.adapt(frame)
    assert ["gone" in str(each.message) for each in caught] == [True]
    assert stats.count.tolist() == [2.0, 0.0]
    assert np.isnan(stats.mean["gone"])
    assert stats.normalize(frame)["gone"].isna().all()
    assert stats.normalize(frame)["good"].tolist() == [-1.0, 1.0]
