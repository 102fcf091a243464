"""Sentences: how statistics were made, in words that can stand in a paper.

All is read of the statistic, the states and the provenance kept with them, so that statistics that
were merged, selected or loaded are told of as those just learned. What an older version did not
keep is left out.
"""

import textwrap
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from dasknorm.chunks import is_lazy
from dasknorm.containers import Fields
from dasknorm.fields import Field
from dasknorm.statistics import Statistic

__all__ = ["described", "wrapped"]

WIDTH = 100
NAMED = 6
"""Names, ranges or files that are listed; the others are counted."""

ABOUT_ONE_RUN = ("range", "created", "values", "batches", "source", "versions", "dtypes")
"""What may differ between runs that are told of in one sentence."""

PARTS = {
    "month": "calendar month",
    "dayofyear": "day of the year",
    "hour": "hour of the day",
    "season": "season",
    "year": "year",
    "dayofweek": "day of the week",
}
"""What a group by a part of a date, as ``time.month``, is of."""

WEIGHTS = {
    "area": "cell area",
    "coslat": "the cosine of latitude",
    "gaussian": "the weights of Gaussian quadrature",
    "given": "given weights",
}
"""What weights that have a word are."""

Runs = Sequence[Mapping[str, Any]]


def described(statistic: Statistic, states: Fields, attrs: Mapping[str, Any]) -> str:
    """Return what the statistics are of and how they were made, a sentence for each kind of run."""
    runs = [run for run in attrs.get("runs", []) if not states or _fields_of(run, states)]
    told = [_of_runs(statistic, states, each, attrs) for each in _told_together(runs)]
    if len(told) > NAMED:
        told = [*told[: NAMED - 1], f"{len(told) - NAMED + 1:,} more kinds of runs went into them."]
    if not told:
        told = [_without_runs(statistic, states, attrs)]
    elif attrs.get("given"):
        told.append("Statistics that were given, not learned from data, are merged into these.")
    done = attrs.get("checkpoint")
    if done and done["done"] < done["of"]:
        told.insert(0, f"Unfinished, {done['done']} of {done['of']} shards of the work are done.")
    return " ".join(told)


def _told_together(runs: Runs) -> list[list[Runs]]:
    """Return runs in groups: of the same variables in other years, of others in the same years."""
    alike: dict[str, list[Mapping[str, Any]]] = {}
    for run in runs:
        alike.setdefault(_kind(run, without=ABOUT_ONE_RUN), []).append(run)
    beside: dict[str, list[Runs]] = {}
    for each in alike.values():
        how = [_kind(each[0], without=(*ABOUT_ONE_RUN, "merged", "over")), *_tail(each)]
        beside.setdefault(repr(how), []).append(each)
    return list(beside.values())


def _kind(run: Mapping[str, Any], without: tuple[str, ...]) -> str:
    return repr([(key, value) for key, value in run.items() if key not in without])


def wrapped(text: str) -> str:
    """Return a text in lines of up to 100 characters."""
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _of_runs(
    statistic: Statistic, states: Fields, together: list[Runs], attrs: Mapping[str, Any]
) -> str:
    fields = {
        name: state for runs in together for name, state in _fields_of(runs[0], states).items()
    }
    merged = {n: dims for runs in together for n, dims in runs[0].get("merged", {}).items()}
    first = {**together[0][0], "merged": merged} if merged else together[0][0]
    clauses = [
        _what(statistic) + _what_of(fields, first),
        _how_many(statistic, fields, [run for runs in together for run in runs]),
        *_tail(together[0]),
    ]
    made = _made([run for runs in together for run in runs], attrs)
    return f"{_joined(clauses)}; made with {made}."


def _tail(runs: Runs) -> list[str]:
    """Return what there is to say of runs but for what they are of, and what made them."""
    weights = runs[0].get("weights", "")
    return [
        _spans(runs),
        f"weighted by {WEIGHTS.get(weights, weights)}" if weights else "",
        _lags(runs[0].get("lag")),
        _batches(runs),
        _sources(runs),
    ]


def _without_runs(statistic: Statistic, states: Fields, attrs: Mapping[str, Any]) -> str:
    what = _what(statistic) + _what_of(states, {})
    many = _how_many(statistic, states, [])
    how = "as given, not learned from data" if attrs.get("given") else "of unknown origin"
    return f"{_joined([what, many, how])}."


def _joined(clauses: Iterable[str]) -> str:
    told = ", ".join(filter(None, clauses))
    return f"{told[0].upper()}{told[1:]}"


# -- of what ------------------------------------------------------------------------------------


def _fields_of(run: Mapping[str, Any], states: Fields) -> Fields:
    """Return the states that a run has a part in; all of them if it does not say."""
    known = run.get("merged", run.get("dtypes"))
    return {name: state for name, state in states.items() if known is None or str(name) in known}


def _what(statistic: Statistic) -> str:
    """Name the readings; the spread by what its sum is divided by."""
    ddof = getattr(statistic, "ddof", None)
    kinds = {None: "", 0: "population ", 1: "sample "}
    spread = f"{kinds.get(ddof, '')}standard deviation"
    if ddof not in kinds:
        spread += f" (ddof {ddof:g})"
    readings = [name for name in statistic.readings if name not in ("count", "variance")]
    return _listed([spread if name == "std" else name for name in readings])


