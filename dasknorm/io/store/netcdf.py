"""Write NetCDF4 files, and read statistics from them after verifying a checksum.

Used by io.formats.netcdf and io.store. Checks may become stricter only for files that dasknorm
never wrote. A single flipped bit can send the HDF5 library into an infinite loop. So a checksum of
all bytes is appended after the end of the HDF5 content (the seal), and files that do not match are
not parsed.
"""

import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dasknorm.errors import StatsFileError
from dasknorm.io.store.document import Contents, Document, interpret
from dasknorm.io.store.layout import HEADER, Variable
from dasknorm.io.store.values import FOREIGN

_MAGIC = b"\x89HDF\r\n\x1a\n"
_SEAL = b"\ndasknorm sha256 %s\n"
_SEAL_SIZE = len(_SEAL) - 2 + 64


def pack(document: Document) -> list[memoryview | bytes]:
    """Return the bytes of the file, in two pieces."""
    variables = {name: _in_letters(v) for name, v in document.stored().items()}
    content = pack_variables(variables, document.attrs())
    return [content, seal(content)]


def pack_variables(variables: Mapping[str, Variable], attrs: Mapping[str, str]) -> memoryview:
    """Return a NetCDF4 file with uncompressed variables; of dtype object are strings."""
    h5netcdf, h5py = _libraries()
    buffer = io.BytesIO()
    with h5netcdf.File(buffer, "w") as file:
        file.attrs.update(attrs)
        for name, variable in variables.items():
            data = variable.data
            for dim, size in zip(variable.dims, data.shape, strict=True):
                if dim not in file.dimensions:
                    file.dimensions[dim] = size
            dtype = h5py.string_dtype() if data.dtype == object else data.dtype
            created = file.create_variable(name, variable.dims, dtype, data=data)
            created.attrs.update(variable.attrs)
    return buffer.getbuffer()


def seal(data: bytes | memoryview) -> bytes:
    """Return the seal of a file with these bytes."""
    return _SEAL % hashlib.sha256(data).hexdigest().encode()


def unpack(path: Path) -> Contents:
    """Return the contents of a file."""
    _, h5py = _libraries()
    with open(path, "rb") as raw:
        _check_seal(raw)
        with h5py.File(raw, "r") as file:
            return _read_contents(file, os.fstat(raw.fileno()).st_size)


def _libraries() -> tuple[Any, Any]:
    try:
        import h5netcdf
        import h5py
    except ImportError as error:
        raise ImportError(
            "NetCDF files need h5netcdf and h5py: pip install 'dasknorm[io]'. Statistics can also "
            "be saved as .zarr or .json"
        ) from error
    return h5netcdf, h5py


def _in_letters(variable: Variable) -> Variable:
    """Return strings as single characters, the form that every NetCDF reader accepts."""
    data = variable.data
    if data.dtype.kind != "S":
        return variable
    letters = data.view("S1").reshape(*data.shape, -1)
    return Variable(variable.dims, letters, {**variable.attrs, "_Encoding": "utf-8"})


def _read_contents(file: Any, size: int) -> Contents:
    remaining = size

    def fetch(name: str, dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> np.ndarray:
        nonlocal remaining
        is_text = dtype.kind == "S"
        stored = (np.dtype("S1"), (*shape, dtype.itemsize)) if is_text else (dtype, shape)
        dataset = _dataset(file, name)
        if (dataset.dtype, dataset.shape) != stored:
            raise StatsFileError(f"variable {name!r} is not as the header declares it")
        remaining -= _plain_size(dataset)
        if remaining < 0:
            raise StatsFileError(f"variable {name!r} claims more bytes than the file has")
        data: np.ndarray = dataset[()] if dataset.size else np.zeros(stored[1], stored[0])
        data = np.asarray(data)
        return np.ascontiguousarray(data).view(dtype).reshape(shape) if is_text else data

    head = fetch(HEADER, np.dtype("u1"), _dataset(file, HEADER).shape)
    return interpret(head.tobytes(), file.attrs.get("dasknorm_checksum"), fetch)


def _dataset(file: Any, name: str) -> Any:
    """Return a dataset of this file; links could lead to other files."""
    import h5py

    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise StatsFileError(f"variable {name!r} is missing, or a link")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise StatsFileError(f"{name!r} is not a variable")
    return dataset


def _plain_size(dataset: Any) -> int:
    """Return the size of an uncompressed dataset; StatsFileError for all others."""
    import h5py

    if not dataset.size:
        return 0
    properties = dataset.id.get_create_plist()
    is_plain = (
        properties.get_layout() == h5py.h5d.CONTIGUOUS and not properties.get_external_count()
    )
    size: int = dataset.id.get_storage_size()
    if not is_plain or properties.get_nfilters() or size != dataset.size * dataset.dtype.itemsize:
        raise StatsFileError(
            f"variable {dataset.name!r} is compressed or stored in another file; statistics "
            "files contain uncompressed arrays only"
        )
    return size


def _check_seal(raw: BinaryIO) -> None:
    """Raise StatsFileError unless a file is bit for bit as it was written."""
    content_size = os.fstat(raw.fileno()).st_size - _SEAL_SIZE
    if raw.read(len(_MAGIC)) != _MAGIC:
        raise StatsFileError(FOREIGN)
    raw.seek(max(content_size, 0))
    end = raw.read()
    if not end.startswith(_SEAL[:17]):
        raise StatsFileError(
            "the seal at its end is missing: cut off, written again by another tool, or never "
            "written by dasknorm. If it holds data, were the data and the statistics swapped?"
        )
    if end != _SEAL % _digest(raw, content_size):
        raise StatsFileError("the checksum does not match: the file was altered or is damaged")
    raw.seek(0)


def _digest(raw: BinaryIO, size: int) -> bytes:
    raw.seek(0)
    digest = hashlib.sha256()
    while size > 0:
        piece = raw.read(min(size, 2**20))
        if not piece:
            break
        digest.update(piece)
        size -= len(piece)
    return digest.hexdigest().encode()
