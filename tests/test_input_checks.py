"""What dasknorm does with doubtful data, case by case, for the page "Input checks and errors".

The table in ``docs/input_checks.md`` is written by these cases. After an intended change, write it
again from the root of the project, and look at the difference::

    python tests/test_input_checks.py
"""

import copy
import textwrap
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.optional import needs

import dasknorm as dn

PAGE = Path(__file__).parents[1] / "docs" / "input_checks.md"
FIRST, LAST = "<!-- checks -->", "<!-- /checks -->"
FILL = 9.969209968386869e36
SHOWN_LETTERS = 110
"""The length of a message in the table."""

TIMES = pd.date_range("2001-01-01", periods=24, freq="MS")


@dataclass(frozen=True)
class Case:
    """Doubtful data, the call that meets them, and the call in which they are allowed.

    Parameters
    ----------
    kind : str
        The first column of the table.
    code : str
        A call with the names in `data`.
    outcome : type or str
        The type of the error or warning; text if the call is right as it is.
    allowed : str
        Statements, the last an expression: how to write it instead.
    value : float
        The number that `allowed` returns.
    data : dict
        The names that the code uses.
    needs : tuple of str
        The libraries that the case needs.
    """

    kind: str
    code: str
    outcome: type[Exception] | type[Warning] | str
    allowed: str
    value: float
    data: dict[str, Any]
    needs: tuple[str, ...] = ()


def _run(code: str, data: dict[str, Any]) -> Any:
    """Return the value of the last expression of some statements."""
    names = {"dn": dn, "np": np, "pd": pd, "xr": xr, **data}
    *statements, expression = code.split("; ")
    for statement in statements:
        exec(statement, names)
    return eval(expression, names)


