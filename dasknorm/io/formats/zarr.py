"""Zarr: arrays that are put into the group of a dataset, beside what it has.

An array is a folder of its own, so that it is written whole, and none of the dataset's is touched
but the group's attributes and the list of its arrays, if it keeps one. They are written in the
dataset's own version of Zarr; where there is none yet in version 2, which all readers know.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from dasknorm.errors import StatsFileError
from dasknorm.io.formats.format_values import Arrays

__all__ = ["attrs_of", "opened", "packed"]

V2, V3 = (".zgroup", ".zattrs", ".zmetadata"), "zarr.json"

Files = dict[str, bytes]


def packed(path: Path, arrays: Arrays, attrs: Mapping[str, Any]) -> dict[str, bytes | Files]:
    """Return folders of arrays, and the files of the group that change with them."""
    if (path / V3).exists():
        return _packed_v3(path, arrays, attrs)
    if path.exists():
        _refuse_foreign(path)
    return _packed_v2(path, arrays, attrs)


def attrs_of(path: Path) -> dict[str, Any]:
    """Return the attributes of a group; none if there is no group yet."""
    if (path / V3).exists():
        return dict(_json(path / V3).get("attributes", {}))
    return _json(path / V2[1]) if (path / V2[1]).exists() else {}


def opened(path: Path) -> xr.Dataset:
    """Return a group as xarray opens it, with or without a list of its arrays."""
    try:
        import zarr  # noqa: F401
    except ImportError as error:
        raise ImportError("Zarr stores need zarr: pip install 'dasknorm[io]'") from error
    _refuse_foreign(path)
    listed = (path / V2[2]).exists() or "consolidated_metadata" in _or_none(path / V3)
    return xr.open_zarr(path, chunks=None, consolidated=listed, decode_times=False)


def _refuse_foreign(path: Path) -> None:
    if not ((path / V3).exists() or (path / V2[0]).exists()):
        raise StatsFileError(f"{path} is there, and is no Zarr group")


def _packed_v2(path: Path, arrays: Arrays, attrs: Mapping[str, Any]) -> dict[str, bytes | Files]:
    group, notes, listing = V2
    new = attrs_of(path) | dict(attrs)
    parts: dict[str, bytes | Files] = {notes: _bytes(new)}
    if not path.exists():
        parts[group] = _bytes({"zarr_format": 2})
    known: dict[str, Any] = {group: {"zarr_format": 2}}
    if (path / listing).exists():
        known = _json(path / listing)["metadata"]
    known[notes] = new
    for name, array in arrays.items():
        data = _plain(array)
        described = {
            "zarr_format": 2,
            "shape": list(data.shape),
            "chunks": [max(size, 1) for size in data.shape],
            "dtype": data.dtype.str,
            "compressor": None,
            "fill_value": None,  # 0 would make xarray read a mean of 0 as missing
            "order": "C",
            "filters": None,
        }
        dims = {"_ARRAY_DIMENSIONS": list(array.dims)}
        chunk = ".".join(["0"] * data.ndim) or "0"
        parts[name] = {".zarray": _bytes(described), ".zattrs": _bytes(dims), chunk: data.tobytes()}
        known |= {f"{name}/.zarray": described, f"{name}/.zattrs": dims}
    if (path / listing).exists() or not path.exists():
        parts[listing] = _bytes({"zarr_consolidated_format": 1, "metadata": known})
    return parts


def _packed_v3(path: Path, arrays: Arrays, attrs: Mapping[str, Any]) -> dict[str, bytes | Files]:
    group = _json(path / V3)
    group["attributes"] = group.get("attributes", {}) | dict(attrs)
    parts: dict[str, bytes | Files] = {}
    for name, array in arrays.items():
        data = np.asarray(array.values, "<f8")
        shape = [max(size, 1) for size in data.shape]
        described = {
            "zarr_format": 3,
            "node_type": "array",
            "shape": list(data.shape),
            "data_type": "float64",
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shape}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
            "fill_value": 0,
            "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
            "storage_transformers": [],
            "dimension_names": list(array.dims),
            "attributes": {},
        }
        chunk = ".".join(["c", *["0"] * data.ndim])
        parts[name] = {V3: _bytes(described), chunk: data.tobytes()}
        if listed := group.get("consolidated_metadata"):
            listed["metadata"][name] = described
    parts[V3] = _bytes(group)
    return parts


def _plain(array: xr.DataArray) -> np.ndarray:
    """Return numbers or texts as they lie in a file: little-endian, texts of one width."""
    values = array.values
    if values.dtype.kind in "OUT":
        return values.astype(str).astype("<U")
    return np.asarray(values, values.dtype.newbyteorder("<"))


def _bytes(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=4).encode()


def _json(file: Path) -> Any:
    return json.loads(file.read_text())


def _or_none(file: Path) -> Any:
    return _json(file) if file.exists() else {}
