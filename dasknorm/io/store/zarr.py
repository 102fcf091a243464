"""Statistics as a ``.zarr`` folder: a Zarr v3 group of plain arrays, one chunk each.

So little of Zarr is needed here that it is written and read as the files it is made of: nothing
is decoded, no codec runs, and each size is known before a byte is read.
"""

import math
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np

from dasknorm.errors import StatsFileError
from dasknorm.io.store import json_arrays
from dasknorm.io.store.document import Contents, Document, interpret
from dasknorm.io.store.variables import HEADER, Variable
from dasknorm.io.zarr import META, chunk_name, describe_array

__all__ = ["is_ours", "pack", "unpack"]

MAX_META = 64 * 2**20


def pack(document: Document) -> dict[str, bytes]:
    """Return the files of the folder by name."""
    stored = document.stored()
    described = {
        name: {**describe_array(v.data.dtype, v.data.shape), **_notes(v)}
        for name, v in stored.items()
    }
    files = {META: _json(_group(document.attrs(), described))}
    for name, variable in stored.items():
        files[f"{name}/{META}"] = _json(described[name])
        if variable.data.size:
            files[f"{name}/{chunk_name(variable.data.ndim)}"] = _bytes(variable.data)
    return files


def unpack(path: Path) -> Contents:
    """Return the contents of a folder."""
    group = _group_of(path)
    described = group["consolidated_metadata"]["metadata"]

    def fetch(name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
        expected = describe_array(dtype, shape)
        for found in (described[name], json_arrays.loads(_read(path / name / META, MAX_META))):
            if {key: found.get(key) for key in expected} != expected:
                raise StatsFileError(f"variable {name!r} is not as the header declares it")
        if 0 in shape:
            return np.zeros(shape, dtype)
        file = path / name / chunk_name(len(shape))
        if dtype.kind == "S":
            return _texts(_read(file, os.lstat(file).st_size), dtype, shape)
        data = _read(file, math.prod(shape) * dtype.itemsize, exact=True)
        return np.frombuffer(data, dtype).reshape(shape)

    size = os.lstat(path / HEADER / chunk_name(1)).st_size
    head = fetch(HEADER, np.dtype("u1"), (size,))
    return interpret(head.tobytes(), group["attributes"].get("dasknorm_checksum"), fetch)


def is_ours(path: Path) -> bool:
    """Tell whether a folder holds statistics, and nothing else that could be lost with it."""
    try:
        described = _group_of(path)["consolidated_metadata"]["metadata"]
        return set(os.listdir(path)) == {META, HEADER, *described}
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _group(attrs: dict[str, str], described: dict[str, Any]) -> dict[str, Any]:
    return {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": attrs,
        "consolidated_metadata": {
            "kind": "inline",
            "must_understand": False,
            "metadata": described,
        },
    }


def _notes(variable: Variable) -> dict[str, Any]:
    """Return what else is said of an array: the names of its dimensions, and its attributes."""
    dims = variable.dims[: variable.data.ndim]
    return {"dimension_names": list(dims), "attributes": dict(variable.attrs)}


def _json(value: dict[str, Any]) -> bytes:
    return json_arrays.dumps(value).encode("ascii")


def _bytes(data: np.ndarray) -> bytes:
    """Return an array's one chunk: its numbers, or each text after its length."""
    if data.dtype.kind != "S":
        return data.tobytes()
    texts = data.tolist()
    return _count(len(texts)) + b"".join(_count(len(text)) + text for text in texts)


def _count(number: int) -> bytes:
    return number.to_bytes(4, "little")


def _texts(data: bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
    """Return texts from the bytes of their chunk, if these are just as `_bytes` would lay them."""
    texts, start = [], 4
    while start < len(data):
        stop = start + 4 + int.from_bytes(data[start : start + 4], "little")
        texts.append(data[start + 4 : stop])
        start = stop
    # No wider than the longest: the dtype may claim any width.
    array = np.array(texts, "S")
    if (array.dtype, array.shape) != (dtype, shape) or _bytes(array) != data:
        raise StatsFileError("texts are not as the header declares them")
    return array


def _group_of(path: Path) -> dict[str, Any]:
    found = json_arrays.loads(_read(path / META, MAX_META))
    if type(found) is not dict or "dasknorm_checksum" not in found.get("attributes", {}):
        raise StatsFileError("not a dasknorm statistics store")
    return found


def _read(file: Path, size: int, exact: bool = False) -> bytes:
    """Return the bytes of a plain file, no more than `size`, or just as many."""
    found = os.lstat(file)
    if not stat.S_ISREG(found.st_mode):
        raise StatsFileError(f"{file.name!r} in the store is not a plain file")
    if found.st_size > size or (exact and found.st_size != size):
        raise StatsFileError(f"{file.name!r} in the store has {found.st_size} bytes, not {size}")
    return file.read_bytes()
