"""`Check`: the result of comparing new data with statistics, and the limits that decide it.

Used by api.check and api.stats. Messages may change; columns and limits are documented
in `Stats.check`. `summarize` reduces the measures at many positions to one row of the table.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import pandas as pd

from dasknorm.fields import Field

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Index = tuple[int | slice, ...]


class Row(TypedDict):
    """A row of the table of a check; `Stats.check` documents the columns."""

    z_mean: float
    z_std: float
    z_min: float
    z_max: float
    out_of_range: float
    missing: float
    missing_before: float
    count: float
    worst: str
    failed: str


COLUMNS = tuple(Row.__annotations__)


@dataclass(frozen=True)
class Limits:
    """The largest allowed differences between new data and statistics.

    Parameters
    ----------
    shift : float
        Shift of the mean, in standard deviations, up or down.
    std_ratio : float
        Ratio of the standard deviations, larger or smaller.
    missing : float, optional
        Rise of the fraction of missing values.
    z : float, optional
        Absolute value of any normalized value.
    """

    shift: float = 0.5
    std_ratio: float = 2.0
    missing: float | None = None
    z: float | None = None

    def __post_init__(self) -> None:
        for name, least in (("shift", 0.0), ("std_ratio", 1.0), ("missing", 0.0), ("z", 0.0)):
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise ValueError(f"max_{name} must be at least {least:g}, got {value!r}")


@dataclass(frozen=True)
class Measures:
    """Measures of new data, normalized, at each output element, as float64 arrays of one shape.

    `ratio` is that of the standard deviations; counts may be sums of weights; `is_known` is True
    where the statistics can normalize.
    """

    z_mean: np.ndarray
    z_std: np.ndarray
    ratio: np.ndarray
    z_min: np.ndarray
    z_max: np.ndarray
    out_of_range: np.ndarray
    count: np.ndarray
    missing: np.ndarray
    count_before: np.ndarray
    missing_before: np.ndarray
    is_known: np.ndarray

    def at(self, index: Index) -> "Measures":
        """Return the measures at some positions."""
        return Measures(*(getattr(self, measure.name)[index] for measure in fields(self)))


@dataclass(frozen=True, eq=False, repr=False)
class Check:
    """The result of `Stats.check`.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per variable or column; `Stats.check` documents the columns.
    limits : Limits
        The limits that decide which rows fail.

    Examples
    --------
    >>> import dasknorm as dn
    >>> import numpy as np
    >>> import pandas as pd
    >>> before = pd.DataFrame({"speed": [0.0, 2.0], "height": [1.0, 3.0]})
    >>> after = pd.DataFrame({"speed": [5.0, 7.0], "height": [1.0, 3.0]})
    >>> result = dn.adapt(before).check(after)
    >>> result.passed, result.failures
    (False, {'speed': 'shifted by 5, more than 0.5'})
    >>> result.table[["z_mean", "z_std"]]
              z_mean  z_std
    variable
    speed        5.0    1.0
    height       0.0    1.0
    """

    table: pd.DataFrame
    limits: Limits

    @property
    def passed(self) -> bool:
        """Whether no row exceeds a limit."""
        return not self.failures

    @property
    def failures(self) -> dict[Hashable, str]:
        """The reasons for failing, by variable or column."""
        reasons = self.table["failed"]
        return dict(reasons[reasons != ""])

    @property
    def verdict(self) -> str:
        """The number of variables or columns that fail, as text."""
        total, failing = len(self.table), len(self.failures)
        return f"passed: all {total}" if self.passed else f"failed: {failing} of {total}"

    def __repr__(self) -> str:
        shown = self.table.to_string(float_format="{:.4g}".format)
        return f"<dasknorm check, {self.verdict}>\n{shown}"

    def _repr_html_(self) -> str:
        table = self.table.to_html(escape=True, float_format="{:.4g}".format)
        return f"<p>{self.verdict}</p>{table}"

    def plot(self, figure: "Figure | None" = None) -> "Figure":
        """Draw the shift of each mean, and the standard deviation around it.

        A dot is the mean, and its bar reaches one standard deviation to both sides. The grey band
        shows the allowed means, the yellow bands the allowed ends of bars. A row that fails is a
        diamond in another colour. Each row shows the worst output element, as in the table.

        Parameters
        ----------
        figure : matplotlib.figure.Figure, optional
            An empty figure to draw in. Default: a new figure that is not registered with pyplot;
            notebooks show it, and ``.savefig(path)`` writes it.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        """
        try:
            from dasknorm.reports.plots import drift
        except ImportError:
            raise ImportError("a plot needs matplotlib: pip install 'dasknorm[plot]'") from None
        return drift.plot_drift(self.table, self.limits.shift, self.limits.std_ratio, figure)


def summarize(measures: Measures, positions: Field, limits: Limits) -> Row:
    """Return one row for many positions: the worst measures, and which limits they exceed."""
    m = measures
    with np.errstate(all="ignore"):
        change = np.abs(np.log(m.ratio))
        severity = np.fmax(np.abs(m.z_mean) / limits.shift, change / np.log(limits.std_ratio))
    worst = _argmax(severity)
    row = Row(
        z_mean=_at(m.z_mean, _argmax(np.abs(m.z_mean))),
        z_std=_at(m.z_std, _argmax(change)),
        z_min=_at(m.z_min, _argmax(-m.z_min)),
        z_max=_at(m.z_max, _argmax(m.z_max)),
        out_of_range=_at(m.out_of_range, _argmax(m.out_of_range)),
        missing=_fraction(m.missing, m.count),
        missing_before=_fraction(m.missing_before, m.count_before),
        count=float(m.count.sum()),
        worst="" if worst is None else positions.describe_position(worst),
        failed="",
    )
    ratio = _at(m.ratio, _argmax(change))
    reasons = [
        *_only_on_one_side(m, positions),
        *_changed(row["z_mean"], ratio, limits),
        *_outliers(row, limits),
        *_more_missing(row, limits),
    ]
    row["failed"] = "; ".join(reasons)
    return row


def _only_on_one_side(m: Measures, positions: Field) -> Iterator[str]:
    """Yield where only the statistics, or only the new data, have values."""
    is_empty = m.count == 0
    if is_empty.all():
        yield "no values"
        return
    if (no_values := is_empty & m.is_known).any():
        yield f"no values{_where(no_values, positions)}"
    if (new := ~is_empty & ~m.is_known).any():
        yield f"values where none were before{_where(new, positions)}"
    if (too_few := ~is_empty & m.is_known & np.isnan(m.ratio)).any():
        yield f"too few values for a standard deviation{_where(too_few, positions)}"


def _changed(shift: float, ratio: float, limits: Limits) -> Iterator[str]:
    if abs(shift) > limits.shift:
        yield f"shifted by {shift:.3g}, more than {limits.shift:g}"
    if ratio > limits.std_ratio:
        yield f"std {ratio:.3g} times as large, more than {limits.std_ratio:g}"
    if ratio * limits.std_ratio < 1:
        yield f"std {ratio:.3g} times as large, less than {1 / limits.std_ratio:.3g}"


def _outliers(row: Row, limits: Limits) -> Iterator[str]:
    if limits.z is None or row["count"] == 0:
        return
    largest = max(-row["z_min"], row["z_max"])
    if not largest <= limits.z:
        extremes = "extremes are not known" if np.isnan(largest) else f"z up to {largest:.3g}"
        yield f"{extremes}, and may be {limits.z:g}"


def _more_missing(row: Row, limits: Limits) -> Iterator[str]:
    if limits.missing is None:
        return
    now, before = row["missing"], row["missing_before"]
    if not now - before <= limits.missing:
        fraction = "not known" if np.isnan(now - before) else f"{now:.3g} of all"
        yield f"missing values {fraction}, {before:.3g} before, and may rise by {limits.missing:g}"


def _argmax(values: np.ndarray) -> tuple[int, ...] | None:
    """Return the position of the largest value; None if all are NaN."""
    if np.isnan(values).all():
        return None
    return tuple(int(i) for i in np.unravel_index(np.nanargmax(values), values.shape))


def _at(values: np.ndarray, position: tuple[int, ...] | None) -> float:
    return np.nan if position is None else float(values[position])


def _fraction(missing: np.ndarray, count: np.ndarray) -> float:
    total = float(missing.sum() + count.sum())
    return float(missing.sum()) / total if total else np.nan


def _where(mask: np.ndarray, positions: Field) -> str:
    """Return the labels of the first three positions; nothing if there is only one position."""
    if not positions.dims:
        return ""
    names = [positions.describe_position(position) for position in np.argwhere(mask)[:3].tolist()]
    more = int(mask.sum()) - len(names)
    return f" at {' and '.join(names)}{f' and {more} more' if more else ''}"
