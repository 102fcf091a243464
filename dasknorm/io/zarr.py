"""Write Zarr groups as the files they consist of: plain arrays with one chunk each.

Used by io.formats.anemoi, io.formats.mllam and io.store.zarr. The bytes of new arrays may change,
except in statistics files. No codec runs, so an array needs little more than its metadata. Groups
that exist are extended in their version of Zarr; new groups have version 2, which all readers read.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from dasknorm.errors import StatsFileError

META = "zarr.json"
GROUP, ATTRS, CONSOLIDATED = ".zgroup", ".zattrs", ".zmetadata"
"""The files of a group in version 2; in version 3 there is one, `META`."""

Metadata = dict[str, Any]
Parts = dict[str, bytes | dict[str, bytes]]
"""Files, and folders of files, by name."""


def describe_array(dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> Metadata:
    """Return the metadata of an array in version 3, without dimension names and attributes."""
    is_text = dtype.kind == "S"
    numbers = {"name": "bytes", "configuration": {"endian": "little"}}
    chunks = {"chunk_shape": [max(size, 1) for size in shape]}
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": "string" if is_text else dtype.name,
        "chunk_grid": {"name": "regular", "configuration": chunks},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
        "fill_value": "" if is_text else 0,
        "codecs": [{"name": "vlen-utf8", "configuration": {}} if is_text else numbers],
        "storage_transformers": [],
    }


def chunk_name(ndim: int) -> str:
    """Return the name of the file with the only chunk of an array in version 3."""
    return ".".join(["c", *["0"] * ndim])


def attrs_of(path: Path) -> Metadata:
    """Return the attributes of a group; empty if there is no group yet."""
    if (path / META).exists():
        return dict(_read_json(path / META).get("attributes", {}))
    return _read_json(path / ATTRS) if (path / ATTRS).exists() else {}


def open_group(path: Path) -> xr.Dataset:
    """Open a group with xarray, with or without consolidated metadata."""
    try:
        import zarr  # noqa: F401
    except ImportError as error:
        raise ImportError("Zarr stores need zarr: pip install 'dasknorm[io]'") from error
    _check_is_group(path)
    meta = _read_json(path / META) if (path / META).exists() else {}
    is_consolidated = (path / CONSOLIDATED).exists() or "consolidated_metadata" in meta
    return xr.open_zarr(path, chunks=None, consolidated=is_consolidated, decode_times=False)


def extend_group(path: Path, arrays: Mapping[str, xr.DataArray], attrs: Metadata) -> Parts:
    """Return the folders of new arrays, and the files of the group that change with them."""
    if (path / META).exists():
        return _extend_v3(path, arrays, attrs)
    if path.exists():
        _check_is_group(path)
    return _extend_v2(path, arrays, attrs)


def _check_is_group(path: Path) -> None:
    if not ((path / META).exists() or (path / GROUP).exists()):
        raise StatsFileError(f"{path} exists and is not a Zarr group")


def _extend_v2(path: Path, arrays: Mapping[str, xr.DataArray], attrs: Metadata) -> Parts:
    all_attrs = attrs_of(path) | attrs
    parts: Parts = {ATTRS: _dump(all_attrs)}
    metadata: Metadata = {GROUP: {"zarr_format": 2}}
    is_consolidated = (path / CONSOLIDATED).exists()
    if is_consolidated:
        metadata = _read_json(path / CONSOLIDATED)["metadata"]
    if not path.exists():
        parts[GROUP] = _dump({"zarr_format": 2})
    metadata[ATTRS] = all_attrs
    for name, array in arrays.items():
        data = _to_plain(array)
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
        parts[name] = {".zarray": _dump(described), ATTRS: _dump(dims), chunk: data.tobytes()}
        metadata |= {f"{name}/.zarray": described, f"{name}/{ATTRS}": dims}
    if is_consolidated or not path.exists():
        parts[CONSOLIDATED] = _dump({"zarr_consolidated_format": 1, "metadata": metadata})
    return parts


def _extend_v3(path: Path, arrays: Mapping[str, xr.DataArray], attrs: Metadata) -> Parts:
    group = _read_json(path / META)
    group["attributes"] = group.get("attributes", {}) | attrs
    parts: Parts = {}
    for name, array in arrays.items():
        data = _to_plain(array)
        described = describe_array(data.dtype, data.shape)
        described |= {"dimension_names": list(array.dims), "attributes": {}}
        parts[name] = {META: _dump(described), chunk_name(data.ndim): data.tobytes()}
        if consolidated := group.get("consolidated_metadata"):
            consolidated["metadata"][name] = described
    parts[META] = _dump(group)
    return parts


def _to_plain(array: xr.DataArray) -> np.ndarray:
    """Return numbers in little-endian order, and strings with one width."""
    values = array.values
    if values.dtype.kind in "OUT":
        return values.astype(str).astype("<U")
    return np.asarray(values, values.dtype.newbyteorder("<"))


def _dump(value: Metadata) -> bytes:
    return json.dumps(value, indent=4).encode()


def _read_json(file: Path) -> Metadata:
    content: Metadata = json.loads(file.read_text())
    return content
