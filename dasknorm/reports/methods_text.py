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
from dasknorm.fields import State, States
from dasknorm.reports.clauses import (
    Runs,
    batches,
    lags,
    listed,
    made,
    masked,
    sources,
    spans,
    treated,
    weighted,
)
from dasknorm.statistics import Statistic

__all__ = ["described", "wrapped"]

WIDTH = 100
TOLD = 5
"""Sentences that are told; of more kinds of runs the others are counted."""

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


def described(states: States, attrs: Mapping[str, Any]) -> str:
    """Return what the statistics are of and how they were made, a sentence for each kind of run."""
    runs = [run for run in attrs.get("runs", []) if not states or _fields_of(run, states)]
    groups = _told_together(runs)
    told = [_of_runs(states, each, attrs) for each in groups[:TOLD]]
    if len(groups) > TOLD:
        told.append(f"{len(groups) - TOLD:,} more kinds of runs went into them.")
    if not told:
        told = [_without_runs(states, attrs)]
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


def _of_runs(states: States, together: list[Runs], attrs: Mapping[str, Any]) -> str:
    fields = {
        name: state for runs in together for name, state in _fields_of(runs[0], states).items()
    }
    merged = {n: dims for runs in together for n, dims in runs[0].get("merged", {}).items()}
    first = {**together[0][0], "merged": merged} if merged else together[0][0]
    here = [run for runs in together for run in runs]
    mine = set(map(id, here))
    others = any(_fields_of(run, fields) and id(run) not in mine for run in attrs["runs"])
    counts_alone = not {"weights", "lag", "given", "window"} & {*first, *attrs}
    counted = counts_alone and not others
    changes = f" of changes by {attrs['tendency']}," if "tendency" in attrs else ""
    clauses = [
        _what(fields, first, changes),
        _counted(fields) if counted else _looked_at(fields, here),
        *_tail(together[0], lags_too=not changes),
        *treated(attrs),
    ]
    return f"{_joined(clauses)}; {made(here, attrs)}."


def _tail(runs: Runs, lags_too: bool = True) -> list[str]:
    """Return what there is to say of runs but for what they are of, and what made them."""
    changes = lags(runs) if lags_too else ""
    return [spans(runs), weighted(runs), masked(runs), changes, batches(runs), sources(runs)]


def _without_runs(states: States, attrs: Mapping[str, Any]) -> str:
    what = _what(states, {})
    many = _counted(states)
    how = "as given, not learned from data" if attrs.get("given") else "of unknown origin"
    if "format" in attrs:
        how = f"as read from {listed(attrs['source'])}, in the format of {attrs['format']}"
    return f"{_joined([what, many, how])}."


def _joined(clauses: Iterable[str]) -> str:
    told = ", ".join(filter(None, clauses))
    return told[:1].upper() + told[1:]


# -- of what ------------------------------------------------------------------------------------


def _fields_of(run: Mapping[str, Any], states: States) -> States:
    """Return the states that a run has a part in; all of them if it does not say."""
    known = run.get("merged", run.get("dtypes"))
    return {name: state for name, state in states.items() if known is None or str(name) in known}


def _what(fields: States, run: Mapping[str, Any], changes: str = "") -> str:
    """Say what is remembered, and of what; of each statistic by itself."""
    if not fields:  # a checkpoint before anything is read
        return "statistics"
    apart: dict[Statistic, dict[Hashable, State]] = {}
    for name, state in fields.items():
        apart.setdefault(state.statistic, {})[name] = state
    return "; ".join(
        (statistic.description or listed(statistic.readings)) + changes + _what_of(own, run)
        for statistic, own in apart.items()
    )


def _what_of(fields: States, run: Mapping[str, Any]) -> str:
    """Say of which variables, over which dimensions, and for each of what; alike ones together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, state in fields.items():
        over = listed(_dim(dim, state) for dim in _merged(run, name, state))
        groups.setdefault((over, _each(state, run.get("by", []))), []).extend(_names(name, state))
    parts = [
        (f" of {listed(names)}" if names else "")
        + (f" over {over}" if over else "")
        + (f", for each {each}" if each else "")
        for (over, each), names in groups.items()
    ]
    return "; ".join([*parts[:1], *(part.lstrip(" ,") for part in parts[1:])])


def _merged(run: Mapping[str, Any], name: Hashable, state: State) -> list[str]:
    """Return the dimensions that were merged away, as far as the run knows."""
    if "merged" in run:
        return list(run["merged"].get(str(name), []))
    return [dim for dim in run.get("over", []) if dim not in map(str, state.dims)]


def _names(name: Hashable, state: State) -> list[str]:
    if state.has_columns:
        return [str(column) for column in state.labels["columns"]]
    return [] if name is None else [str(name)]


def _each(state: State, by: Sequence[str]) -> str:
    """Name what keeps statistics of its own: groups, and dimensions; columns are named already."""
    kept = [dim for dim in state.dims if dim not in ("columns", state.group_dim)]
    each = [f"position along axis {dim}" if isinstance(dim, int) else str(dim) for dim in kept]
    return listed([*map(_group, by if state.group_dim is not None else ()), *each])


def _group(key: str) -> str:
    dim, _, part = key.rpartition(".")
    return f"{PARTS[part]} of {dim}" if dim and part in PARTS else key


def _dim(name: str, state: State) -> str:
    if name.lstrip("-").isdigit():
        return f"axis {name}"
    return "rows" if name == "index" and state.has_columns else name


# -- of how much --------------------------------------------------------------------------------


def _counted(fields: States) -> str:
    """Say how many values were counted, which the states know, and how many were missing."""
    states = list(fields.values())
    if not states or any(is_lazy(s.data) or "count" not in s.statistic.readings for s in states):
        return ""
    with np.errstate(all="ignore"):  # whatever the records of a file hold
        count = sum(float(np.sum(s.statistic.read(s.data, "count"))) for s in states)
        missing = [_missing(s.data) for s in states]
        lost = None if None in missing else sum(filter(None, missing))
    told = f"of {count:,.15g} values in all"
    if lost is None:
        return told
    if not lost:
        return f"{told} (none missing)"
    what = f"{lost:,.15g} missing one{'' if lost == 1 else 's'}"
    return f"{told} ({what}{' skipped' if _skips(fields) else ': no mean where they are'})"


def _looked_at(fields: States, runs: Runs) -> str:
    """Say how many values there were, where states count weights, or those of other runs too."""
    known = [run["values"] for run in runs if "values" in run]
    fate = "skipped" if _skips(fields) else "leave no mean where they are"
    if len(known) < len(runs):
        return f"missing values {fate}"
    total = sum(n for each in known for name, n in each.items() if name in map(str, fields))
    return f"of {total:,} values in all (missing ones {fate})"


def _missing(records: np.ndarray) -> float | None:
    """Return how much was missing, if records tell: the first that is told, of several."""
    names = [n for n in records.dtype.names or () if n.rpartition("_")[2] == "missing"]
    return float(np.sum(records[names[0]])) if names else None


def _skips(fields: States) -> bool:
    return all(getattr(state.statistic, "skipna", True) for state in fields.values())