def _copied(data: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(data)


def _temperature(values: Any, dims: Any = "time", **attrs: Any) -> xr.DataArray:
    return xr.DataArray(np.asarray(values), dims=dims, name="t", attrs={"units": "K", **attrs})


def _masked_rain() -> xr.Dataset:
    """Return rain as xarray reads it from a Zarr array of version 2 with the fill value 0."""
    rain = xr.DataArray(np.array([1.5, np.nan, np.nan, 2.5], "f4"), dims="time")
    rain.encoding = {"chunks": (2,), "dtype": np.dtype("f4"), "_FillValue": np.float32(0)}
    return xr.Dataset({"rain": rain})


def _stations(order: str) -> xr.DataArray:
    columns = {"a": 0.0, "b": 10.0, "c": 800.0}
    values = [[columns[name] + step for name in order] for step in (-1, 1)]
    return xr.DataArray(
        values, dims=("time", "station"), coords={"station_id": ("station", [*order])}
    )


def _grid(lats: list[float]) -> xr.DataArray:
    lat = np.repeat(lats, 2).reshape(len(lats), 2)
    values = np.stack([lat - 1, lat + 1])
    return xr.DataArray(values, dims=("time", "y", "x"), coords={"lat": (("y", "x"), lat)})


def _days(years: int) -> xr.DataArray:
    time = pd.date_range("2001-01-01", f"{2000 + years}-12-31")
    return xr.DataArray(np.arange(float(len(time))), dims="time", coords={"time": time})


def _cloud() -> xr.Dataset:
    quality = ("time", np.array([0, 1, 1]), {"flag_values": [0, 1], "flag_meanings": "bad good"})
    return xr.Dataset({"t": _temperature([1.0, 2.0, 3.0]), "quality": quality})


MONTHLY = _temperature(np.arange(24.0)).assign_coords(time=TIMES)
HOURLY = _temperature(np.arange(6.0)).assign_coords(
    time=pd.date_range("2001-01-01", periods=6, freq="12h")
)

CASES = [
    Case(
        "Values of 9.96921e+36: missing floats of a NetCDF variable without `_FillValue`",
        "dn.adapt(ds)",
        ValueError,
        "ds.t.attrs['_FillValue'] = 9.969209968386869e36; dn.adapt(ds).mean['t']",
        281.0,
        {"ds": xr.Dataset({"t": _temperature(np.array([280, 282, FILL], "f4"))})},
    ),
    Case(
        "The same in an array or a table",
        "dn.adapt(x)",
        ValueError,
        "dn.adapt(np.where(x < 9e36, x, np.nan)).mean",
        281.0,
        {"x": np.array([280, 282, FILL])},
    ),
    Case(
        "Values of -2147483647: missing integers of a NetCDF variable without `_FillValue`",
        "dn.adapt(da)",
        ValueError,
        "da.attrs['_FillValue'] = -2147483647; dn.adapt(da).mean",
        2.0,
        {"da": _temperature(np.array([1, 3, -2147483647], "i4"))},
    ),
    Case(
        "`_FillValue` or `missing_value` in the attributes, as with `mask_and_scale=False`",
        "dn.adapt(da)",
        "values that equal them are missing",
        "dn.adapt(da).mean",
        100.0,
        {"da": _temperature(np.array([99, 101, -9999], "i2"), _FillValue=np.int16(-9999))},
    ),
    Case(
        "Zeros that xarray masks, because the fill value of a Zarr array is 0",
        "dn.adapt(ds)",
        ValueError,
        "del ds['rain'].encoding['_FillValue']; dn.adapt(ds).mean['rain']",
        2.0,
        {"ds": _masked_rain()},
    ),
    Case(
        "Values such as 1e20 that often stand for missing values",
        "dn.adapt(x)",
        UserWarning,
        "dn.adapt(np.where(x < 1e19, x, np.nan)).mean",
        2.0,
        {"x": np.array([1, 3, 1e20])},
    ),
    Case(
        "Packed integers with `scale_factor` in the attributes",
        "dn.adapt(da)",
        UserWarning,
        "ds = xr.decode_cf(da.to_dataset()); dn.adapt(ds['t']).mean",
        280.2,
        {"da": _temperature(np.array([2801, 2803], "i2"), scale_factor=0.1)},
    ),
    Case(
        "Data in units that differ from the statistics",
        "dn.adapt(da).normalize(celsius)",
        dn.MismatchError,
        "kelvin = (celsius + 273.15).assign_attrs(units='K'); "
        "dn.adapt(da).normalize(kelvin).mean()",
        0.0,
        {
            "da": _temperature([273.15, 283.15]),
            "celsius": _temperature([0.0, 10.0]).assign_attrs(units="degC"),
        },
    ),
    Case(
        "Other spellings of the same units",
        "dn.adapt(da).normalize(da.assign_attrs(units='kelvin'))",
        "accepted, with cf-units installed",
        "dn.adapt(da).normalize(da.assign_attrs(units='kelvin')).mean()",
        0.0,
        {"da": _temperature([273.15, 283.15])},
        ("cf_units",),
    ),
    Case(
        "Data that are normalized already",
        "stats = dn.adapt(da); stats.normalize(stats.normalize(da))",
        dn.MismatchError,
        "stats = dn.adapt(da); stats.normalize(da).std()",
        1.0,
        {"da": _temperature([273.15, 283.15])},
    ),
    Case(
        "Labels of a coordinate without an index, in another order",
        "dn.adapt(da, keep='station').normalize(other)",
        "matched by label",
        "dn.adapt(da, keep='station').normalize(other).mean()",
        0.0,
        {"da": _stations("abc"), "other": _stations("cab")},
    ),
    Case(
        "A two-dimensional coordinate that differs",
        "dn.adapt(da, over='time').normalize(flipped)",
        dn.MismatchError,
        "dn.adapt(da, over='time').normalize(flipped.isel(y=[1, 0])).mean()",
        0.0,
        {"da": _grid([10.0, 50.0]), "flipped": _grid([50.0, 10.0])},
    ),
    Case(
        "Groups or cells with a single value",
        "dn.adapt(da, by='time.dayofyear')",
        UserWarning,
        "dn.adapt(da, by='time.month').count[1]",
        28.0,
        {"da": _days(1)},
    ),
    Case(
        "A given mean or variance that is NaN or infinite",
        "dn.Stats.from_values(mean=[1.0, np.nan], std=[1.0, 2.0])",
        ValueError,
        "dn.Stats.from_values(mean=[1.0, 0.0], std=[1.0, 1.0]).mean[1]",
        0.0,
        {},
    ),
    Case(
        "Positions of dimensions, in variables with other orders of dimensions",
        "dn.adapt(ds, over=0)",
        ValueError,
        "dn.adapt(ds, over='time').mean['b'].sizes['x']",
        3.0,
        {
            "ds": xr.Dataset(
                {"a": (("time", "x"), np.ones((2, 3))), "b": (("x", "time"), np.ones((3, 2)))}
            )
        },
    ),
    Case(
        "A list of one-dimensional arrays or Series",
        "dn.adapt([x, x + 2])",
        TypeError,
        "dn.adapt(np.stack([x, x + 2])).mean[0]",
        1.0,
        {"x": np.zeros(3)},
    ),
    Case(
        "A column of objects, lists or structs that holds numbers",
        "dn.adapt(df)",
        TypeError,
        "df['b'] = df['b'].astype(float); dn.adapt(df).mean['b']",
        1.5,
        {"df": pd.DataFrame({"a": [1.0, 2.0], "b": np.array([1, 2], object)})},
    ),
    Case(
        "Variables that describe others: flags, bounds, cell measures, formula terms",
        "dn.adapt(ds)",
        "they pass through unchanged",
        "dn.adapt(ds['quality']).mean",
        2 / 3,
        {"ds": _cloud()},
    ),
    Case(
        "A lag that no two steps have",
        "dn.adapt(da, lag={'time': '6h'})",
        ValueError,
        "dn.adapt(da, lag={'time': '12h'}).tendency('12h').mean",
        1.0,
        {"da": HOURLY},
    ),
    Case(
        "Duplicate dates, or NaT, along the dimension of a lag",
        "dn.adapt(da, lag={'time': 1})",
        ValueError,
        "dn.adapt(da.drop_duplicates('time'), lag={'time': 1}).tendency().mean",
        1.0,
        {"da": MONTHLY.isel(time=[0, 1, 1, 2])},
    ),
]


def _outcome(case: Case) -> str:
    """Return what the call does, as in the table; the rest of a message is left out."""
    if isinstance(case.outcome, str):
        return case.outcome
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            _run(case.code, _copied(case.data))
        except Exception as error:
            raised: list[Exception | Warning] = [error]
        else:
            raised = [w.message for w in caught if isinstance(w.message, Warning)]
    assert [type(e) for e in raised] == [case.outcome], raised
    message = textwrap.shorten(str(raised[0]), SHOWN_LETTERS, placeholder=" ...")
    return f"`{case.outcome.__name__}`: {message}"


def _table() -> str:
    """Return the table of the page."""
    rows = [
        f"| {case.kind} | {_outcome(case)} | `{case.allowed}` |".replace("\\|", "|")
        for case in CASES
    ]
    head = ["| data | result | what to write |", "|---|---|---|"]
    return "\n".join([*head, *rows])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_outcome(case: Case) -> None:
    """The call has the outcome that the table states."""
    for library in case.needs:
        pytest.importorskip(library)
    if isinstance(case.outcome, str):
        _run(case.code, _copied(case.data))  # a warning would fail the test
    else:
        assert _outcome(case)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_allowed(case: Case) -> None:
    """The advice in the table works, without a warning, and gives the right number."""
    for library in case.needs:
        pytest.importorskip(library)
    np.testing.assert_allclose(
        float(np.asarray(_run(case.allowed, _copied(case.data)))), case.value, atol=1e-12
    )


@needs("cf_units")
def test_the_page_has_this_table() -> None:
    """The table in docs/input_checks.md is up to date."""
    assert PAGE.read_text().split(FIRST)[1].split(LAST)[0].strip() == _table()


if __name__ == "__main__":
    before, rest = PAGE.read_text().split(FIRST)
    PAGE.write_text(f"{before}{FIRST}\n{_table()}\n{LAST}{rest.split(LAST)[1]}")
