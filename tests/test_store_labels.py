"""Labels and names of every type come back from a statistics file; others are rejected."""

import datetime as dt
import decimal
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.optional import needs
from support.store_contents import SUFFIXES, check_round_trip, make_contents, make_labelled_contents

from dasknorm.fields import State
from dasknorm.io import store
from dasknorm.io.store import labels
from dasknorm.statistics import Moments

NUMBERS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"]
ZONED = pd.DatetimeIndex(["2000-03-26 00:30", "2000-10-29 00:30", "2000-10-29 01:30"], tz="UTC")

INDEXES = {
    **{dtype: pd.Index(np.array([0, 1, 100], dtype)) for dtype in NUMBERS},
    "f4 0.1": pd.Index(np.array([0.1, np.nan, -0.0, np.inf], "f4")),
    "i8 ends": pd.Index([-(2**63), 2**63 - 1]),
    "u8 end": pd.Index([2**64 - 1], dtype="u8"),
    "bool": pd.Index([True, False]),
    "range": pd.RangeIndex(2, 9, 3, name="row"),
    "empty": pd.Index([]),
    "no objects": pd.Index([], dtype=object),
    "texts": pd.Index(["", "/", "..", "a\0b", "é", "😀", "\n", " "]),
    "texts as objects": pd.Index(["a", "b", None, np.nan], dtype=object),
    "texts with gaps": pd.Index(["a", None], dtype="string"),
    "nullable integers": pd.Index([1, None, 3], dtype="Int16"),
    "nullable truths": pd.Index([True, None], dtype="boolean"),
    "nullable numbers": pd.Index([0.1, None], dtype="Float32"),
    **{f"M8[{u}]": pd.DatetimeIndex(["1700-01-01", "NaT"]).as_unit(u) for u in ("s", "ms", "ns")},
    "m8": pd.TimedeltaIndex(["1 days 00:00:00.000000001", "NaT"]),
    "m8[s]": pd.to_timedelta([1, 2], unit="s").as_unit("s"),
    "UTC": ZONED,
    "zone": ZONED.tz_convert("Europe/Berlin").rename("when"),
    "offset": ZONED.tz_convert(dt.timezone(dt.timedelta(hours=5, minutes=45))),
    "frequency": pd.date_range("2000", periods=3, freq="MS"),
    "multi": pd.MultiIndex.from_product([["a", "b"], np.array([0.1, 2], "f4")], names=["x", None]),
    "multi with gaps": pd.MultiIndex.from_tuples([("a", 1), (None, 2), ("a", None)]),
    "multi with more levels": pd.MultiIndex.from_product([["a", "b"], [1, 2]])[:1],
    "tuples": pd.Index([("a", 1), ("b", (2.5, None))], tupleize_cols=False),
    "mixed": pd.Index(["a", 1, 1.0, True, None, np.nan, pd.NaT, pd.NA, b"raw", (), ("", 0)]),
    "equal but not same": pd.Index([1, True, 1.0, np.int8(1), np.float32(1)], dtype=object),
    "NumPy scalars": pd.Index([np.float32(0.1), np.str_("a"), np.datetime64("2000", "D")]),
    "stamps": pd.Index(
        [pd.Timestamp("2000-01-01 01:00", tz="Asia/Tokyo"), pd.Timestamp(1), "x"], dtype=object
    ),
    "dates": pd.Index(
        [dt.date(2000, 1, 1), dt.datetime(2000, 1, 1), dt.timedelta(1)], dtype=object
    ),
    "spans": pd.Index([pd.Timedelta(5), pd.Period("2000-01"), pd.Interval(0, 1)], dtype=object),
    "periods": pd.period_range("2000-01", periods=3, freq="M"),
    "intervals": pd.interval_range(0.0, 3.0, closed="left"),
    "categories": pd.CategoricalIndex(["b", "a", None], ["b", "a", "c"], ordered=True),
}

