"""Stats, the central value: what was learned of a container, and what can be done with it."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from dasknorm import kernels
from dasknorm.api import merge as merging
from dasknorm.api import shards
from dasknorm.api.outward import Outward
from dasknorm.blocks import Kernel
from dasknorm.containers import container_of
from dasknorm.containers.batches import batches, check_names, is_single_container
from dasknorm.containers.given import given_states
from dasknorm.containers.mapping import mapped
from dasknorm.containers.per_variable import fields_like, selected, using
from dasknorm.errors import MismatchError
from dasknorm.fields import checks
from dasknorm.fields.lags import changes, lags_by_dim
from dasknorm.fields.matching import named_like
from dasknorm.fields.sharing import shared
from dasknorm.fields.states import windowed
from dasknorm.reports import provenance
from dasknorm.statistics import Statistic

__all__ = ["Stats"]


@dataclass(frozen=True, eq=False, repr=False)
class Stats(Outward):
    """Statistics of a container: what was remembered of each of its fields.

    Made by `adapt`, by `Stats.given`, by `load`, and by merging others with ``+``.

    Parameters
    ----------
    states, container, attrs
        As of `Readings`.
    """

    # -- others made of them ----------------------------------------------------------------------

    def tendency(self, lag: Any = None) -> "Stats":
        """Return the statistics of changes along a dimension, learned with ``adapt(..., lag=...)``.

        Parameters
        ----------
        lag : int, str or timedelta, optional
            By how much; may be left out if changes by one lag only were learned.

        Raises
        ------
        MismatchError
            If no such changes were learned.

        Examples
        --------
        >>> import numpy as np
        >>> import dasknorm as dn
        >>> stats = dn.adapt(np.array([1.0, 2.0, 4.0]), lag={0: 1})
        >>> float(stats.mean), float(stats.tendency(1).mean)
        (2.3333333333333335, 1.5)
        """
        states, by = changes(self.states, lag)
        return replace(self, states=states, attrs={**self.attrs, "tendency": by})

    def windowed(self, days: int = 61, weights: Literal["equal", "linear"] = "equal") -> "Stats":
        """Return a climatology of which each day of the year has the days around it too.

        A window is an exact merge of the days' own statistics: nothing is read again.

        Parameters
        ----------
        days : int, default 61
            The width of the window, an odd number.
        weights : {"equal", "linear"}, default "equal"
            Linear ones fall to 0 at both ends, as in WeatherBench 2: of 61 days, the day itself
            counts 30 times, its neighbours 29 times, and so on.

        Raises
        ------
        MismatchError
            If these are no statistics by day of the year, ``by="time.dayofyear"``.
        """
        if weights not in ("equal", "linear"):
            raise ValueError(f"weights must be 'equal' or 'linear', got {weights!r}")
        if not 3 <= days <= 359 or days % 2 == 0:
            raise ValueError(f"a window is an odd number of days from 3 to 359, got {days!r}")
        linear, window = weights == "linear", f"{days} days, {weights} weights"
        states = self.compute().states
        if not any(state.grouped for state in states.values()):
            raise MismatchError("no climatology: a window is of days, by='time.dayofyear'")
        states = {
            name: windowed(state, days, linear) if state.grouped else state
            for name, state in states.items()
        }
        return replace(self, states=states, attrs={**self.attrs, "window": window})

    def share_std(self, *groups: Sequence[Hashable]) -> "Stats":
        """Return these statistics with one standard deviation for each group of variables.

        Of the components of a vector, say, so that normalizing does not turn it: each keeps its own
        mean, and all have the mean of their variances, weighted by count. Do it last: what is
        shared does not merge, and is refused.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import xarray as xr
        >>> wind = xr.Dataset({"u": ("x", [-1.0, 1.0]), "v": ("x", [-7.0, 7.0])})
        >>> stats = dn.adapt(wind).share_std(("u", "v"))
        >>> float(stats.std["u"]), float(stats.std["v"])
        (5.0, 5.0)
        """
        states = shared(self.compute().states, groups)
        said = [list(map(str, group)) for group in groups]
        return replace(self, states=states, attrs={**self.attrs, "shared": said})

    # -- mapping ----------------------------------------------------------------------------------

    def normalize(
        self, data: Any, *, dtype: Any = None, unseen: Literal["error", "nan"] = "error"
    ) -> Any:
        """Return ``(data - mean) / std``, the same kind of container; lazy where data are lazy.

        Columns, variables and kept labels are matched by name. A float dtype stays, integers of
        up to 16 bits become float32, wider ones float64; missing values stay missing.

        Parameters
        ----------
        data : array, DataFrame, Series, DataArray, Dataset or DataTree
            Data with the names and labels of those adapted; labels in any order, any subset.
        dtype : dtype, optional
            A floating dtype for the result.
        unseen : {"error", "nan"}, default "error"
            What becomes of rows of a group that the statistics do not know, if they were learned
            by group: an error that names it, or missing values. Rows without a group have those.

        Raises
        ------
        MismatchError
            If the data have other columns, variables, labels, or sizes, or groups never seen; in
            a Dask frame groups show when it is computed.
        """
        return self._transform(data, kernels.standardize, dtype, unseen)

    def inverse(
        self, data: Any, *, dtype: Any = None, unseen: Literal["error", "nan"] = "error"
    ) -> Any:
        """Return ``data * std + mean``: what `normalize` was given, but for its last digit."""
        return self._transform(data, kernels.restore, dtype, unseen)

    def _transform(self, data: Any, kernel: Kernel, dtype: Any, unseen: str) -> Any:
        return mapped(data, self._usable(), kernel, dtype, unseen)

    # -- merging ----------------------------------------------------------------------------------

    def __add__(self, other: "Stats") -> "Stats":
        return self.merge(other) if isinstance(other, Stats) else NotImplemented

    def merge(self, *others: "Stats") -> "Stats":
        """Return the statistics of all the data that these and the others have seen.

        The algebra is exact up to rounding, whatever the order: merging the statistics of parts
        equals adapting to the whole. Data seen twice count twice. Statistics of other variables,
        or other columns, are put beside these: merging is a union then.

        Raises
        ------
        MismatchError
            If statistics, kept dimensions or labels differ, only some of the variables are in
            both, or some were given without a count.
        """
        states, container = self.states, self.container
        for other in others:
            merging.refuse_finished(self.attrs, other.attrs)
            states = merging.merged(states, other.states)
            container = merging.united(container, other.container, states)
        attrs = provenance.merged([self.attrs, *(other.attrs for other in others)])
        return replace(self, states=states, container=container, attrs=attrs)

    def update(self, more: Any, *, weights: Any = None, where: Any = None) -> "Stats":
        """Return these statistics merged with those of more data, kept along the same axes.

        Of an iterable of batches (arrays, frames, a PyTorch ``DataLoader``) each is merged in turn.

        Examples
        --------
        >>> import numpy as np
        >>> import dasknorm as dn
        >>> stats = dn.adapt(np.array([[1.0], [2.0]]))
        >>> stats.update(np.array([[6.0]])).mean
        array([3.])
        """
        if not (weights is None and where is None) and not is_single_container(more):
            raise ValueError(
                "weights= and where= go with one container, not with an iterable of batches"
            )
        stats = self
        for batch in batches(more):
            stats = stats._with(batch, weights, where)
        return stats

    def _with(self, data: Any, weights: Any, where: Any) -> "Stats":
        container = container_of(data)
        merging.refuse_known(self.states)
        fields, kept = fields_like(container, data, self.states)
        work = container.summarize(data, fields, kept, weights, where)
        states = {
            key: named_like(state, fields[key], self.states[key])
            for key, state in shards.compute_states(work).items()
        }
        check_names(states, self.states)
        checks.check_valid(states)
        attrs = provenance.of(
            fields, kept, weights, where, source=container.sources(data), lag=lags_by_dim(fields)
        )
        return self.merge(Stats(states, self.container, attrs))

    def select(self, names: Sequence[Hashable]) -> "Stats":
        """Return the statistics of some variables of a Dataset, or some columns of a frame."""
        return replace(self, states=selected(self.states, list(names)))

    def using(self, kind: type[Statistic]) -> "Stats":
        """Return those of one statistic, where several were learned: ``stats.using(Extrema)``.

        Raises TypeError if it is not among them.
        """
        return replace(self, states=using(self.states, kind))

    # -- given, not learned -----------------------------------------------------------------------

    @classmethod
    def given(
        cls,
        mean: Any,
        variance: Any = None,
        *,
        std: Any = None,
        count: Any = None,
        epsilon: float = 0.0,
    ) -> "Stats":
        """Return statistics known beforehand.

        Parameters
        ----------
        mean : float, array_like, Series, DataArray or Dataset
            An array's axes are the last ones of the data; a Series has a number for each column
            of a frame; an xarray object keeps its dimensions and labels.
        variance, std : like mean
            One of the two.
        count : like mean, optional
            How many values these are the statistics of. Without it they merge with nothing.
        epsilon : float, default 0.0
            The scale is ``max(std, epsilon)``; a scale of exactly 0 becomes 1.

        Examples
        --------
        >>> import dasknorm as dn
        >>> float(dn.Stats.given(mean=3.0, std=2.0).normalize(5.0))
        1.0
        """
        states, name = given_states(mean, variance, std, count, epsilon)
        return cls(states, name, {"given": True})
