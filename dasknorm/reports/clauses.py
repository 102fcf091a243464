"""Clauses: what the runs of a provenance say, in words: periods, weights, lags, files, versions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dasknorm.fields.lags import describe_lag

__all__ = [
    "Runs",
    "batches",
    "lags",
    "listed",
    "made",
    "masked",
    "sources",
    "spans",
    "treated",
    "weighted",
]

NAMED = 6
"""Names, ranges or files that are listed; of more the others are counted."""

WEIGHTS = {
    "area": "cell area",
    "coslat": "the cosine of latitude",
    "gaussian": "the weights of Gaussian quadrature",
    "given": "given weights",
}
"""What weights that have a word are."""

Runs = Sequence[Mapping[str, Any]]


def weighted(runs: Runs) -> str:
    """Say what values were weighted by, if they were."""
    weights = runs[0].get("weights")
    return f"weighted by {WEIGHTS.get(weights, weights)}" if weights else ""


def masked(runs: Runs) -> str:
    """Say where values took part, if not everywhere."""
    where = runs[0].get("where")
    mask = "a given mask" if where == "given" else f"the mask {where!r}"
    return f"only where {mask} is true" if where else ""


def treated(attrs: Mapping[str, Any]) -> list[str]:
    """Say what was done with the statistics after they were learned."""
    window, groups = attrs.get("window"), attrs.get("shared", [])
    several = [f"{listed(names)} with one standard deviation" for names in groups]
    return [f"each day with those around it ({window})" if window else "", *several]


def batches(runs: Runs) -> str:
    """Say in how many batches data came, if they did."""
    total = sum(run.get("batches", 1) for run in runs)
    return f"in {total:,} batches" if any("batches" in run for run in runs) else ""


def spans(runs: Runs) -> str:
    """Say from where to where along each dimension, for all runs that know it."""
    known: dict[str, dict[str, None]] = {}
    for run in runs:
        for dim, ends in run.get("range", {}).items():
            known.setdefault(dim, {})[_span(*ends)] = None
    return ", ".join(f"{dim} {listed(list(found))}" for dim, found in known.items())


def _span(first: str, last: str) -> str:
    """Say from where to where, without times of day where both are midnight."""
    midnight = " 00:00:00"
    if first.endswith(midnight) and last.endswith(midnight):
        first, last = first.removesuffix(midnight), last.removesuffix(midnight)
    return first if first == last else f"{first} to {last}"


def lags(runs: Runs) -> str:
    """Say of which lags the tendencies are: ``{"time": 1}``, ``{"time": ["6h", "12h"]}``."""
    found = runs[0].get("lag")
    if not found:
        return ""
    if not isinstance(found, Mapping):
        return f"with tendencies over {found}"
    steps = [
        describe_lag(lag, dim)
        for dim, each in found.items()
        for lag in (each if isinstance(each, (list, tuple)) else [each])
    ]
    return f"with tendencies over {listed(steps)}"


def sources(runs: Runs) -> str:
    """Say from which files."""
    names = dict.fromkeys(str(name) for run in runs for name in run.get("source", []))
    return f"from {listed(list(names))}" if names else ""


def made(runs: Runs, attrs: Mapping[str, Any]) -> str:
    """Say with which versions, and on which days."""
    old = {"dasknorm": attrs.get("dasknorm", "of an unknown version")}
    versions = [dict(run.get("versions", old)) for run in runs]
    own = listed(list(dict.fromkeys(each.pop("dasknorm", "?") for each in versions)))
    others = [name for each in versions for name in each]
    beside = [
        f"{name} {' and '.join(dict.fromkeys(v[name] for v in versions if name in v))}"
        for name in dict.fromkeys(others)
    ]
    days = sorted({str(run["created"])[:10] for run in runs if "created" in run})
    when = f" on {days[0]}" if len(days) == 1 else ""
    when = f" from {days[0]} to {days[-1]}" if len(days) > 1 else when
    return f"made with dasknorm {own}" + (f" ({', '.join(beside)})" if beside else "") + when


def listed(names: Iterable[str]) -> str:
    """Join names as one says them; many are counted."""
    shown = list(names)
    if len(shown) > NAMED:
        shown = [*shown[: NAMED - 1], f"{len(shown) - NAMED + 1:,} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
