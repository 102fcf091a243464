"""Record which data, settings and versions statistics were computed from (provenance).

Used by api, cli, layer, reports and sklearn. Everything is stored as JSON in statistics
files: keys may be added, but never change their meaning.
"""

import math
import sys
from collections.abc import Hashable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TypedDict, cast

from dasknorm.blocks import numpy_dtype
from dasknorm.containers.coordinate_weights import WEIGHTS, weight_names
from dasknorm.fields import Fields

try:
    __version__ = version("dasknorm")
except PackageNotFoundError:  # run from a source tree that was not installed
    __version__ = "unknown"

LIBRARIES = ("numpy", "xarray", "dask")
"""The libraries whose versions may affect the results."""

ADDED_UP = ("batches", "values")
"""The counts that are added when two similar runs become one."""


class Run(TypedDict, total=False):
    """One call of `adapt`. Files of older versions lack some keys.

    `merged` has the reduced dimensions of each variable, `over` all of them, `range` their first
    and last labels; `values` includes missing ones. `missing` has, by variable and attribute, the
    numbers that stood for missing values.
    """

    dtypes: dict[str, str]
    over: list[str]
    merged: dict[str, list[str]]
    values: dict[str, int]
    missing: dict[str, dict[str, list[float]]]
    by: list[str]
    weights: str
    where: str
    range: dict[str, list[str]]
    created: str
    versions: dict[str, str]
    source: list[str]
    lag: dict[str, list[int | str]] | str
    batches: int


class Progress(TypedDict):
    """The work of a checkpoint: `done` of `of` shards."""

    job: dict[str, object]
    done: int
    of: int


class Attrs(TypedDict, total=False):
    """The provenance of statistics.

    `given` tells that some were not computed; `source` and `format` are of files of another
    program; `tendency`, `window` and `shared` describe later changes.
    """

    dasknorm: str
    runs: list[Run]
    given: bool
    checkpoint: Progress
    source: list[str]
    format: str
    tendency: str
    window: str
    shared: list[list[str]]


def runs_of(attrs: Attrs) -> list[Run]:
    """Return the runs that went into statistics with these attributes."""
    return list(attrs.get("runs", []))


def make_attrs(
    fields: Fields,
    kept: Mapping[Hashable, tuple[Hashable, ...]],
    weights: object = None,
    where: object = None,
    **more: object,
) -> Attrs:
    """Return the provenance of one run; non-empty entries of `more` are added."""
    by = _group_names(fields)
    merged = {
        str(name): [str(dim) for dim in field.dims if dim not in kept[name]]
        for name, field in fields.items()
    }
    entries = {
        "dtypes": {str(name): str(numpy_dtype(f.data.dtype)) for name, f in fields.items()},
        "over": list(dict.fromkeys(dim for dims in merged.values() for dim in dims)),
        "merged": merged,
        "values": _values(fields),
        "missing": _missing(fields),
        "by": by,
        "weights": "" if weights is None else _weights_name(weights),
        "where": "" if where is None else _weights_name(where),
        "range": _ranges(fields, kept),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": _versions(),
        **more,
    }
    always = ("dtypes", "over", "range")
    run = cast(Run, {key: value for key, value in entries.items() if value or key in always})
    return {"dasknorm": __version__, "runs": [run]}


def merge_attrs(attrs: Sequence[Attrs]) -> Attrs:
    """Return the provenance of merged statistics: the runs of all of them, in order.

    Consecutive runs that are equal and have no range become one run with added counts. Otherwise
    a stream of updates would add a run per step.
    """
    runs: list[Run] = []
    for run in (run for one in attrs for run in runs_of(one)):
        if runs and not run.get("range") and _without_counts(run) == _without_counts(runs[-1]):
            runs[-1] = _add_counts(runs[-1], run)
        else:
            runs.append(run)
    given: Attrs = {"given": True} if any(one.get("given") for one in attrs) else {}
    return {"dasknorm": __version__, **given, "runs": runs}


