"""Stats, the central value: what was learned of a container, and what can be done with it."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any, Literal

import dask

from dasknorm import checks, chunks, kernels, merging, provenance, shards, summary
from dasknorm.batches import batches, check_names, is_one
from dasknorm.blocks import Kernel, output_dtype
from dasknorm.containers import container_named, container_of
from dasknorm.errors import StatsFileError
from dasknorm.fields import Field
from dasknorm.given import given_states
from dasknorm.lags import changes, lag_of, lagged, without_lags
from dasknorm.matching import kept_like, matching, selected
from dasknorm.statistics import Statistic
from dasknorm.units import units_after, units_of
from dasknorm.views import View

__all__ = ["Stats", "load"]


@dataclass(frozen=True, eq=False)
class Stats:
    """Statistics of a container: what was remembered of each of its fields.

    Made by `adapt`, by `Stats.given`, by `load`, and by merging others with ``+``.

    Parameters
    ----------
    statistic : Statistic
        What is remembered.
    states : dict of name to Field
        One record for each kept position.
    container : str
        The kind of container adapted, such as ``"pandas.DataFrame"``: readings come as its kin.
    attrs : dict
        Provenance: what was adapted, over what, from where to where, by which version.
    """

    statistic: Statistic
    states: dict[Hashable, Field]
    container: str
    attrs: dict[str, Any] = field(default_factory=dict)

    # -- reading ----------------------------------------------------------------------------------

    @property
    def mean(self) -> Any:
        """The mean, in the kind of container adapted: a Series for a frame, and so on."""
        return self.read("mean")

    @property
    def std(self) -> Any:
        """The standard deviation, in the unit of the data."""
        return self.read("std")

    @property
    def variance(self) -> Any:
        """The variance."""
        return self.read("variance")

    @property
    def count(self) -> Any:
        """The number of values counted, or the sum of their weights, as float64."""
        return self.read("count")

    def read(self, name: str) -> Any:
        """Return one of ``statistic.readings`` in the kind of container adapted."""
        values = {}
        for key, state in self._usable().items():
            read = chunks.apply(state.data, self.statistic.read, name)
            values[key] = replace(state, data=read, attrs=units_of(name, state.attrs))
        return container_named(self.container).report(values)

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
        >>> stats.tendency(1).mean
        array(1.5)
        """
        return replace(self, states=changes(self.states, lag))

    # -- mapping ----------------------------------------------------------------------------------

    def normalize(
        self, data: Any, *, dtype: Any = None, unseen: Literal["error", "nan"] = "error"
    ) -> Any:
        """Return ``(data - mean) / std``, the same kind of container; lazy where data are lazy.

        Columns, variables and kept labels are matched by name. A float dtype stays, integers of
        up to 16 bits become float32, wider ones float64; missing values stay missing.

        Parameters
        ----------
        data : array, DataFrame, Series, DataArray or Dataset
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
        if unseen not in ("error", "nan"):
            raise ValueError(f"unseen must be 'error' or 'nan', got {unseen!r}")
        container = container_of(data)
        fields = container.viewed(data, View.of(self.states))
        states = self._usable()
        out = output_dtype(dtype)
        mapped = {}
        for name, key in matching(container, fields, states).items():
            affine = replace(
                states[key], data=chunks.apply(states[key].data, self.statistic.affine)
            )
            result = fields[name].transform(affine, kernel, out, unseen)
            mapped[name] = replace(result, attrs=units_after(kernel, result.attrs, affine.attrs))
        return container.rebuild(data, mapped)

    def _usable(self) -> dict[Hashable, Field]:
        checks.refuse_unusable(self.statistic, self.states)
        return without_lags(self.states)

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
            states = merging.merged(self.statistic, states, other.statistic, other.states)
            container = merging.united(container, other.container, states)
        attrs = provenance.merged([self.attrs, *(other.attrs for other in others)])
        return replace(self, states=states, container=container, attrs=attrs)

    def update(self, more: Any, *, weights: Any = None) -> "Stats":
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
        if weights is not None and not is_one(more):
            raise ValueError("weights= go with one container, not with an iterable of batches")
        stats = self
        for batch in batches(more):
            stats = stats._with(batch, weights)
        return stats

    def _with(self, data: Any, weights: Any) -> "Stats":
        container = container_of(data)
        fields = lagged(container.viewed(data, View.of(self.states)), lag_of(self.states))
        keys = matching(container, fields, self.states)
        kept = {name: kept_like(fields[name], self.states[key]) for name, key in keys.items()}
        work = container.summarize(data, fields, self.statistic, kept, weights)
        found = shards.summarized(work, self.statistic)
        states = {
            keys[name]: replace(state, dims=self.states[keys[name]].dims)
            for name, state in found.items()
        }
        check_names(states, self.states)
        checks.refuse_unusable(self.statistic, states)
        attrs = provenance.of(fields, kept)
        return self.merge(Stats(self.statistic, states, self.container, attrs))

    def select(self, names: Sequence[Hashable]) -> "Stats":
        """Return the statistics of some variables of a Dataset, or some columns of a frame."""
        return replace(self, states=selected(self.states, list(names)))

    # -- keeping ----------------------------------------------------------------------------------

    def compute(self) -> "Stats":
        """Return these statistics in memory, checked; lazy ones are computed in one pass."""
        lazy = any(chunks.is_lazy(state.data) for state in self.states.values())
        (ready,) = dask.compute(self) if lazy else (self,)
        checks.refuse_other_shapes(self.states, ready.states)
        checks.refuse_unusable(ready.statistic, ready.states)
        return ready

    def save(self, path: str | PathLike[str]) -> None:
        """Write the statistics to a ``.nc``, ``.zarr`` or ``.json`` file, replacing it whole."""
        from dasknorm import store  # a fifth of the import time, for those who keep files

        ready = self.compute()
        store.write(path, ready.statistic, ready.states, ready.container, ready.attrs)

    def to_sklearn(self) -> Any:
        """Return scikit-learn's own StandardScaler, fitted with these numbers, to serve with.

        For statistics of an array's last axis or a frame's columns; others are a MismatchError.
        It gives arrays, as all of scikit-learn's do; ``.set_output(transform="pandas")`` keeps
        names. ``dasknorm.sklearn.StandardScaler.from_stats`` is the way for data of any size.
        """
        from dasknorm import serving  # for the few who serve so

        ready = self.compute()
        return serving.fitted_scaler(ready.statistic, without_lags(ready.states))

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
        statistic, states, name = given_states(mean, variance, std, count, epsilon)
        return cls(statistic, states, name, {"given": True})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Stats):
            return NotImplemented
        return (
            (self.statistic, self.container) == (other.statistic, other.container)
            and list(self.states) == list(other.states)
            and all(state.identical(other.states[name]) for name, state in self.states.items())
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return summary.text(self.statistic, self.states, self.container)


def load(path: str | PathLike[str]) -> Stats:
    """Return the statistics that `Stats.save` has written.

    Raises FileNotFoundError if there are none, and StatsFileError if the file is foreign, cut off,
    altered, of a newer format, or a checkpoint of work that is not finished.
    """
    from dasknorm import store  # as in Stats.save

    stats = Stats(*store.read(path))
    if unfinished := shards.progress_of(stats.attrs):
        raise StatsFileError(
            f"{str(path)!r} holds {unfinished}: give it to adapt as checkpoint= to go on"
        )
    return stats