def _what_of(fields: Fields, run: Mapping[str, Any]) -> str:
    """Say of which variables, over which dimensions, and for each of what; alike ones together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, state in fields.items():
        over = _listed(_dim(dim, state) for dim in _merged(run, name, state))
        groups.setdefault((over, _each(state, run.get("by", []))), []).extend(_names(name, state))
    parts = [
        (f" of {_listed(names)}" if names else "")
        + (f" over {over}" if over else "")
        + (f", for each {each}" if each else "")
        for (over, each), names in groups.items()
    ]
    return "; ".join([*parts[:1], *(part.lstrip(" ,") for part in parts[1:])])


def _merged(run: Mapping[str, Any], name: Hashable, state: Field) -> list[str]:
    """Return the dimensions that were merged away, as far as the run knows."""
    if "merged" in run:
        return list(run["merged"].get(str(name), []))
    return [dim for dim in run.get("over", []) if dim not in map(str, state.dims)]


def _names(name: Hashable, state: Field) -> list[str]:
    if "columns" in state.labels:
        return [str(column) for column in state.labels["columns"]]
    return [] if name is None else [str(name)]


def _each(state: Field, by: Sequence[str]) -> str:
    """Name what keeps statistics of its own: groups, and dimensions; columns are named already."""
    kept = [dim for dim in state.dims if dim not in ("columns", state.grouped)]
    each = [f"position along axis {dim}" if isinstance(dim, int) else str(dim) for dim in kept]
    return _listed([*map(_group, by), *each])


def _group(key: str) -> str:
    dim, _, part = key.rpartition(".")
    return f"{PARTS[part]} of {dim}" if dim and part in PARTS else key


def _dim(name: str, state: Field) -> str:
    if name.lstrip("-").isdigit():
        return f"axis {name}"
    return "rows" if name == "index" and "columns" in state.labels else name


# -- of how much --------------------------------------------------------------------------------


def _how_many(statistic: Statistic, fields: Fields, runs: Runs) -> str:
    """Say how many values were counted, and what became of missing ones."""
    skipped = getattr(statistic, "skipna", True)
    if any("weights" in run for run in runs):  # what is counted is a sum of weights then
        values = [sum(run["values"].values()) for run in runs if "values" in run]
        many = f"of {sum(values):,} values in all " if len(values) == len(runs) else ""
        return many + ("(missing ones skipped)" if skipped else "(no mean where one is missing)")
    records = [state.data for state in fields.values()]
    if "count" not in statistic.readings or not records or any(map(is_lazy, records)):
        return ""
    with np.errstate(all="ignore"):  # whatever the records of a file hold
        count = sum(float(np.sum(statistic.read(data, "count"))) for data in records)
        known = "missing" in (statistic.dtype.names or ())
        lost = sum(float(np.sum(data["missing"])) for data in records) if known else None
    told = f"of {count:,.15g} values in all"
    if lost is None:
        return told
    if not lost:
        return f"{told} (none missing)"
    what = f"{lost:,.15g} missing one{'' if lost == 1 else 's'}"
    return f"{told} ({what}{' skipped' if skipped else ': no mean where they are'})"


def _batches(runs: Runs) -> str:
    total = sum(run.get("batches", 1) for run in runs)
    return f"in {total:,} batches" if any("batches" in run for run in runs) else ""


def _spans(runs: Runs) -> str:
    """Say from where to where along each dimension, for all runs that know it."""
    spans: dict[str, dict[str, None]] = {}
    for run in runs:
        for dim, ends in run.get("range", {}).items():
            spans.setdefault(dim, {})[_span(*ends)] = None
    return ", ".join(f"{dim} {_listed(list(found))}" for dim, found in spans.items())


def _span(first: str, last: str) -> str:
    """Say from where to where, without times of day where both are midnight."""
    midnight = " 00:00:00"
    if first.endswith(midnight) and last.endswith(midnight):
        first, last = first.removesuffix(midnight), last.removesuffix(midnight)
    return first if first == last else f"{first} to {last}"


def _lags(lags: Any) -> str:
    """Say of which lags the tendencies are: ``{"time": 1}``, ``{"time": ["6h", "12h"]}``."""
    if not lags:
        return ""
    if not isinstance(lags, Mapping):
        return f"with tendencies over {lags}"
    steps = [
        f"{_steps(lag)} of {dim}"
        for dim, each in lags.items()
        for lag in (each if isinstance(each, (list, tuple)) else [each])
    ]
    return f"with tendencies over {_listed(steps)}"


def _steps(lag: Any) -> str:
    return f"{lag} step{'' if lag == 1 else 's'}" if isinstance(lag, int) else str(lag)


# -- where from ---------------------------------------------------------------------------------


def _sources(runs: Runs) -> str:
    names = dict.fromkeys(str(name) for run in runs for name in run.get("source", []))
    return f"from {_listed(list(names))}" if names else ""


def _made(runs: Runs, attrs: Mapping[str, Any]) -> str:
    """Say with which versions, and on which days."""
    old = {"dasknorm": attrs.get("dasknorm", "of an unknown version")}
    versions = [dict(run.get("versions", old)) for run in runs]
    made = _listed(list(dict.fromkeys(each.pop("dasknorm", "?") for each in versions)))
    others = [name for each in versions for name in each]
    beside = [
        f"{name} {' and '.join(dict.fromkeys(v[name] for v in versions if name in v))}"
        for name in dict.fromkeys(others)
    ]
    days = sorted({str(run["created"])[:10] for run in runs if "created" in run})
    when = f" on {days[0]}" if len(days) == 1 else ""
    when = f" from {days[0]} to {days[-1]}" if len(days) > 1 else when
    return f"dasknorm {made}" + (f" ({', '.join(beside)})" if beside else "") + when


def _listed(names: Iterable[str]) -> str:
    """Join names as one says them; many are counted."""
    shown = list(names)
    if len(shown) > NAMED:
        shown = [*shown[: NAMED - 1], f"{len(shown) - NAMED + 1:,} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