CALENDARS = ["360_day", "noleap", "julian", "standard", "proleptic_gregorian"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", INDEXES)
def test_labels(tmp_path, suffix, kind):
    """Labels of each kind come back equal, of the same dtype, each in its own type."""
    check_round_trip(tmp_path / f"s{suffix}", make_labelled_contents(INDEXES[kind]))


@needs("cftime")
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("calendar", CALENDARS)
def test_dates_of_other_calendars(tmp_path, suffix, calendar):
    """Dates of every calendar come back in it."""
    dates = xr.date_range("2000-02-28", periods=3, calendar=calendar, use_cftime=True)
    check_round_trip(tmp_path / f"s{suffix}", make_labelled_contents(dates))


def test_dates_of_other_calendars_without_cftime(monkeypatch):
    """Where cftime is missing, the message says how to install it."""
    monkeypatch.setitem(sys.modules, "cftime", None)
    date = {"$cftime": ["Datetime360Day", [2000, 2, 30, 0, 0, 0, 0], {"has_year_zero": True}]}
    with pytest.raises(ImportError, match=r"need cftime: pip install 'dasknorm\[io\]'"):
        labels.decode({"kind": "cftime", "names": [None], "labels": [date]})


NAMES = ["", "/", "..", "../../etc", "a\0b", "é", "x" * 500, 1, -1, 1.5, float("nan"), True, None]
NAMES += [("a", 1), (), np.int64(3), np.str_("s"), dt.date(2000, 1, 1), "dasknorm_header", "mean"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_names(tmp_path, suffix):
    """Names of fields and of dimensions are data, never paths: all names come back."""
    (state,) = make_contents((2,))[0].values()
    dims = [name if name == name else "NaN" for name in NAMES]
    result = {
        name: State(state.data, (dim,), {dim: pd.Index([0, 1])}, statistic=Moments())
        for name, dim in zip(NAMES, dims, strict=True)
    }
    check_round_trip(tmp_path / f"s{suffix}", (result, "x", {}))
    assert [path.name for path in tmp_path.iterdir()] == [f"s{suffix}"]


class Odd:
    """An object that no file could bring back."""


REFUSED = {
    "object": (pd.Index([Odd(), "a"], dtype=object), "Odd"),
    "decimal": (pd.Index([decimal.Decimal(1)], dtype=object), "Decimal"),
    "within a tuple": (pd.Index([("a", Odd())], tupleize_cols=False), "Odd"),
    "within levels": (pd.MultiIndex.from_arrays([["a"], [decimal.Decimal(1)]]), "Decimal"),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", REFUSED)
def test_labels_refused(tmp_path, suffix, kind):
    """Labels that could not be restored are refused when written, with dimension and type."""
    index, message = REFUSED[kind]
    with pytest.raises(TypeError, match=f"'d0'.*{message}"):
        store.write(tmp_path / f"s{suffix}", *make_labelled_contents(index))
    assert not list(tmp_path.iterdir())


def test_other_things_refused(tmp_path):
    """Names and attributes that could not be restored are refused; object arrays are none."""
    path = tmp_path / "s.json"
    with pytest.raises(TypeError, match="Odd"):
        store.write(path, *make_contents(name=Odd()))
    for value in (Odd(), np.array(["a"], object), np.array([1], "g"), np.array([1j])):
        with pytest.raises(TypeError, match="attributes of None hold values of"):
            store.write(path, *make_contents(attrs={"a": value}))
    with pytest.raises(TypeError, match="dtype"):
        store.write(path, {None: State(np.zeros(2), ("x",), statistic=Moments())}, "x", {})
    with pytest.raises(ValueError, match="2 labels along 'd0', which has size 3"):
        store.write(path, *make_contents((3,), {"d0": pd.Index([1, 2])}))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "coded",
    [
        {"kind": "array", "names": [None], "labels": ["|O", [1]]},
        {"kind": "array", "names": [None], "labels": ["<U900000000", ["a"]]},
        {"kind": "zoned", "names": [None], "labels": ["<M8[ns]", [0], "dateutil//etc/passwd"]},
        pytest.param(
            {"kind": "cftime", "names": [None], "labels": [{"$cftime": ["Path", [], {}]}]},
            marks=needs("cftime"),
        ),
        {"kind": "objects", "names": [None], "labels": [{"$pickle": "x"}]},
        {"kind": "nullable", "names": [None], "labels": ["object", ["x"]]},
    ],
    ids=["objects", "wide texts", "zone as path", "any class", "any tag", "any dtype"],
)
def test_labels_that_a_file_may_not_ask_for(coded):
    """A forged file with more than labels is rejected before anything large is allocated."""
    with pytest.raises((ValueError, TypeError, AttributeError)):
        labels.decode(coded)
