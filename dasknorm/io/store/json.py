"""Statistics as a ``.json`` file, for people and for a few features.

Used by io.store. Files that were written earlier must stay readable.
"""

import json
import math
import os
from pathlib import Path

import numpy as np

from dasknorm.errors import StatsFileError
from dasknorm.io.store import values
from dasknorm.io.store.document import Contents, Document, interpret
from dasknorm.io.store.values import Parsed

MAX_RECORDS = 1_000_000
MAX_BYTES = 256 * 2**20

_START = b'{"format":"dasknorm-stats",'


def pack(document: Document) -> list[bytes]:
    """Return the text of the file: the keys of the header, the variables and a checksum."""
    head = json.loads(document.header)
    count = max((variable.data.size for variable in document.variables.values()), default=0)
    if count > MAX_RECORDS:
        raise ValueError(_too_large(f"{count} records"))
    parts = {key: values.dumps(value) for key, value in head.items()}
    arrays = [
        f" {values.dumps(name)}:{values.dumps(values.encode_array(variable.data))}"
        for name, variable in document.variables.items()
    ]
    parts["values"] = "{\n" + ",\n".join(arrays) + "}"
    parts["checksum"] = values.dumps(document.checksum())
    text = "{" + ",\n".join(f"{values.dumps(key)}:{part}" for key, part in parts.items()) + "}\n"
    if len(text) > MAX_BYTES:
        raise ValueError(_too_large(f"{len(text)} bytes of text"))
    return [text.encode("ascii")]


def unpack(path: Path) -> Contents:
    """Return the contents of a file."""
    size = os.stat(path).st_size
    if size > MAX_BYTES:
        raise StatsFileError(f"{size} bytes, more than the {MAX_BYTES} that are read as JSON")
    content = _parse(path.read_bytes())
    arrays, checksum = content.pop("values", None), content.pop("checksum", None)

    def fetch(name: str, dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> np.ndarray:
        if len(arrays[name]) != math.prod(shape):
            raise StatsFileError(f"variable {name!r} has {len(arrays[name])} values for {shape}")
        return values.decode_array(arrays[name], dtype).reshape(shape)

    return interpret(values.dumps(content).encode("ascii"), checksum, fetch)


def _parse(text: bytes) -> dict[str, Parsed]:
    try:
        content = values.loads(text)
    except (ValueError, RecursionError) as error:
        is_ours = text.startswith(_START)
        problem = "cut off or altered" if is_ours else values.FOREIGN
        raise StatsFileError(f"{problem}: {error}") from error
    if type(content) is not dict:
        raise StatsFileError(values.FOREIGN)
    return content


def _too_large(size: str) -> str:
    return f"{size} are too large for JSON; write a .nc or .zarr file instead"
