"""MaxAbs: the largest absolute value against NumPy, and the division by it."""

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from support.strategies import blocks

import dasknorm as dn


@given(blocks(("f2", "f4", ">f8", "i1", "i4", "u8", "?"), least=1))
def test_reading_is_numpy_s(block: np.ndarray) -> None:
    """Of blocks of any dtype, and through Dask, it is NumPy's of absolute float64."""
    wide = np.abs(block.astype("f8"))
    with np.errstate(all="ignore"):
        has_values = np.isfinite(wide).any()
    if not has_values:
        return
    over = tuple(range(block.ndim))
    for data in (block, da.from_array(block, chunks=2)):
        assert float(dn.adapt(data, dn.MaxAbs(), over=over).max_abs) == np.nanmax(wide)


def test_between_minus_1_and_1_and_0_stays() -> None:
    """The largest becomes 1 or -1, 0 stays 0, and the way back is exact to an ulp."""
    x = np.array([[0.0, 3.0], [-8.0, 0.1], [2.0, -0.7]])
    stats = dn.adapt(x, dn.MaxAbs())
    z = stats.normalize(x)
    assert z.tolist() == (x / [8.0, 3.0]).tolist()
    np.testing.assert_allclose(stats.inverse(z), x, rtol=2.3e-16)


def test_zeros_stay_zeros_and_constants_are_1() -> None:
    """A column of zeros is divided by 1; one of a single value becomes its sign."""
    x = np.array([[0.0, -4.0, 1e300], [0.0, -4.0, 1e300]])
    assert dn.adapt(x, dn.MaxAbs()).normalize(x).tolist() == [[0, -1, 1]] * 2


def test_least_integers() -> None:
    """The least integer of a dtype, which has no positive twin, counts in full."""
    for dtype in ("i1", "i4", "i8"):
        least = np.iinfo(dtype).min
        x = np.array([least, 5], dtype)
        stats = dn.adapt(x, dn.MaxAbs())
        assert float(stats.max_abs) == -float(least)
        assert stats.normalize(x)[0] == -1


def test_missing() -> None:
    """Missing values are skipped, or, with skipna=False, make the reading NaN."""
    frame = pd.DataFrame({"a": [1.0, None, -2.0], "b": [3, 4, 5]})
    assert dn.adapt(frame, dn.MaxAbs()).max_abs.tolist() == [2, 5]
    np.testing.assert_array_equal(dn.adapt(frame, dn.MaxAbs(skipna=False)).max_abs, [np.nan, 5])
    assert dn.adapt(frame, dn.MaxAbs()).normalize(frame)["a"].isna().tolist() == [
        False,
        True,
        False,
    ]


def test_units_weights_and_groups() -> None:
    """It has the units of the data, weights of 0 leave out, and months have their own."""
    time = pd.date_range("2001", periods=4, freq="MS", name="time")
    rain = xr.DataArray([1.0, -7.0, 3.0, 50.0], {"time": time}, name="r", attrs={"units": "mm"})
    stats = dn.adapt(rain, dn.MaxAbs(), where=rain < 9)
    assert (float(stats.max_abs), stats.max_abs.attrs["units"]) == (7, "mm")
    months = dn.adapt(rain, dn.MaxAbs(), by="time.month")
    assert months.max_abs.values.tolist() == [1, 7, 3, 50]
    assert months.normalize(rain).values.tolist() == [1, -1, 1, 1]


def test_infinite_values_are_refused() -> None:
    """Infinities are no largest value; all that float64 holds is one."""
    assert float(dn.adapt(np.array([-1.5e308, 1.5e308]), dn.MaxAbs()).max_abs) == 1.5e308
    with pytest.raises(ValueError, match="infinite values"):
        dn.adapt(np.array([1.0, -np.inf]), dn.MaxAbs())


def test_other_settings_do_not_merge() -> None:
    """What skips missing values and what does not are two statistics."""
    one, other = (dn.adapt(np.ones(3), dn.MaxAbs(skipna=s)) for s in (True, False))
    with pytest.raises(dn.MismatchError, match="statistics differ"):
        one + other
