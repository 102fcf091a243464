"""Convert arrays of numbers or times to JSON lists and back, exact to the bit.

Used by io.store. Its text is part of statistics files, so it must not change.
"""

import json
import math
from typing import Any

import numpy as np

__all__ = ["Json", "decode", "decode_dtype", "dumps", "encode", "loads"]

Json = Any
"""A value that JSON represents: None, a boolean, a number, a string, a list or a dict."""


def dumps(value: Json) -> str:
    """Return JSON text in ASCII; equal values, with keys in equal order, give equal text."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def loads(text: str | bytes) -> Json:
    """Parse strict JSON; NaN and Infinity raise ValueError."""
    return json.loads(text, parse_constant=_raise_invalid)


def encode(array: np.ndarray) -> list[Json]:
    """Return the elements in C order: numbers and booleans as in JSON, times as integers.

    Strings represent ``"inf"``, ``"-inf"``, ``"nan"``, and the bits of unusual NaN.
    """
    flat = array.ravel()
    if flat.dtype.kind in "mM":
        return list(flat.astype("i8").tolist())
    values: list[Json] = flat.tolist()
    if flat.dtype.kind == "f":
        for i in np.flatnonzero(~np.isfinite(flat)).tolist():
            values[i] = _to_string(flat[i : i + 1])
    return values


def decode(values: list[Json], dtype: np.dtype[np.generic]) -> np.ndarray:
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


def _raise_invalid(text: str) -> None:
    raise ValueError(f"{text} is not valid JSON")
