"""Provenance: where statistics come from, kept with them as plain JSON-able values."""

from collections.abc import Hashable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from dasknorm.blocks import numpy_dtype
from dasknorm.containers import Fields

__all__ = ["__version__", "merged", "of", "streamed"]

try:
    __version__ = version("dasknorm")
except PackageNotFoundError:  # run from a source tree that was not installed
    __version__ = "unknown"


def of(
    fields: Fields, kept: Mapping[Hashable, tuple[Hashable, ...]], weights: Any = None
) -> dict[str, Any]:
    """Return what was adapted: names, dtypes, merged dimensions and the range along them."""
    over = {dim: None for name, f in fields.items() for dim in f.dims if dim not in kept[name]}
    ranges = {
        str(dim): [str(f.labels[dim][0]), str(f.labels[dim][-1])]
        for f in fields.values()
        for dim in over
        if dim in f.labels and len(f.labels[dim])
    }
    groups = [f.grouped for f in fields.values() if f.grouped is not None][:1]
    by = [str(n) for g in groups for n in (g if isinstance(g, tuple) else (g,))]
    run = {
        "dtypes": {str(name): str(numpy_dtype(f.data.dtype)) for name, f in fields.items()},
        "over": [*(["rows"] if by else []), *map(str, over)],
        **({"by": by} if by else {}),
        "range": ranges,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if weights is not None:
        run["weights"] = _word(weights)
    return {"dasknorm": __version__, "runs": [run]}


def _word(weights: Any) -> str:
    """Return what weights are called: a word, the name of a DataArray or Series, or "given"."""
    name = weights if isinstance(weights, str) else getattr(weights, "name", None)
    return name if isinstance(name, str) and name else "given"


def merged(attrs: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the provenance of merged statistics: all that went into them, in order.

    Runs that follow each other, alike and with no range to tell them apart, are counted instead:
    a stream of updates would have a run for each step else.
    """
    runs: list[dict[str, Any]] = []
    for run in (run for each in attrs for run in each.get("runs", [])):
        if runs and not run["range"] and _is_like(run, runs[-1]):
            both = runs[-1].get("batches", 1) + run.get("batches", 1)
            runs[-1] = {**runs[-1], "batches": both}
        else:
            runs.append(run)
    return {"dasknorm": __version__, "runs": runs}


def _is_like(run: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    keys = ("dtypes", "over", "range", "source", "weights")
    return all(run.get(key) == other.get(key) for key in keys)


def streamed(attrs: Mapping[str, Any], batches: int) -> dict[str, Any]:
    """Return the provenance of a stream of batches, given that of the first: one for them all."""
    if batches == 1:
        return dict(attrs)
    runs = [{**run, "range": {}, "batches": batches} for run in attrs["runs"]]
    return {**attrs, "runs": runs}
