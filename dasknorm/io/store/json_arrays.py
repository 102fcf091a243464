"""Numbers as JSON: arrays of numbers or times as lists, exact to the bit."""

import json
import math
from typing import Any

import numpy as np

__all__ = ["decode", "decode_dtype", "dumps", "encode", "loads"]


def dumps(value: Any) -> str:
    """Return JSON text in ASCII; equal values, with keys in equal order, give equal text."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def loads(text: str | bytes) -> Any:
    """Return what strict JSON says; NaN and Infinity, which are no JSON, are refused."""
    return json.loads(text, parse_constant=_refuse)


def encode(array: np.ndarray) -> list[Any]:
    """Return the elements in C order: numbers and truths as JSON has them, times as integers.

    What JSON cannot say is text: ``"inf"``, ``"-inf"``, ``"nan"``, and the bits of unusual NaN.
    """
    flat = array.ravel()
    if flat.dtype.kind in "mM":
        return list(flat.astype("i8").tolist())
    values: list[Any] = flat.tolist()
    if flat.dtype.kind == "f":
        for i in np.flatnonzero(~np.isfinite(flat)).tolist():
            values[i] = _spelled(flat[i : i + 1])
    return values


def decode(values: list[Any], dtype: np.dtype[Any]) -> np.ndarray:
    """Return the array that `encode` was given, in one dimension."""
    if dtype.kind in "mM":
        return np.array(values, "i8").reshape(len(values)).view(dtype)
    if dtype.kind != "f":
        return np.array(values, dtype).reshape(len(values))
    spelled = [i for i, value in enumerate(values) if type(value) is str]
    plain = [0.0 if type(value) is str else value for value in values] if spelled else values
    result = np.array(plain, dtype).reshape(len(values))
    for i in spelled:
        result[i : i + 1] = _read(values[i], dtype)
    return result


def decode_dtype(text: str, kinds: str) -> np.dtype[Any]:
    """Return a dtype of one of these kinds; ValueError for others, objects among them."""
    dtype = np.dtype(text)
    if dtype.kind not in kinds or dtype.str != text:
        raise ValueError(f"dtype {text!r} is none of the kinds {kinds!r}")
    return dtype


def _spelled(one: np.ndarray) -> str:
    value = float(one[0])
    usual = np.array([math.nan], one.dtype)
    if not math.isnan(value) or one.tobytes() == usual.tobytes():
        return str(value)
    return f"nan:{one.view(f'u{one.dtype.itemsize}')[0]:x}"


def _read(text: str, dtype: np.dtype[Any]) -> np.ndarray:
    if text.startswith("nan:"):
        bits = np.array([int(text[4:], 16)], f"u{dtype.itemsize}")
        return bits.view(dtype.newbyteorder("="))
    if text not in ("nan", "inf", "-inf"):
        raise ValueError(f"{text!r} is not a number")
    return np.array([float(text)], dtype)


def _refuse(text: str) -> None:
    raise ValueError(f"{text} is no JSON")
