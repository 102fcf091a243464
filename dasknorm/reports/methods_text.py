"""Describe how statistics were made, in sentences that can be quoted in a paper.

Used by api.shards, api.stats, cli.commands and reports.html. Sentences may change. All facts come
from states and their provenance; those that an older version did not store are left out.
"""

import textwrap
from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np

from dasknorm.chunks import is_lazy
from dasknorm.fields import State, States
from dasknorm.fields.lags import describe_lag
from dasknorm.fields.missing_values import format_fill
from dasknorm.reports.provenance import Attrs, Run, runs_of, split_weights
from dasknorm.statistics import Statistic

TEXT_WIDTH = 100

MAX_SENTENCES, MAX_NAMES = 5, 6
"""Further sentences about kinds of runs, and names in a list, are counted."""

VARIES_WITHIN_KIND = (
    "range",
    "created",
    "values",
    "missing",
    "batches",
    "source",
    "versions",
    "dtypes",
)
"""The entries in which runs of the same kind may differ."""

WEIGHTS = {
    "area": "cell area",
    "coslat": "the cosine of latitude",
    "gaussian": "the weights of Gaussian quadrature",
    "days": "the days of each month",
    "given": "given weights",
}

MASKS = {"": "", "given": "a given mask"}

DATE_PARTS = {
    "month": "calendar month",
    "dayofyear": "day of the year",
    "monthday": "month and day",
    "hour": "hour of the day",
    "season": "season",
    "year": "year",
    "dayofweek": "day of the week",
}


def describe(states: States, attrs: Attrs) -> str:
    """Return a sentence for each kind of run: variables, values, conditions and versions."""
    kinds = _kinds([run for run in runs_of(attrs) if not states or _states_of(run, states)])
    sentences = [_sentence(states, kind, attrs) for kind in kinds[:MAX_SENTENCES]]
    if len(kinds) > MAX_SENTENCES:
        sentences.append(f"{len(kinds) - MAX_SENTENCES:,} more kinds of runs went into them.")
    if not sentences:
        sentences = [_sentence_without_runs(states, attrs)]
    elif attrs.get("given"):
        sentences += ["Statistics that were given, not learned from data, are merged into these."]
    if missing := _missing_values(states, runs_of(attrs)):
        sentences.append(f"{missing} were treated as missing.")
    progress = attrs.get("checkpoint")
    if progress and progress["done"] < progress["of"]:
        done = f"{progress['done']} of {progress['of']}"
        sentences = [f"Unfinished, {done} shards of the work are done.", *sentences]
    return " ".join(sentences)


def wrap(text: str) -> str:
    """Return a text in lines of up to 100 characters."""
    return textwrap.fill(text, TEXT_WIDTH, break_long_words=False, break_on_hyphens=False)


# -- sentences ------------------------------------------------------------------------------------


def _kinds(runs: Iterable[Run]) -> list[list[list[Run]]]:
    """Group runs over the same variables, and these groups by everything else that is described."""
    same_variables: dict[str, list[Run]] = {}
    for run in runs:
        same_variables.setdefault(_key(run, VARIES_WITHIN_KIND), []).append(run)
    kinds: dict[str, list[list[Run]]] = {}
    for group in same_variables.values():
        key = _key(group[0], (*VARIES_WITHIN_KIND, "merged", "over"))
        kinds.setdefault(repr([key, *_conditions(group)]), []).append(group)
    return list(kinds.values())


def _key(run: Run, ignored: tuple[str, ...]) -> str:
    return repr([(key, value) for key, value in run.items() if key not in ignored])


def _sentence(states: States, kind: list[list[Run]], attrs: Attrs) -> str:
    runs = [run for group in kind for run in group]
    fields = {name: s for group in kind for name, s in _states_of(group[0], states).items()}
    merged = {n: dims for group in kind for n, dims in group[0].get("merged", {}).items()}
    run = kind[0][0].copy()
    if merged:
        run["merged"] = merged
    ids = set(map(id, runs))
    is_alone = all(id(run) in ids or not _states_of(run, fields) for run in runs_of(attrs))
    counts_values = not {"weights", "lag", "given", "window"} & {*run, *attrs}
    changes = f" of changes by {attrs['tendency']}," if "tendency" in attrs else ""
    clauses = [
        _subject(fields, run, changes),
        _counts(fields) if counts_values and is_alone else _sizes(fields, runs),
        *_conditions(kind[0], with_lags=not changes),
        f"each day with those around it ({attrs['window']})" if attrs.get("window") else "",
        *(f"{_join_names(names)} with one standard deviation" for names in attrs.get("shared", [])),
    ]
    return f"{_join_clauses(clauses)}; {_versions(runs, attrs)}."


