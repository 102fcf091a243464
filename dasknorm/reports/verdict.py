"""Verdict: what a check of other data found, as a table, in words, and as a picture."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from dasknorm.reports.drift import Limits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Check"]


@dataclass(frozen=True, eq=False, repr=False)
class Check:
    """What `Stats.check` found.

    Parameters
    ----------
    table : pandas.DataFrame
        A row for each variable or column; `Stats.check` says what the columns mean.
    limits : Limits
        Those that it was checked against.

    Examples
    --------
    >>> import dasknorm as dn
    >>> import numpy as np
    >>> import pandas as pd
    >>> before = pd.DataFrame({"speed": [0.0, 2.0], "height": [1.0, 3.0]})
    >>> after = pd.DataFrame({"speed": [5.0, 7.0], "height": [1.0, 3.0]})
    >>> found = dn.adapt(before).check(after)
    >>> found.passed, found.failures
    (False, {'speed': 'shifted by 5, more than 0.5'})
    >>> found.table[["z_mean", "z_std"]]
              z_mean  z_std
    variable
    speed        5.0    1.0
    height       0.0    1.0
    """

    table: pd.DataFrame
    limits: Limits

    @property
    def passed(self) -> bool:
        """Whether nothing is beyond its limit."""
        return not self.failures

    @property
    def failures(self) -> dict[Hashable, str]:
        """What fails, in words, by variable or column."""
        said = self.table["failed"]
        return dict(said[said != ""])

    @property
    def verdict(self) -> str:
        """How many variables or columns fail, in words."""
        total, failing = len(self.table), len(self.failures)
        return f"passed: all {total}" if self.passed else f"failed: {failing} of {total}"

    def __repr__(self) -> str:
        shown = self.table.to_string(float_format="{:.4g}".format)
        return f"<dasknorm check, {self.verdict}>\n{shown}"

    def _repr_html_(self) -> str:
        table = self.table.to_html(escape=True, float_format="{:.4g}".format)
        return f"<p>{self.verdict}</p>{table}"

    def plot(self, figure: "Figure | None" = None) -> "Figure":
        """Draw how far each mean has moved, and how wide the values lie now.

        A dot is the mean, its bar a standard deviation to both sides; the grey band is where dots
        may be, the pale ones where bars may end. What fails is a diamond of another colour. Of
        several kept positions the worst are drawn, as in the table.

        Parameters
        ----------
        figure : matplotlib.figure.Figure, optional
            An empty one to draw in, such as pyplot's; by default one that is not pyplot's:
            a notebook shows it, and ``.savefig(path)`` keeps it.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            If there is no Matplotlib.
        """
        try:
            from dasknorm.reports.plots import shifts
        except ImportError:
            raise ImportError("a picture needs matplotlib: pip install 'dasknorm[plot]'") from None
        return shifts.drawn(self.table, self.limits.shift, self.limits.spread, figure)
