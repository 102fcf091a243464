"""Convert values and arrays to JSON and back, with the same type and bits.

Used by io.store. To add a type, add a row to the table; text that is written now must not change.
Types of JSON are written as they are; other types as an object with one key, ``{"$tuple": [...]}``.
"""

import datetime as dt
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None
"""A value that JSON represents: None, a boolean, a number, a string, a list or a dict."""

Parsed: TypeAlias = Any
"""JSON that was read: JSON of another form raises an error where its parts are used."""


FOREIGN = "not a dasknorm statistics file; were the data and the statistics swapped?"
"""The reason to reject a file of another kind, which often holds data."""


def dumps(value: object) -> str:
    """Return JSON text in ASCII; equal values, with keys in equal order, give equal text."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def loads(text: str | bytes) -> Parsed:
    """Parse strict JSON; NaN and Infinity raise ValueError."""
    return json.loads(text, parse_constant=_raise_invalid)


def _raise_invalid(text: str) -> None:
    raise ValueError(f"{text} is not valid JSON")


class Codec(NamedTuple):
    """The conversion of one type to JSON and back."""

    tag: str
    encode: Callable[[Any], Json]
    decode: Callable[[Parsed], object]


def encode(value: Any) -> Json:
    """Return a value as JSON; TypeError for types that cannot be restored exactly."""
    kind = type(value)
    if value is None or kind in (bool, int, str) or (kind is float and math.isfinite(value)):
        return value
    if kind is list:
        return [encode(item) for item in value]
    if kind is dict and all(type(key) is str and key[:1] != "$" for key in value):
        return {key: encode(item) for key, item in value.items()}
    codec = _codec(value)
    return {codec.tag: codec.encode(value)}


def decode(coded: Parsed) -> Any:
    """Return the value that was encoded."""
    if type(coded) is list:
        return [decode(item) for item in coded]
    if type(coded) is not dict:
        return coded
    tag = next(iter(coded), "")
    if tag[:1] != "$":
        return {key: decode(item) for key, item in coded.items()}
    if tag not in _BY_TAG or len(coded) != 1:
        raise ValueError(f"unknown kind of value {tag!r}")
    return _BY_TAG[tag].decode(coded[tag])


def encode_zone(zone: dt.tzinfo | None) -> str | None:
    """Return the name of a time zone; callers must check that the name restores the zone."""
    return None if zone is None else str(zone)


def decode_zone(name: str | None) -> str | None:
    """Return the name of a time zone; ValueError for names that make pandas open a file."""
    if name is not None and ("dateutil" in name or "tzfile" in name):
        raise ValueError(f"{name!r} is not the name of a time zone")
    return name


def _codec(value: object) -> Codec:
    if type(value) in _BY_TYPE:
        return _BY_TYPE[type(value)]
    if isinstance(value, np.generic):
        return _SCALAR
    if type(value).__module__.split(".")[0] == "cftime":
        return _CFTIME
    raise TypeError(f"values of type {type(value).__module__}.{type(value).__qualname__}")


# -- NumPy ----------------------------------------------------------------------------------------


def encode_array(array: np.ndarray) -> list[Json]:
    """Return the elements in C order; times as integers, infinities and NaN as strings."""
    flat = array.ravel()
    if flat.dtype.kind in "mM":
        return list(flat.astype("i8").tolist())
    values: list[Json] = flat.tolist()
    if flat.dtype.kind == "f":
        for i in np.flatnonzero(~np.isfinite(flat)).tolist():
            values[i] = _to_string(flat[i : i + 1])
    return values


def decode_array(values: list[Parsed], dtype: np.dtype[np.generic]) -> np.ndarray:
    """Return the array that was encoded, in one dimension."""
    if dtype.kind in "mM":
        return np.array(values, "i8").reshape(len(values)).view(dtype)
    if dtype.kind != "f":
        return np.array(values, dtype).reshape(len(values))
    string_positions = [i for i, value in enumerate(values) if type(value) is str]
    plain = (
        [0.0 if type(value) is str else value for value in values] if string_positions else values
    )
    result = np.array(plain, dtype).reshape(len(values))
    for i in string_positions:
        result[i : i + 1] = _from_string(values[i], dtype)
    return result


def decode_dtype(text: str, kinds: str) -> np.dtype[np.generic]:
    """Return a dtype of one of these kinds; ValueError for all others, such as objects."""
    dtype = np.dtype(text)
    if dtype.kind not in kinds or dtype.str != text:
        raise ValueError(f"dtype {text!r} is not of the kinds {kinds!r}")
    return dtype


def _to_string(array: np.ndarray) -> str:
    value = float(array[0])
    usual_nan = np.array([math.nan], array.dtype)
    if not math.isnan(value) or array.tobytes() == usual_nan.tobytes():
        return str(value)
    return f"nan:{array.view(f'u{array.dtype.itemsize}')[0]:x}"


def _from_string(text: str, dtype: np.dtype[np.generic]) -> np.ndarray:
    if text.startswith("nan:"):
        bits = np.array([int(text[4:], 16)], f"u{dtype.itemsize}")
        return bits.view(dtype.newbyteorder("="))
    if text not in ("nan", "inf", "-inf"):
        raise ValueError(f"{text!r} is not a number")
    return np.array([float(text)], dtype)


def _pack_array(array: np.ndarray) -> list[Json]:
    shape = list(array.shape)
    if array.dtype.kind == "U":
        return ["U", shape, array.ravel().tolist()]
    if array.dtype.kind == "S":
        return ["S", shape, [text.hex() for text in array.ravel().tolist()]]
    if array.dtype.kind not in "biufmM" or array.dtype.itemsize > 8:
        raise TypeError(f"values of dtype {array.dtype}")
    return [array.dtype.str, shape, encode_array(array)]


def _unpack_array(coded: Parsed) -> np.ndarray:
    text, shape, values = coded
    if text == "U":
        # The width of the longest string, not the width that a file declares.
        return np.array(values, str).reshape(shape)
    if text == "S":
        return np.array(list(map(bytes.fromhex, values)), bytes).reshape(shape)
    return decode_array(values, decode_dtype(text, "biufmM")).reshape(shape)


def _unpack_scalar(coded: Parsed) -> Any:
    return _unpack_array(coded)[()]


# -- times ----------------------------------------------------------------------------------------


def _pack_timestamp(stamp: pd.Timestamp) -> list[Json]:
    zone = encode_zone(stamp.tz)
    moment: np.datetime64 = stamp.to_datetime64()
    if zone is not None and _unpack_timestamp([*_pack_array(np.asarray(moment)), zone]) != stamp:
        raise TypeError(f"times in the zone {stamp.tz!r}")
    return [*_pack_array(np.asarray(moment)), zone]


def _unpack_timestamp(coded: Parsed) -> pd.Timestamp:
    *moment, zone = coded
    stamp = pd.Timestamp(_unpack_scalar(moment))
    return stamp if zone is None else stamp.tz_localize("UTC").tz_convert(decode_zone(zone))


def _pack_cftime(date: Any) -> list[Json]:
    parts = [date.year, date.month, date.day, date.hour, date.minute, date.second]
    return [
        type(date).__name__,
        [*parts, date.microsecond],
        {"calendar": date.calendar, "has_year_zero": date.has_year_zero},
    ]


def _unpack_cftime(coded: Parsed) -> Any:
    name, parts, options = coded
    try:
        import cftime
    except ImportError as error:
        raise ImportError(
            "labels of another calendar need cftime: pip install 'dasknorm[io]'"
        ) from error
    kind = getattr(cftime, name)
    if not issubclass(kind, cftime.datetime):
        raise ValueError(f"{name!r} is not a date type")
    if kind is not cftime.datetime:
        options = {"has_year_zero": options["has_year_zero"]}
    return kind(*parts, **options)


def _unpack_interval(coded: Parsed) -> pd.Interval:
    left, right, closed = coded
    return pd.Interval(decode(left), decode(right), closed)


# -- the table ------------------------------------------------------------------------------------


_SCALAR = Codec("$numpy", lambda value: _pack_array(np.asarray(value)), _unpack_scalar)
_CFTIME = Codec("$cftime", _pack_cftime, _unpack_cftime)

_BY_TYPE: dict[type, Codec] = {
    float: Codec("$float", lambda value: encode_array(np.array([value]))[0],
                 lambda text: float(decode_array([text], np.dtype("f8"))[0])),
    tuple: Codec("$tuple", lambda value: [encode(item) for item in value],
                 lambda coded: tuple(decode(item) for item in coded)),
    dict: Codec("$dict", lambda value: [[encode(key), encode(item)] for key, item in value.items()],
                lambda coded: {decode(key): decode(item) for key, item in coded}),
    bytes: Codec("$bytes", bytes.hex, bytes.fromhex),
    complex: Codec("$complex", lambda value: [encode(value.real), encode(value.imag)],
                   lambda coded: complex(*map(decode, coded))),
    dt.date: Codec("$date", dt.date.isoformat, dt.date.fromisoformat),
    dt.datetime: Codec("$datetime", dt.datetime.isoformat, dt.datetime.fromisoformat),
    dt.timedelta: Codec("$timedelta", lambda value: [value.days, value.seconds, value.microseconds],
                        lambda coded: dt.timedelta(*coded)),
    np.ndarray: Codec("$array", _pack_array, _unpack_array),
    pd.Timestamp: Codec("$pandas.Timestamp", _pack_timestamp, _unpack_timestamp),
    pd.Timedelta: Codec("$pandas.Timedelta",
                        lambda value: _pack_array(np.asarray(value.to_timedelta64())),
                        lambda coded: pd.Timedelta(_unpack_scalar(coded))),
    pd.Period: Codec("$pandas.Period", lambda value: [value.ordinal, value.freqstr],
                     lambda coded: pd.Period(ordinal=coded[0], freq=coded[1])),
    pd.Interval: Codec("$pandas.Interval",
                       lambda value: [encode(value.left), encode(value.right), value.closed],
                       _unpack_interval),
    type(pd.NaT): Codec("$pandas.NaT", lambda value: None, lambda coded: pd.NaT),
    type(pd.NA): Codec("$pandas.NA", lambda value: None, lambda coded: pd.NA),
}  # fmt: skip

_BY_TAG = {codec.tag: codec for codec in [*_BY_TYPE.values(), _SCALAR, _CFTIME]}
