"""Convert a pandas Index of any type to JSON and back, equal and with the same dtype.

Used by io.store.coords and io.store.layout. To add a type of index, add a row to the table.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from dasknorm.io.store import values
from dasknorm.io.store.values import Json, Parsed


class Codec(NamedTuple):
    """The conversion of one type of index to JSON and back."""

    matches: Callable[[pd.Index], bool]
    encode: Callable[[pd.Index], Json]
    decode: Callable[..., pd.Index]


def encode(index: pd.Index, dim: Hashable) -> dict[str, Json]:
    """Return an index as JSON; TypeError with the dimension if it cannot be restored."""
    kind = next(kind for kind, codec in _CODECS.items() if codec.matches(index))
    try:
        names = [values.encode(name) for name in index.names]
        coded = {"kind": kind, "names": names, "labels": _CODECS[kind].encode(index)}
        is_restored = _is_same(decode(coded), index)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise TypeError(_message(index, dim, str(error))) from error
    if not is_restored:
        raise TypeError(_message(index, dim, f"labels of dtype {index.dtype}"))
    return coded


def decode(coded: Mapping[str, Parsed]) -> pd.Index:
    """Return the index that was encoded; a RangeIndex becomes an index of integers."""
    index = _CODECS[coded["kind"]].decode(*coded["labels"])
    index.names = [values.decode(name) for name in coded["names"]]
    return index


def _is_same(index: pd.Index, original: pd.Index) -> bool:
    same_dtype = index.dtype == original.dtype or isinstance(original.dtype, pd.StringDtype)
    return same_dtype and len(index) == len(original) and index.equals(original)


def _message(index: pd.Index, dim: Hashable, reason: str) -> str:
    return (
        f"the labels along {dim!r} cannot be written ({type(index).__name__}, {reason}); "
        "use numbers, strings, times, or tuples of these"
    )


# -- a pair of functions for each type -----------------------------------------------------------


def _pack_array(index: pd.Index) -> list[Json]:
    array = index.to_numpy()
    values.decode_dtype(array.dtype.str, "biufmM")
    return [array.dtype.str, values.encode_array(array)]


def _unpack_array(text: Parsed, items: Parsed) -> pd.Index:
    return pd.Index(values.decode_array(items, values.decode_dtype(text, "biufmM")))


def _pack_zoned(index: pd.Index) -> list[Json]:
    return [*_pack_array(index.tz_convert("UTC").tz_localize(None)), values.encode_zone(index.tz)]


def _unpack_zoned(text: Parsed, items: Parsed, zone: Parsed) -> pd.Index:
    index: pd.Index = _unpack_array(text, items)
    return index.tz_localize("UTC").tz_convert(values.decode_zone(zone))


def _pack_nullable(index: pd.Index) -> list[Json]:
    """Return numbers and strings, with None for missing ones."""
    name = index.dtype.name
    if name not in _NULLABLE:
        raise TypeError(f"labels of dtype {index.dtype}")
    items = [None if isna else value for value, isna in zip(index, index.isna(), strict=True)]
    return [name, [values.encode(v.item() if isinstance(v, np.generic) else v) for v in items]]


def _unpack_nullable(name: Parsed, items: Parsed) -> pd.Index:
    if name not in _NULLABLE:
        raise ValueError(f"labels of dtype {name!r}")
    return pd.Index(pd.array([values.decode(value) for value in items], dtype=name))


def _pack_levels(index: pd.Index) -> list[Json]:
    levels = [encode(level, name) for level, name in zip(index.levels, index.names, strict=True)]
    return [levels, [codes.tolist() for codes in index.codes]]


def _pack_objects(index: pd.Index) -> list[Json]:
    return [values.encode(label) for label in index]


def _unpack_objects(*coded: Parsed) -> pd.Index:
    # Filled one by one, as NumPy would convert a list of tuples to two dimensions.
    array = np.empty(len(coded), object)
    for i, label in enumerate(coded):
        array[i] = values.decode(label)
    return pd.Index(array, dtype=object, tupleize_cols=False)


_NULLABLE = {"str", "string", "boolean", "Float32", "Float64"}
_NULLABLE |= {f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}

# The first match is used, so special types come before general ones.
_CODECS = {
    "multi": Codec(
        lambda index: isinstance(index, pd.MultiIndex),
        _pack_levels,
        lambda levels, codes: pd.MultiIndex(list(map(decode, levels)), codes),
    ),
    "categories": Codec(
        lambda index: isinstance(index, pd.CategoricalIndex),
        lambda i: [encode(i.categories, i.name), i.codes.tolist(), bool(i.ordered)],
        lambda categories, codes, ordered: pd.CategoricalIndex(
            pd.Categorical.from_codes(codes, decode(categories), ordered=ordered)
        ),
    ),
    "intervals": Codec(
        lambda index: isinstance(index, pd.IntervalIndex),
        lambda i: [encode(i.left, i.name), encode(i.right, i.name), i.closed],
        lambda left, right, closed: pd.IntervalIndex.from_arrays(
            decode(left), decode(right), closed
        ),
    ),
    "periods": Codec(
        lambda index: isinstance(index, pd.PeriodIndex),
        lambda index: [index.freqstr, index.asi8.tolist()],
        lambda freq, ordinals: pd.PeriodIndex.from_ordinals(ordinals, freq=freq),
    ),
    "cftime": Codec(
        lambda index: isinstance(index, xr.CFTimeIndex),
        _pack_objects,
        lambda *coded: xr.CFTimeIndex([values.decode(label) for label in coded]),
    ),
    "zoned": Codec(lambda i: isinstance(i.dtype, pd.DatetimeTZDtype), _pack_zoned, _unpack_zoned),
    "objects": Codec(lambda i: i.dtype == object, _pack_objects, _unpack_objects),
    "array": Codec(lambda i: isinstance(i.dtype, np.dtype), _pack_array, _unpack_array),
    "nullable": Codec(lambda index: True, _pack_nullable, _unpack_nullable),
}