def reduced_dims(attrs: Attrs, name: Hashable) -> tuple[str, ...]:
    """Return the dimensions that all runs reduced a variable over; empty if not known."""
    if {"tendency", "window", "shared"} & attrs.keys():
        return ()
    merged = [run["merged"] for run in runs_of(attrs) if "merged" in run]
    dims = {tuple(by_name[str(name)]) for by_name in merged if str(name) in by_name}
    return dims.pop() if len(dims) == 1 else ()


def common_weights(attrs: Attrs) -> list[str] | None:
    """Return the named weights of all runs, such as ``["area"]``; None if they differ."""
    texts = {run.get("weights", "") for run in runs_of(attrs)}
    names = split_weights(texts.pop()) if len(texts) == 1 else []
    return names if names and {*names} <= {*WEIGHTS} else None


def split_weights(text: str) -> list[str]:
    """Return the names of weights in a run; a name that is not of `WEIGHTS` alone."""
    names = text.split(",")
    return names if {*names} <= {*WEIGHTS} else [text]


def extend_stream(attrs: Attrs, more: int) -> Attrs:
    """Return the provenance of a stream after more batches, all in one run.

    So its size does not grow with the batches. The range and the number of values are dropped.
    """
    *earlier, last = runs_of(attrs) or [Run()]
    if not more or not last:
        return attrs.copy()
    stream = Run(**{**last, "range": {}, "batches": last.get("batches", 1) + more})
    stream.pop("values", None)
    return {**attrs, "runs": [*earlier, stream]}


def _weights_name(weights: object) -> str:
    """Return names as they are, the name of a DataArray or Series, or "given"."""
    names = weight_names(weights)
    name = ",".join(names) if names else getattr(weights, "name", None)
    return name if isinstance(name, str) and name else "given"


def _group_names(fields: Fields) -> list[str]:
    groups = [
        f.group_dim for f in fields.values() if f.group_dim is not None and f.lag_dim is None
    ][:1]
    return [str(n) for group in groups for n in (group if isinstance(group, tuple) else (group,))]


def _ranges(fields: Fields, kept: Mapping[Hashable, tuple[Hashable, ...]]) -> dict[str, list[str]]:
    """Return the first and the last label along each dimension that is reduced for any variable."""
    over = {dim: None for name, f in fields.items() for dim in f.dims if dim not in kept[name]}
    return {
        str(dim): [str(field.labels[dim][0]), str(field.labels[dim][-1])]
        for field in fields.values()
        for dim in over
        if dim in field.labels and len(field.labels[dim])
    }


def _values(fields: Fields) -> dict[str, int]:
    """Return the number of values per field, missing ones included, where Dask knows the shape."""
    counts = {str(name): math.prod(field.data.shape) for name, field in fields.items()}
    return {name: int(count) for name, count in counts.items() if not math.isnan(count)}


def _missing(fields: Fields) -> dict[str, dict[str, list[float]]]:
    """Return the numbers that stand for missing values, by variable and attribute."""
    return {
        str(name): {attribute: list(values) for attribute, values in field.missing.declared.items()}
        for name, field in fields.items()
        if field.missing is not None and field.missing.declared
    }


def _versions() -> dict[str, str]:
    """Return the versions of the libraries that are already imported."""
    loaded = {name: sys.modules[name].__version__ for name in LIBRARIES if name in sys.modules}
    return {"dasknorm": __version__, **loaded}


def _without_counts(run: Run) -> dict[str, object]:
    return {key: value for key, value in run.items() if key not in (*ADDED_UP, "created")}


def _add_counts(run: Run, other: Run) -> Run:
    """Return one run for two similar ones, with the batches and values of both."""
    total = run.copy()
    total["batches"] = run.get("batches", 1) + other.get("batches", 1)
    total.pop("values", None)
    if "values" in run and "values" in other:
        total["values"] = {n: count + other["values"][n] for n, count in run["values"].items()}
    return total
