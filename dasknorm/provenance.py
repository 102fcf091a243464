"""Provenance: where statistics come from, kept with them as plain JSON-able values."""

from collections.abc import Hashable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from dasknorm.blocks import numpy_dtype
from dasknorm.containers import Fields

__all__ = ["__version__", "merged", "of"]

try:
    __version__ = version("dasknorm")
except PackageNotFoundError:  # run from a source tree that was not installed
    __version__ = "unknown"


def of(fields: Fields, kept: Mapping[Hashable, tuple[Hashable, ...]]) -> dict[str, Any]:
    """Return what was adapted: names, dtypes, merged dimensions and the range along them."""
    over = {dim: None for name, f in fields.items() for dim in f.dims if dim not in kept[name]}
    ranges = {
        str(dim): [str(f.labels[dim][0]), str(f.labels[dim][-1])]
        for f in fields.values()
        for dim in over
        if dim in f.labels and len(f.labels[dim])
    }
    run = {
        "dtypes": {str(name): str(numpy_dtype(f.data.dtype)) for name, f in fields.items()},
        "over": [str(dim) for dim in over],
        "range": ranges,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return {"dasknorm": __version__, "runs": [run]}


def merged(attrs: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the provenance of merged statistics: all that went into them, in order."""
    return {
        "dasknorm": __version__,
        "runs": [run for each in attrs for run in each.get("runs", [])],
    }
