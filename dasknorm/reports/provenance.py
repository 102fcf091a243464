"""Provenance: where statistics come from, kept with them as plain JSON-able values."""

import math
import sys
from collections.abc import Hashable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from dasknorm.blocks import numpy_dtype
from dasknorm.containers.grids import KINDS
from dasknorm.fields import Fields

__all__ = ["__version__", "merged", "of", "streamed", "weighing"]

try:
    __version__ = version("dasknorm")
except PackageNotFoundError:  # run from a source tree that was not installed
    __version__ = "unknown"

LIBRARIES = ("numpy", "xarray", "dask")
"""Those whose code has a part in the numbers."""

COUNTS = ("batches", "values")
"""What is added up where runs that are alike become one."""


def of(
    fields: Fields,
    kept: Mapping[Hashable, tuple[Hashable, ...]],
    weights: Any = None,
    where: Any = None,
    **said: Any,
) -> dict[str, Any]:
    """Return what was adapted: names, dtypes, merged dimensions, values, the range along them.

    What else is said of the run, as ``source=`` or ``lag=``, is kept as it is if there is any.
    """
    by = _group_names(fields)
    merged = {
        str(name): [str(dim) for dim in field.dims if dim not in kept[name]]
        for name, field in fields.items()
    }
    run = {
        "dtypes": {str(name): str(numpy_dtype(f.data.dtype)) for name, f in fields.items()},
        "over": list(dict.fromkeys(dim for dims in merged.values() for dim in dims)),
        "merged": merged,
        "values": _values(fields),
        "by": by,
        "weights": "" if weights is None else _word(weights),
        "where": "" if where is None else _word(where),
        "range": _ranges(fields, kept),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": _versions(),
        **said,
    }
    always = ("dtypes", "over", "range")
    run = {key: value for key, value in run.items() if value or key in always}
    return {"dasknorm": __version__, "runs": [run]}


def merged(attrs: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the provenance of merged statistics: all that went into them, in order.

    Runs that follow each other, alike and with no range to tell them apart, are counted instead:
    a stream of updates would have a run for each step else.
    """
    runs: list[dict[str, Any]] = []
    for run in (run for each in attrs for run in each.get("runs", [])):
        if runs and not run.get("range") and _likeness(run) == _likeness(runs[-1]):
            runs[-1] = _counted(runs[-1], run)
        else:
            runs.append(run)
    given = {"given": True} if any(each.get("given") for each in attrs) else {}
    return {"dasknorm": __version__, **given, "runs": runs}


def weighing(attrs: Mapping[str, Any]) -> str | None:
    """Return the word that all data were weighted by, such as ``"area"``; None if by none."""
    words = {run.get("weights") for run in attrs.get("runs", [])}
    return words.pop() if len(words) == 1 and words <= {*KINDS} else None


def streamed(attrs: Mapping[str, Any], more: int) -> dict[str, Any]:
    """Return the provenance of a stream that goes on for more batches: one run for them all.

    So it does not grow with each. Where the stream goes to, and how many values it has, is lost.
    """
    *before, last = attrs.get("runs", [{}])
    if not more or not last:
        return dict(attrs)
    stream = {**last, "range": {}, "batches": last.get("batches", 1) + more}
    stream.pop("values", None)
    return {**attrs, "runs": [*before, stream]}


def _word(weights: Any) -> str:
    """Return what weights are called: a word, the name of a DataArray or Series, or "given"."""
    name = weights if isinstance(weights, str) else getattr(weights, "name", None)
    return name if isinstance(name, str) and name else "given"


def _group_names(fields: Fields) -> list[str]:
    groups = [
        f.group_dim for f in fields.values() if f.group_dim is not None and f.lag_dim is None
    ][:1]
    return [str(n) for group in groups for n in (group if isinstance(group, tuple) else (group,))]


def _ranges(fields: Fields, kept: Mapping[Hashable, tuple[Hashable, ...]]) -> dict[str, list[str]]:
    """Return the first and the last label along each dimension that is merged anywhere."""
    over = {dim: None for name, f in fields.items() for dim in f.dims if dim not in kept[name]}
    return {
        str(dim): [str(field.labels[dim][0]), str(field.labels[dim][-1])]
        for field in fields.values()
        for dim in over
        if dim in field.labels and len(field.labels[dim])
    }


def _values(fields: Fields) -> dict[str, int]:
    """Return how many values each field has, missing ones too; none where Dask does not know."""
    counts = {str(name): math.prod(field.data.shape) for name, field in fields.items()}
    return {name: int(count) for name, count in counts.items() if not math.isnan(count)}


def _versions() -> dict[str, str]:
    """Return the versions of what is loaded: nothing is imported to be asked."""
    loaded = {name: sys.modules[name].__version__ for name in LIBRARIES if name in sys.modules}
    return {"dasknorm": __version__, **loaded}


def _likeness(run: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in run.items() if key not in (*COUNTS, "created")}


def _counted(run: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return one run for two that are alike: its batches and its values are those of both."""
    both = {**run, "batches": run.get("batches", 1) + more.get("batches", 1)}
    if "values" in run and "values" in more:
        both["values"] = {n: count + more["values"][n] for n, count in run["values"].items()}
    else:
        both.pop("values", None)
    return both
