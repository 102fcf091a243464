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
    """A bad or borderline input gives the expected error or value."""
    act, expected = CASES[case]
    if isinstance(expected, Raises):
        with pytest.raises(expected.error, match=expected.message) as caught:
            act()
        assert type(caught.value) is expected.error
    elif isinstance(expected, Warns):
        with pytest.warns(UserWarning, match=expected.message):
            assert_same(act(), expected.value)
    else:
        assert_same(act(), expected)


def test_the_table_is_whole() -> None:
    """No row of the table hides another: their numbers and words are unique."""
    assert len(CASES) == sum(map(len, TABLES))


def assert_same(actual: Any, expected: Outcome) -> None:
    """Compare values of any kind, and containers by kind, names, dtypes and numbers."""
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(actual, expected, rtol=1e-12)
    elif isinstance(expected, pd.Series):
        pd.testing.assert_series_equal(actual, expected, rtol=1e-12)
    elif isinstance(expected, (xr.Dataset, xr.DataArray)):
        xr.testing.assert_allclose(actual, expected)
        assert list(actual.sizes) == list(expected.sizes)
    elif isinstance(expected, np.ndarray):
        assert actual.dtype == expected.dtype
        np.testing.assert_allclose(np.ma.filled(actual, np.nan), expected, rtol=1e-12, atol=1e-15)
    elif isinstance(expected, (float, list)):
        np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-15)
    else:
        assert actual == expected


def test_all_missing_is_said_once_and_by_name() -> None:
    """A column without a valid value is named in one warning, and normalizes to NaN."""
    frame = pd.DataFrame({"good": [1.0, 3.0], "gone": [np.nan, np.nan]})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stats = dn.adapt(frame)
    assert ["gone" in str(item.message) for item in caught] == [True]
    assert stats.count.tolist() == [2.0, 0.0]
    assert np.isnan(stats.mean["gone"])
    assert stats.normalize(frame)["gone"].isna().all()
    assert stats.normalize(frame)["good"].tolist() == [-1.0, 1.0]
