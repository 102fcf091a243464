"""Statistics as a ``.nc`` file: NetCDF4, which is HDF5, with a seal behind its end.

A single flipped bit can send the HDF5 library into a loop that no signal ends. So the file ends
with a checksum of all its bytes, behind what HDF5 calls the end, and nothing is parsed that does
not fit it.
"""

import hashlib
import io
import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dasknorm.errors import StatsFileError
from dasknorm.io.store.document import Contents, Document, interpret
from dasknorm.io.store.names import HEADER
from dasknorm.io.store.variables import Variable

__all__ = ["pack", "seal", "unpack"]

_MAGIC = b"\x89HDF\r\n\x1a\n"
_SEAL = b"\ndasknorm sha256 %s\n"
_SEAL_SIZE = len(_SEAL) - 2 + 64


def pack(document: Document) -> list[memoryview | bytes]:
    """Return the bytes of the file, in two pieces."""
    h5netcdf, _ = _libraries()
    buffer = io.BytesIO()
    with h5netcdf.File(buffer, "w") as file:
        file.attrs.update(document.attrs())
        for name, variable in document.stored().items():
            _add(file, name, variable)
    return [buffer.getbuffer(), seal(buffer.getbuffer())]


def seal(data: bytes | memoryview) -> bytes:
    """Return what ends a file of these bytes."""
    return _SEAL % hashlib.sha256(data).hexdigest().encode()


def unpack(path: Path) -> Contents:
    """Return the contents of a file."""
    _, h5py = _libraries()
    with open(path, "rb") as raw:
        _check_seal(raw)
        with h5py.File(raw, "r") as file:
            return _interpreted(file, os.fstat(raw.fileno()).st_size)


def _libraries() -> tuple[Any, Any]:
    try:
        import h5netcdf
        import h5py
    except ImportError as error:
        raise ImportError(
            "a .nc file needs h5netcdf and h5py: pip install 'dasknorm[io]', or use .zarr or .json"
        ) from error
    return h5netcdf, h5py


def _add(file: Any, name: str, variable: Variable) -> None:
    """Add a variable, uncompressed; texts as NetCDF has always had them, letter by letter."""
    data = variable.data
    if data.dtype.kind == "S":
        data = data.view("S1").reshape(*data.shape, -1)
    for dim, size in zip(variable.dims, data.shape, strict=True):
        if dim not in file.dimensions:
            file.dimensions[dim] = size
    made = file.create_variable(name, variable.dims, data.dtype, data=data)
    made.attrs.update(variable.attrs)
    if variable.data.dtype.kind == "S":
        made.attrs["_Encoding"] = "utf-8"


def _interpreted(file: Any, size: int) -> Contents:
    left = size

    def fetch(name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
        nonlocal left
        texts = dtype.kind == "S"
        stored = (np.dtype("S1"), (*shape, dtype.itemsize)) if texts else (dtype, shape)
        found = _dataset(file, name)
        if (found.dtype, found.shape) != stored:
            raise StatsFileError(f"variable {name!r} is not as the header declares it")
        left -= _plain_size(found)
        if left < 0:
            raise StatsFileError(f"variable {name!r} claims more bytes than the file has")
        data: np.ndarray = found[()] if found.size else np.zeros(stored[1], stored[0])
        data = np.asarray(data)
        return np.ascontiguousarray(data).view(dtype).reshape(shape) if texts else data

    head = fetch(HEADER, np.dtype("u1"), _dataset(file, HEADER).shape)
    return interpret(head.tobytes(), file.attrs.get("dasknorm_checksum"), fetch)


def _dataset(file: Any, name: str) -> Any:
    """Return a dataset of this very file; a link could lead to any other."""
    import h5py

    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise StatsFileError(f"variable {name!r} is missing, or a link")
    found = file[name]
    if not isinstance(found, h5py.Dataset):
        raise StatsFileError(f"{name!r} is not a variable")
    return found


def _plain_size(dataset: Any) -> int:
    """Return the bytes of a dataset that lies in the file as it is; refuse any other."""
    import h5py

    if not dataset.size:
        return 0
    made = dataset.id.get_create_plist()
    plain = made.get_layout() == h5py.h5d.CONTIGUOUS and not made.get_external_count()
    size: int = dataset.id.get_storage_size()
    if not plain or made.get_nfilters() or size != dataset.size * dataset.dtype.itemsize:
        raise StatsFileError(
            f"variable {dataset.name!r} is compressed or stored elsewhere; dasknorm writes plain "
            "numbers, and reads no other"
        )
    return size


def _check_seal(raw: BinaryIO) -> None:
    """Refuse a file that is not, to the bit, as it was written."""
    rest = os.fstat(raw.fileno()).st_size - _SEAL_SIZE
    if raw.read(len(_MAGIC)) != _MAGIC:
        raise StatsFileError("not a dasknorm statistics file, nor any NetCDF4 file")
    raw.seek(max(rest, 0))
    end = raw.read()
    if not end.startswith(_SEAL[:17]):
        raise StatsFileError(
            "the seal at its end is missing: cut off, written again by another tool, or never "
            "written by dasknorm"
        )
    if end != _SEAL % _digest(raw, rest):
        raise StatsFileError("the checksum does not fit: the file was altered or is damaged")
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