def _sentence_without_runs(states: States, attrs: Attrs) -> str:
    origin = "as given, not learned from data" if attrs.get("given") else "of unknown origin"
    if "format" in attrs:
        files = _join_names(attrs["source"])
        origin = f"as read from {files}, in the format of {attrs['format']}"
    return f"{_join_clauses([_subject(states, Run()), _counts(states), origin])}."


def _join_clauses(clauses: Iterable[str]) -> str:
    text = ", ".join(filter(None, clauses))
    return text[:1].upper() + text[1:]


def _join_names(names: Iterable[str]) -> str:
    """Join names by commas and "and"; those after the first few are counted."""
    shown = list(names)
    if len(shown) > MAX_NAMES:
        shown = [*shown[: MAX_NAMES - 1], f"{len(shown) - MAX_NAMES + 1:,} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


# -- clauses: statistics and variables ------------------------------------------------------------


def _states_of(run: Run, states: States) -> States:
    """Return the states that a run contributed to; all states if it does not list them."""
    names = run.get("merged", run.get("dtypes"))
    return {name: state for name, state in states.items() if names is None or str(name) in names}


def _subject(fields: States, run: Run, changes: str = "") -> str:
    """Name the statistics, their variables and dimensions, statistic by statistic."""
    by_statistic: dict[Statistic, dict[Hashable, State]] = {}
    for name, state in fields.items():
        by_statistic.setdefault(state.statistic, {})[name] = state
    subjects = [
        f"{statistic.description or _join_names(statistic.result_names)}{changes}"
        f"{_variables(states, run)}"
        for statistic, states in by_statistic.items()
    ]
    return "; ".join(subjects) or "statistics"  # without fields before anything is read


def _variables(fields: States, run: Run) -> str:
    """Name the variables and their reduced and kept dimensions; equal dimensions only once."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, state in fields.items():
        over = _join_names(_dim(dim, state) for dim in _reduced_dims(run, name, state))
        kept = _kept_dims(state, run.get("by", []))
        groups.setdefault((over, kept), []).extend(_names(name, state))
    parts = [
        (f" of {_join_names(names)}" if names else "")
        + (f" over {over}" if over else "")
        + (f", for each {kept}" if kept else "")
        for (over, kept), names in groups.items()
    ]
    return "; ".join([*parts[:1], *(part.lstrip(" ,") for part in parts[1:])])


def _reduced_dims(run: Run, name: Hashable, state: State) -> list[str]:
    if "merged" in run:
        return list(run["merged"].get(str(name), []))
    return [dim for dim in run.get("over", []) if dim not in map(str, state.dims)]


def _names(name: Hashable, state: State) -> list[str]:
    names = state.labels["columns"] if state.has_columns else [] if name is None else [name]
    return list(map(str, names))


def _kept_dims(state: State, by: Sequence[str]) -> str:
    """Name groups and kept dimensions; columns are named as variables."""
    kept = [dim for dim in state.dims if dim not in ("columns", state.group_dim)]
    dims = [f"position along axis {dim}" if isinstance(dim, int) else str(dim) for dim in kept]
    return _join_names([*map(_group_key, by if state.group_dim is not None else ()), *dims])


def _group_key(key: str) -> str:
    dim, _, part = key.rpartition(".")
    return f"{DATE_PARTS[part]} of {dim}" if dim and part in DATE_PARTS else key


def _dim(name: str, state: State) -> str:
    if name.lstrip("-").isdigit():
        return f"axis {name}"
    return "rows" if name == "index" and state.has_columns else name


# -- clauses: number of values --------------------------------------------------------------------


def _counts(fields: States) -> str:
    """Return how many values the states have counted, and how many were missing."""
    states = list(fields.values())
    if not states or any(
        is_lazy(s.data) or "count" not in s.statistic.result_names for s in states
    ):
        return ""
    with np.errstate(all="ignore"):  # the records of a file may contain any numbers
        count = sum(float(np.sum(s.statistic.result(s.data, "count"))) for s in states)
        counts_missing = [_missing(s.data) for s in states]
        missing = None if None in counts_missing else sum(filter(None, counts_missing))
    total = f"of {count:,.15g} value{'' if count == 1 else 's'} in all"
    if missing is None:
        return total
    if not missing:
        return f"{total} (none missing)"
    treatment = " skipped" if _skips_missing(fields) else ": no mean where they are"
    return f"{total} ({missing:,.15g} missing one{'' if missing == 1 else 's'}{treatment})"


def _sizes(fields: States, runs: Sequence[Run]) -> str:
    """Return how many values the runs have read, where the states count weights or other runs."""
    sizes = [run["values"] for run in runs if "values" in run]
    treatment = "skipped" if _skips_missing(fields) else "leave no mean where they are"
    if len(sizes) < len(runs):
        return f"missing values {treatment}"
    total = sum(n for by_name in sizes for name, n in by_name.items() if name in map(str, fields))
    return f"of {total:,} value{'' if total == 1 else 's'} in all (missing ones {treatment})"


def _missing(records: np.ndarray) -> float | None:
    """Return the number of missing values, if the records have it: the first of several."""
    names = [n for n in records.dtype.names or () if n.rpartition("_")[2] == "missing"]
    return float(np.sum(records[names[0]])) if names else None


def _skips_missing(fields: States) -> bool:
    return all(getattr(state.statistic, "skipna", True) for state in fields.values())


def _missing_values(states: States, runs: Sequence[Run]) -> str:
    """Return the numbers that attributes of the data declare as missing, with the variables."""
    names: dict[tuple[str, str], dict[str, None]] = {}
    for run in runs:
        for name, declared in run.get("missing", {}).items():
            if states and name not in map(str, states):
                continue
            for attribute, values in declared.items():
                key = _join_names(map(format_fill, values)), attribute
                names.setdefault(key, {})[name] = None
    parts = [
        f"{values}{_in_variables(variables)} (attribute {attribute})"
        for (values, attribute), variables in names.items()
    ]
    return f"Values of {_join_names(parts)}" if parts else ""


def _in_variables(names: Iterable[str]) -> str:
    named = [name for name in names if name != "None"]
    return f" in {_join_names(named)}" if named else ""


# -- clauses: conditions and versions -------------------------------------------------------------


def _conditions(runs: Sequence[Run], with_lags: bool = True) -> list[str]:
    """Return the conditions that are the same for all runs, and their ranges and files."""
    weights, mask = runs[0].get("weights", ""), runs[0].get("where", "")
    has_batches = any("batches" in run for run in runs)
    facts: dict[str, object] = {
        "{}": _ranges(runs),
        "weighted by {}": _join_names(WEIGHTS.get(n, n) for n in split_weights(weights)),
        "only where {} is true": MASKS.get(mask, f"the mask {mask!r}"),
        "with tendencies over {}": _lags(runs[0].get("lag", "")) if with_lags else "",
        "in {:,} batches": sum(run.get("batches", 1) for run in runs) if has_batches else 0,
        "from {}": _join_names(dict.fromkeys(n for run in runs for n in run.get("source", []))),
    }
    return [template.format(fact) for template, fact in facts.items() if fact]


def _ranges(runs: Sequence[Run]) -> str:
    """Return the first and last label along each dimension, for all runs."""
    by_dim: dict[str, dict[str, None]] = {}
    for run in runs:
        for dim, ends in run.get("range", {}).items():
            by_dim.setdefault(dim, {})[_range(*ends)] = None
    return ", ".join(f"{dim} {_join_names(ranges)}" for dim, ranges in by_dim.items())


def _range(first: str, last: str) -> str:
    """Return a range, without times of day if both are midnight."""
    midnight = " 00:00:00"
    if first.endswith(midnight) and last.endswith(midnight):
        first, last = first.removesuffix(midnight), last.removesuffix(midnight)
    return first if first == last else f"{first} to {last}"


def _lags(lags: object) -> str:
    """Return lags in words, from ``{"time": 1}`` or ``{"time": ["6h", "12h"]}``."""
    if not isinstance(lags, Mapping):
        return str(lags)
    return _join_names(
        describe_lag(lag, dim)
        for dim, steps in lags.items()
        for lag in (steps if isinstance(steps, (list, tuple)) else [steps])
    )


def _versions(runs: Sequence[Run], attrs: Attrs) -> str:
    """Return the versions and days of all runs."""
    old = {"dasknorm": attrs.get("dasknorm", "of an unknown version")}
    versions = [dict(run.get("versions", old)) for run in runs]
    ours = _join_names(dict.fromkeys(version.pop("dasknorm", "?") for version in versions))
    libraries = dict.fromkeys(name for version in versions for name in version)
    others = ", ".join(
        f"{name} {' and '.join(dict.fromkeys(v[name] for v in versions if name in v))}"
        for name in libraries
    )
    days = sorted({run["created"][:10] for run in runs if "created" in run})
    dates = f" from {days[0]} to {days[-1]}" if len(days) > 1 else "".join(f" on {d}" for d in days)
    return f"made with dasknorm {ours}{f' ({others})' if others else ''}{dates}"
