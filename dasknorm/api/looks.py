"""Looks: what there is to see of statistics, and of other data beside them.

Each is a line or two here, and has a file of its own, imported when it is called.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import dask

from dasknorm import chunks
from dasknorm.api.readings import Readings
from dasknorm.fields import checks
from dasknorm.fields.lags import without_lags
from dasknorm.reports import html, provenance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dasknorm.reports.verdict import Check

__all__ = ["Looks"]


@dataclass(frozen=True, eq=False, repr=False)
class Looks(Readings):
    """Readings that can be looked at.

    Parameters
    ----------
    states, container, attrs
        As of `Readings`.
    """

    def compute(self) -> Self:
        """Return these statistics in memory, checked; lazy ones are computed in one pass."""
        lazy = any(chunks.is_lazy(state.data) for state in self.states.values())
        (ready,) = dask.compute(self) if lazy else (self,)
        checks.check_shapes(self.states, ready.states)
        checks.check_valid(ready.states)
        return ready

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the numbers of each variable, and how they were made."""
        return html.html(self.states, self.container, self.attrs)

    def plot(self, figure: "Figure | None" = None) -> "Figure":
        """Return a picture: profiles by level, maps, curves over groups, points by variable.

        It is chosen by what is kept, and shows the mean and a standard deviation to both sides, or
        the median and the quantiles, or the range, as the statistic has them.

        Parameters
        ----------
        figure : matplotlib.figure.Figure, optional
            To draw into, such as pyplot's. By default a new one, of which pyplot knows nothing: a
            notebook shows it, and ``.savefig(path)`` keeps it.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        MismatchError
            If more than two dimensions are kept, or there are more than 24 variables or columns:
            ``stats.select([...]).plot()``.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import pandas as pd
        >>> picture = dn.adapt(pd.DataFrame({"speed": [1.0, 3.0], "height": [0.0, 8.0]})).plot()
        >>> [axes.get_yticklabels()[0].get_text() for axes in picture.axes]
        ['speed', 'height']
        """
        try:
            from dasknorm.reports import plots  # which needs Matplotlib
        except ImportError as error:
            raise ImportError("plot() needs Matplotlib: pip install 'dasknorm[plot]'") from error
        return plots.drawn(without_lags(self.compute().states), figure)

    def check(
        self,
        other: Any,
        *,
        max_shift: float = 0.5,
        max_spread: float = 2.0,
        max_missing: float | None = None,
        max_z: float | None = None,
        weights: Any = None,
        where: Any = None,
    ) -> "Check":
        """Tell whether other data, such as a later period, still look like those learned from.

        Data are read once, and not normalized. The table has a row for each variable or column; of
        several kept positions, the worst at any of them:

        * ``z_mean`` and ``z_std``, the mean and standard deviation of the normalized data: 0 and
          about 1 if nothing has changed. Where statistics have neither, what they have in their
          place, in units of its width: of `Quantiles` the median and the distance of the two
          quantiles, of `Extrema` the middle and the width of the range. `MaxAbs` has a width only.
        * ``z_min`` and ``z_max``, the least and the greatest value, normalized; ``beyond``, how far
          they lie beyond the extremes learned, NaN if `Extrema` were not.
        * ``missing`` and ``missing_before``, the share of missing values; ``count``, of the others.
        * ``worst``, where mean or spread have changed most; ``failed``, in words, what is too much.

        Parameters
        ----------
        other : data that `normalize` takes, or Stats
            Names and labels are matched as there; any subset of kept labels and of variables.
        max_shift : float, default 0.5
            The largest ``z_mean``, up or down.
        max_spread : float, default 2.0
            How many times larger or smaller the standard deviation may have become.
        max_missing : float, optional
            By how much the share of missing values may rise.
        max_z : float, optional
            The largest absolute value of any value, normalized.
        weights, where : optional
            Of data, as for `adapt`. Statistics that were learned with a word for weights, such as
            ``"area"``, weigh other data by it too if nothing else is said.

        Returns
        -------
        Check
            With ``.passed``, ``.failures``, ``.table`` and ``.plot()``.

        Raises
        ------
        MismatchError
            If names, kept dimensions or labels do not match.

        Examples
        --------
        >>> import numpy as np
        >>> import dasknorm as dn
        >>> stats = dn.adapt(np.array([1.0, 3.0]))
        >>> stats.check(np.array([7.0, 9.0])).failures
        {'data': 'shifted by 6, more than 0.5'}
        """
        from dasknorm.api import check as comparing  # for those who check
        from dasknorm.reports import drift

        limits = drift.Limits(max_shift, max_spread, max_missing, max_z)
        if isinstance(other, Looks):
            other = other.compute()
        elif weights is None:
            weights = provenance.weighing(self.attrs)
        return comparing.compared(self.compute().states, other, limits, weights, where)
