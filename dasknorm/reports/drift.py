"""Judging: what was measured at many kept positions, as one row, and what of it is too much."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from dasknorm.fields import Field

__all__ = ["COLUMNS", "Limits", "Measures", "row"]

COLUMNS = (
    *("z_mean", "z_std", "z_min", "z_max", "beyond", "missing", "missing_before", "count"),
    *("worst", "failed"),
)


@dataclass(frozen=True)
class Limits:
    """How far other data may be from those that statistics were learned from.

    Parameters
    ----------
    shift : float
        Of the mean, in standard deviations, up or down.
    spread : float
        Of the standard deviation: as many times larger, or smaller.
    missing : float, optional
        Of the share of missing values: by how much it may rise.
    z : float, optional
        Of each single value, normalized.
    """

    shift: float = 0.5
    spread: float = 2.0
    missing: float | None = None
    z: float | None = None

    def __post_init__(self) -> None:
        for name, least in (("shift", 0.0), ("spread", 1.0), ("missing", 0.0), ("z", 0.0)):
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise ValueError(f"max_{name} must be at least {least:g}, got {value!r}")


@dataclass(frozen=True)
class Measures:
    """What is measured at each kept position of other data, as float64 arrays of one shape.

    Parameters
    ----------
    z_mean, z_std : array
        How far they have moved, and how wide they lie, in units of the spread before.
    ratio : array
        Of their spread to the one before.
    z_min, z_max, beyond : array
        Their extremes, normalized, and how far these are beyond those before.
    count, missing, count_before, missing_before : array
        Numbers of values, or sums of weights.
    is_known : array of bool
        Where there is a map that normalizes.
    """

    z_mean: np.ndarray
    z_std: np.ndarray
    ratio: np.ndarray
    z_min: np.ndarray
    z_max: np.ndarray
    beyond: np.ndarray
    count: np.ndarray
    missing: np.ndarray
    count_before: np.ndarray
    missing_before: np.ndarray
    is_known: np.ndarray

    def at(self, index: Any) -> "Measures":
        """Return those of some positions."""
        return Measures(*(getattr(self, each.name)[index] for each in fields(self)))


def row(measures: Measures, places: Field, limits: Limits) -> dict[str, Any]:
    """Return one row of many positions: the worst of any, and what is beyond the limits."""
    m = measures
    with np.errstate(all="ignore"):
        far = np.abs(np.log(m.ratio))
        severity = np.fmax(np.abs(m.z_mean) / limits.shift, far / np.log(limits.spread))
    worst = _largest(severity)
    cells = {
        "z_mean": _at(m.z_mean, _largest(np.abs(m.z_mean))),
        "z_std": _at(m.z_std, _largest(far)),
        "z_min": _at(m.z_min, _largest(-m.z_min)),
        "z_max": _at(m.z_max, _largest(m.z_max)),
        "beyond": _at(m.beyond, _largest(m.beyond)),
        "missing": _share(m.missing, m.count),
        "missing_before": _share(m.missing_before, m.count_before),
        "count": float(m.count.sum()),
        "worst": "" if worst is None else places.place(worst),
    }
    ratio = _at(m.ratio, _largest(far))
    said = [*_absent(m, places), *_moved(cells, ratio, limits), *_strange(cells, limits)]
    return {**cells, "failed": "; ".join(said)}


def _absent(m: Measures, places: Field) -> Iterator[str]:
    """Say where there is nothing to compare, on one side only."""
    is_empty = m.count == 0
    if is_empty.all():
        yield "no values"
        return
    if (lost := is_empty & m.is_known).any():
        yield f"no values{_where(lost, places)}"
    if (new := ~is_empty & ~m.is_known).any():
        yield f"values where none were before{_where(new, places)}"
    if (few := ~is_empty & m.is_known & np.isnan(m.ratio)).any():
        yield f"too few values to know their spread{_where(few, places)}"


def _moved(cells: dict[str, Any], ratio: float, limits: Limits) -> Iterator[str]:
    shift = abs(cells["z_mean"])
    if shift > limits.shift:
        yield f"shifted by {cells['z_mean']:.3g}, more than {limits.shift:g}"
    if ratio > limits.spread:
        yield f"spread {ratio:.3g} times as large, more than {limits.spread:g}"
    if ratio * limits.spread < 1:
        yield f"spread {ratio:.3g} of what it was, less than {1 / limits.spread:.3g}"


def _strange(cells: dict[str, Any], limits: Limits) -> Iterator[str]:
    """Say which single values, or how many missing ones, are too much, if there are limits."""
    if limits.z is not None:
        furthest = max(-cells["z_min"], cells["z_max"])
        if not furthest <= limits.z and cells["count"] != 0:
            said = "extremes are not known" if np.isnan(furthest) else f"z up to {furthest:.3g}"
            yield f"{said}, and may be {limits.z:g}"
    if limits.missing is not None:
        rise = cells["missing"] - cells["missing_before"]
        if not rise <= limits.missing:
            said = "not known" if np.isnan(rise) else f"{cells['missing']:.3g} of all"
            before = cells["missing_before"]
            yield f"missing values {said}, {before:.3g} before, and may rise by {limits.missing:g}"


def _largest(values: np.ndarray) -> tuple[int, ...] | None:
    """Return where the largest is; None if all are NaN."""
    if np.isnan(values).all():
        return None
    return tuple(int(i) for i in np.unravel_index(np.nanargmax(values), values.shape))


def _at(values: np.ndarray, position: tuple[int, ...] | None) -> float:
    return np.nan if position is None else float(values[position])


def _share(missing: np.ndarray, count: np.ndarray) -> float:
    both = float(missing.sum() + count.sum())
    return float(missing.sum()) / both if both else np.nan


def _where(mask: np.ndarray, places: Field) -> str:
    """Say where, the first few places by their labels; nothing where there is only one."""
    if not places.dims:
        return ""
    named = [places.place(position) for position in np.argwhere(mask)[:3].tolist()]
    more = int(mask.sum()) - len(named)
    return f" at {' and '.join(named)}{f' and {more} more' if more else ''}"
