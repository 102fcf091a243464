"""Statistics as a ``.zarr`` folder: a Zarr v3 group of plain arrays, one chunk each.

Used by io.store. Checks may become stricter only for folders that dasknorm never wrote. The group
is written and read as plain files, without the zarr library: no codec runs, and each size is
checked before a byte is read.
"""

import math
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dasknorm.errors import StatsFileError
from dasknorm.io.store import values
from dasknorm.io.store.document import Contents, Document, interpret
from dasknorm.io.store.layout import HEADER, Variable
from dasknorm.io.store.values import Json, Parsed
from dasknorm.io.zarr import META, chunk_name, describe_array

MAX_METADATA_BYTES = 64 * 2**20


def pack(document: Document) -> dict[str, bytes]:
    """Return the files of the folder by name."""
    stored = document.stored()
    described = {
        name: {**describe_array(v.data.dtype, v.data.shape), **_labels(v)}
        for name, v in stored.items()
    }
    files = {META: _dump(_group(document.attrs(), described))}
    for name, variable in stored.items():
        files[f"{name}/{META}"] = _dump(described[name])
        if variable.data.size:
            files[f"{name}/{chunk_name(variable.data.ndim)}"] = _chunk_bytes(variable.data)
    return files


def unpack(path: Path) -> Contents:
    """Return the contents of a folder."""
    group = _read_group(path)
    described = group["consolidated_metadata"]["metadata"]

    def fetch(name: str, dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> np.ndarray:
        expected = describe_array(dtype, shape)
        for metadata in (
            described[name],
            values.loads(_read(path / name / META, MAX_METADATA_BYTES)),
        ):
            if {key: metadata.get(key) for key in expected} != expected:
                raise StatsFileError(f"variable {name!r} is not as the header declares it")
        if 0 in shape:
            return np.zeros(shape, dtype)
        file = path / name / chunk_name(len(shape))
        if dtype.kind == "S":
            return _decode_strings(_read(file, os.lstat(file).st_size), dtype, shape)
        data = _read(file, math.prod(shape) * dtype.itemsize, exact=True)
        return np.frombuffer(data, dtype).reshape(shape)

    size = os.lstat(path / HEADER / chunk_name(1)).st_size
    head = fetch(HEADER, np.dtype("u1"), (size,))
    return interpret(head.tobytes(), group["attributes"].get("dasknorm_checksum"), fetch)


def is_ours(path: Path) -> bool:
    """Check whether a folder contains statistics and nothing else."""
    try:
        described = _read_group(path)["consolidated_metadata"]["metadata"]
        return set(os.listdir(path)) == {META, HEADER, *described}
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _group(attrs: dict[str, str], described: Mapping[str, Json]) -> dict[str, Json]:
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


def _labels(variable: Variable) -> dict[str, Json]:
    """Return the metadata of an array for people: dimension names and attributes."""
    dims = variable.dims[: variable.data.ndim]
    return {"dimension_names": list(dims), "attributes": dict(variable.attrs)}


def _dump(value: dict[str, Json]) -> bytes:
    return values.dumps(value).encode("ascii")


def _chunk_bytes(data: np.ndarray) -> bytes:
    """Return the only chunk of an array: its numbers, or each string after its length."""
    if data.dtype.kind != "S":
        return data.tobytes()
    texts = data.tolist()
    return _count(len(texts)) + b"".join(_count(len(text)) + text for text in texts)


def _count(number: int) -> bytes:
    return number.to_bytes(4, "little")


def _decode_strings(data: bytes, dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> np.ndarray:
    """Return strings from the bytes of their chunk, which must be as `_chunk_bytes` makes them."""
    texts, start = [], 4
    while start < len(data):
        stop = start + 4 + int.from_bytes(data[start : start + 4], "little")
        texts.append(data[start + 4 : stop])
        start = stop
    # The width of the longest string, as the declared dtype may have any width.
    array = np.array(texts, "S")
    if (array.dtype, array.shape) != (dtype, shape) or _chunk_bytes(array) != data:
        raise StatsFileError("strings are not as the header declares them")
    return array


def _read_group(path: Path) -> dict[str, Parsed]:
    if not (path / META).exists() and not (path / HEADER).exists():
        raise StatsFileError(values.FOREIGN)
    group = values.loads(_read(path / META, MAX_METADATA_BYTES))
    if type(group) is not dict or "dasknorm_checksum" not in group.get("attributes", {}):
        raise StatsFileError(values.FOREIGN)
    return group


def _read(file: Path, size: int, exact: bool = False) -> bytes:
    """Return the bytes of a regular file of at most, or exactly, `size` bytes."""
    status = os.lstat(file)
    if not stat.S_ISREG(status.st_mode):
        raise StatsFileError(f"{file.name!r} in the store is not a plain file")
    if status.st_size > size or (exact and status.st_size != size):
        raise StatsFileError(f"{file.name!r} in the store has {status.st_size} bytes, not {size}")
    return file.read_bytes()
