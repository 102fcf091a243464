"""`Stats`: the statistics that `adapt` returns, with every method that uses them.

Used by `api`, `layer`, `cli`, `sklearn`, `accessors` and `testing`. A method has a few lines: the
work is done in `fields`, `containers`, `reports` and `io`. Heavy or optional modules are imported
when a method needs them.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, Self, final

import dask
from numpy.typing import DTypeLike

from dasknorm import chunks, kernels
from dasknorm.api import shards
from dasknorm.api.merge import check_counted, check_mergeable, merge_states, united_container
from dasknorm.blocks import Kernel
from dasknorm.containers import container_named, container_of
from dasknorm.containers.batches import check_same_names, find_batches
from dasknorm.containers.per_variable import (
    concat_all_columns,
    make_states,
    match_fields,
    select_names,
    select_statistic,
    transform_data,
)
from dasknorm.errors import MismatchError
from dasknorm.fields import State, checks
from dasknorm.fields.lags import drop_lags, lags_by_dim, select_tendency
from dasknorm.fields.matching import rename_like
from dasknorm.fields.states import share_scale, smooth
from dasknorm.reports import html, methods_text, provenance, table
from dasknorm.reports.provenance import Attrs
from dasknorm.statistics import Statistic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dasknorm.io.serving import Constants, Layout
    from dasknorm.reports.drift import Check


@final
@dataclass(frozen=True, eq=False, repr=False)
class Stats:
    """Statistics of a data set, with the methods that normalize data, merge, show and save them.

    Returned by `adapt`, `load` and `Stats.from_values`, and by merging statistics with ``+``. Every
    result of a statistic is an attribute: ``stats.mean``, ``stats.std``, ``stats.max``.

    Parameters
    ----------
    states : dict of name to State
        An array of records per variable, one record for each output element. The columns of a
        DataFrame are one field, or one field for each statistic that some of them have.
    container : str
        The type of the data, such as ``"pandas.DataFrame"``; results have a matching type.
    attrs : dict
        Provenance: the data, their range, the reduced dimensions and the versions.
    """

    states: dict[Hashable, State]
    container: str
    attrs: Attrs = field(default_factory=Attrs)

    @classmethod
    def from_values(
        cls,
        mean: object,
        variance: object = None,
        *,
        std: object = None,
        count: object = None,
        epsilon: float = 0.0,
    ) -> "Stats":
        """Create statistics from a known mean and variance (or standard deviation).

        Parameters
        ----------
        mean : float, array_like, Series, DataArray or Dataset
            The axes of an array are the last axes of the data. A Series has a value for each
            column of a DataFrame. An xarray object keeps its dimensions and labels.
        variance, std : like mean
            Give one of the two.
        count : like mean, optional
            The number of values behind the mean. Statistics without a count cannot be merged.
        epsilon : float, default 0.0
            The scale is ``max(std, epsilon)``; a scale of exactly 0 becomes 1.

        Returns
        -------
        Stats

        Raises
        ------
        ValueError
            If both or neither of `variance` and `std` are given, or a value is negative, NaN or
            infinite.
        MismatchError
            If the arguments have different names, dimensions or labels.

        Examples
        --------
        >>> import dasknorm as dn
        >>> float(dn.Stats.from_values(mean=3.0, std=2.0).normalize(5.0))
        1.0
        """
        states, name = make_states(mean, variance, std, count, epsilon)
        return cls(states, name, {"given": True})

    # -- results ----------------------------------------------------------------------------------

    @property
    def mean(self) -> Any:
        """The mean, in a type that matches the data: a Series for a DataFrame, and so on."""
        return self.result("mean")

    @property
    def std(self) -> Any:
        """The standard deviation, in the units of the data."""
        return self.result("std")

    @property
    def variance(self) -> Any:
        """The variance."""
        return self.result("variance")

    @property
    def count(self) -> Any:
        """The number of values, or the sum of their weights, as float64."""
        return self.result("count")

    @property
    def statistic(self) -> Any:
        """The statistic; a dict by variable or column if they differ."""
        by_name = {
            name: state.statistic
            for key, state in self.states.items()
            for name in state.labels.get("columns", [key])
        }
        distinct = set(by_name.values())
        return distinct.pop() if len(distinct) == 1 else by_name

    def result(self, name: str) -> Any:
        """Return one result, such as ``"std"``, in a type that matches the data.

        If the statistics differ between variables or columns, the result covers those that have
        it, and columns come in the order of the statistics.

        Parameters
        ----------
        name : str
            One of the names in the table that the statistics print.

        Returns
        -------
        array, Series, DataArray, Dataset or DataTree
            The shape is that of the kept dimensions.

        Raises
        ------
        AttributeError
            If no statistic has a result of this name.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import numpy as np
        >>> dn.adapt(np.array([[1.0], [3.0]]), dn.Extrema()).result("max")
        array([3.])
        """
        states = self._checked_states()
        having = {key: s for key, s in states.items() if name in s.statistic.result_names}
        if not having:
            available = ", ".join(table.result_names(states))
            raise AttributeError(f"these statistics have no {name!r}; they have {available}")
        values = {}
        for key, state in having.items():
            data = chunks.apply(state.data, state.statistic.result, name)
            attrs = state.attrs_of(name, provenance.reduced_dims(self.attrs, key))
            values[key] = replace(state, data=data, attrs=attrs)
        return container_named(self.container).make_results(concat_all_columns(values))

    def __dir__(self) -> list[str]:
        """Return the attributes that exist: a result such as ``mean`` only if there is one."""
        results = table.result_names(self.states)
        is_missing = {"mean", "std", "variance", "count"}.difference(results)
        return sorted({*super().__dir__(), *results} - is_missing)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # copying and unpickling look these up on an empty object
            raise AttributeError(name)
        return self.result(name)

    def describe(self) -> str:
        """Return how these statistics were computed, as a sentence for a methods section.

        Returns
        -------
        str

        Examples
        --------
        >>> import dasknorm as dn
        >>> dn.Stats.from_values(mean=3.0, std=2.0).describe()
        'Mean and standard deviation, as given, not learned from data.'
        """
        return methods_text.describe(self.states, self.attrs)

    def compute(self) -> Self:
        """Return these statistics in memory; lazy statistics are computed in one pass.

        Returns
        -------
        Stats

        Raises
        ------
        ValueError
            If the data contain infinities.
        MismatchError
            If chunks have other sizes than their Dask array declares.
        """
        is_lazy = any(chunks.is_lazy(state.data) for state in self.states.values())
        (computed,) = dask.compute(self) if is_lazy else (self,)
        checks.check_shapes(self.states, computed.states)
        checks.check_valid(computed.states)
        if is_lazy:
            checks.check_plausible(computed.states)
        return computed

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Stats):
            return NotImplemented
        return (
            self.container == other.container
            and list(self.states) == list(other.states)
            and all(state.is_identical(other.states[name]) for name, state in self.states.items())
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        text = table.format_text(self.states, self.container)
        return f"{text}\n{methods_text.wrap(self.describe())}"

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook shows: a table for each variable, and the provenance."""
        return html.format_html(self.states, self.container, self.attrs)

    # -- normalization ----------------------------------------------------------------------------

    def normalize(
        self,
        data: object,
        *,
        dtype: DTypeLike | None = None,
        unseen: Literal["error", "nan"] = "error",
    ) -> Any:
        """Return ``(data - mean) / std`` in the type of the data; lazy if the data are lazy.

        Columns, variables and kept labels are matched by name. Floating dtypes are kept, integers
        of up to 16 bits become float32, wider integers float64. Missing values stay missing. Units
        become ``"1"``; attributes of raw values, such as ``valid_range``, are dropped.

        Parameters
        ----------
        data : array, DataFrame, Series, DataArray, Dataset or DataTree
            Data with the same names and labels as those adapted; labels may be in any order and
            may be a subset.
        dtype : dtype, optional
            The floating dtype of the result.
        unseen : {"error", "nan"}, default "error"
            For statistics computed with ``by=``: raise an error for rows of an unknown group, or
            make them missing. Rows with a missing key become missing in both cases.

        Returns
        -------
        The type of `data`

        Raises
        ------
        MismatchError
            If the data have other columns, variables, labels, sizes or units, or unknown groups.
            For a Dask DataFrame, unknown groups raise when it is computed.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import numpy as np
        >>> dn.adapt(np.array([[1.0], [3.0]])).normalize(np.array([[4.0]]))
        array([[2.]])
        """
        return self._map(data, kernels.standardize, dtype, unseen)

    def inverse(
        self,
        data: object,
        *,
        dtype: DTypeLike | None = None,
        unseen: Literal["error", "nan"] = "error",
    ) -> Any:
        """Return ``data * std + mean``: the inverse of `normalize`, up to the last digit.

        Attributes that `normalize` changes or drops are restored from the statistics.

        Parameters
        ----------
        data, dtype, unseen
            See `normalize`.

        Returns
        -------
        The type of `data`

        Raises
        ------
        MismatchError
            See `normalize`; also if the data have units other than ``"1"``, as physical values do.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import numpy as np
        >>> dn.adapt(np.array([[1.0], [3.0]])).inverse(np.array([[2.0]]))
        array([[4.]])
        """
        return self._map(data, kernels.restore, dtype, unseen)

    def _map(self, data: object, kernel: Kernel, dtype: DTypeLike | None, unseen: str) -> Any:
        return transform_data(data, self._checked_states(), kernel, dtype, unseen)

    # -- merging and selecting --------------------------------------------------------------------

    def __add__(self, other: "Stats") -> "Stats":
        return self.merge(other) if isinstance(other, Stats) else NotImplemented

    def merge(self, *others: "Stats") -> "Stats":
        """Return the statistics of all data that these and the other statistics have seen.

        Statistics of parts, merged in any order, equal the statistics of the whole up to rounding.
        Data seen twice count twice. Statistics of other variables or columns are combined with
        these.

        Parameters
        ----------
        *others : Stats

        Returns
        -------
        Stats

        Raises
        ------
        MismatchError
            If statistics, kept dimensions, labels or units differ, if only some of the variables
            are in both, or if a mean and variance were given without a count.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import numpy as np
        >>> first, second = (dn.adapt(np.array([[x], [x + 2]])) for x in (1.0, 5.0))
        >>> first.merge(second).mean
        array([4.])
        """
        states, container = self.states, self.container
        for other in others:
            check_mergeable(self.attrs, other.attrs)
            states = merge_states(states, other.states)
            container = united_container(container, other.container, states)
        attrs = provenance.merge_attrs([self.attrs, *(other.attrs for other in others)])
        return replace(self, states=states, container=container, attrs=attrs)

    def update(self, more: object, *, weights: object = None, where: object = None) -> "Stats":
        """Return these statistics merged with those of more data, which keep the same dimensions.

        Parameters
        ----------
        more : data, or iterable of batches
            Each batch (array, DataFrame, batch of a PyTorch ``DataLoader``) is merged in turn.
        weights, where : optional
            See `adapt`; not with an iterable of batches. By default, the weights of these
            statistics are used again, if they have a name such as ``"area"``.

        Returns
        -------
        Stats
            New statistics; the original is unchanged.

        Raises
        ------
        MismatchError
            If names, dimensions, labels or units differ.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import numpy as np
        >>> stats = dn.adapt(np.array([[1.0], [2.0]]))
        >>> stats.update(np.array([[6.0]])).mean
        array([3.])
        """
        if (batches := find_batches(more)) is None:
            part = self._compute_like(more, weights, where)
            checks.check_plausible(part.states)
            return self.merge(part)
        if not (weights is None and where is None):
            raise ValueError(
                "weights= and where= go with one container, not with an iterable of batches"
            )
        stats = self
        for batch in batches:
            stats = stats.merge(stats._compute_like(batch))
        checks.check_plausible(stats.states)
        return stats

    def _compute_like(self, data: object, weights: object = None, where: object = None) -> "Stats":
        """Return the statistics of more data, which keep the same dimensions."""
        check_counted(self.states)
        weights = provenance.common_weights(self.attrs) if weights is None else weights
        container = container_of(data)
        fields, kept = match_fields(container, data, self.states)
        work = container.summarize(data, fields, kept, weights, where)
        states = {
            key: rename_like(state, fields[key], self.states[key])
            for key, state in shards.compute_states(work).items()
        }
        check_same_names(states, self.states)
        source, lags = container.source_names(data), lags_by_dim(fields)
        attrs = provenance.make_attrs(fields, kept, weights, where, source=source, lag=lags)
        return Stats(states, self.container, attrs)

    def select(self, names: Hashable | Sequence[Hashable]) -> "Stats":
        """Return the statistics of some variables of a Dataset, or some columns of a DataFrame.

        Parameters
        ----------
        names : name, or list of names
            Variables or columns. A string is one name, and so is a tuple that names a column.

        Returns
        -------
        Stats

        Raises
        ------
        MismatchError
            If there are no statistics for a name.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import pandas as pd
        >>> stats = dn.adapt(pd.DataFrame({"speed": [1.0, 3.0], "height": [0.0, 8.0]}))
        >>> stats.select(["height"]).mean.to_dict()
        {'height': 4.0}
        """
        return replace(self, states=select_names(self.states, names))

    def select_statistic(self, kind: type[Statistic]) -> "Stats":
        """Return the statistics of one kind, such as `Extrema`, if several were computed.

        Parameters
        ----------
        kind : type of Statistic

        Returns
        -------
        Stats

        Raises
        ------
        TypeError
            If this kind was not computed, or `kind` is not a class of statistics.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import numpy as np
        >>> stats = dn.adapt(np.array([[1.0], [3.0]]), [dn.Moments(), dn.Extrema()])
        >>> stats.select_statistic(dn.Extrema).normalize(np.array([[2.0]]))
        array([[0.5]])
        """
        return replace(self, states=select_statistic(self.states, kind))

    # -- derived statistics -----------------------------------------------------------------------

    def tendency(self, lag: object = None) -> "Stats":
        """Return the statistics of the tendencies that ``adapt(..., lag=...)`` computed.

        Parameters
        ----------
        lag : int, str or timedelta, optional
            Which lag; may be omitted if there is only one.

        Returns
        -------
        Stats

        Raises
        ------
        MismatchError
            If tendencies with this lag were not computed.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import numpy as np
        >>> stats = dn.adapt(np.array([1.0, 2.0, 4.0]), lag={0: 1})
        >>> float(stats.mean), float(stats.tendency(1).mean)
        (2.3333333333333335, 1.5)
        """
        states, phrase = select_tendency(self.states, lag)
        return replace(self, states=states, attrs={**self.attrs, "tendency": phrase})

    def smooth(self, days: int = 61, weights: Literal["equal", "linear"] = "equal") -> "Stats":
        """Return a climatology in which each day of the year is pooled with the surrounding days.

        The pool is an exact merge of the statistics of its days; the data are not read again.

        Parameters
        ----------
        days : int, default 61
            The width of the window, an odd number.
        weights : {"equal", "linear"}, default "equal"
            Linear weights fall to 0 at both ends, as in WeatherBench 2: with 61 days, the day
            itself counts 30 times, its neighbours 29 times, and so on.

        Returns
        -------
        Stats

        Raises
        ------
        MismatchError
            If the statistics are not grouped by day of the year (``by="time.dayofyear"`` or
            ``by="time.monthday"``).
        ValueError
            If `days` is even or out of range, or `weights` is another string.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import pandas as pd
        >>> import xarray as xr
        >>> time = pd.date_range("2001-01-01", "2001-12-31")
        >>> t = xr.DataArray(time.day_of_year.astype("f8"), {"time": time}, ["time"])
        >>> stats = dn.adapt(t, by="time.dayofyear").smooth(days=3)
        >>> float(stats.mean.sel(dayofyear=100)), float(stats.count.sel(dayofyear=100))
        (100.0, 3.0)
        """
        if weights not in ("equal", "linear"):
            raise ValueError(f"weights must be 'equal' or 'linear', got {weights!r}")
        if not 3 <= days <= 359 or days % 2 == 0:
            raise ValueError(f"a window is an odd number of days from 3 to 359, got {days!r}")
        states = self.compute().states
        if not any(state.group_dim for state in states.values()):
            raise MismatchError("no climatology: a window is of days, by='time.monthday'")
        states = {
            name: smooth(state, days, weights == "linear") if state.group_dim else state
            for name, state in states.items()
        }
        window = f"{days} days, {weights} weights"
        return replace(self, states=states, attrs={**self.attrs, "window": window})

    def share_std(self, *groups: Sequence[Hashable]) -> "Stats":
        """Return these statistics with one standard deviation for each group of variables.

        With one scale for the components of a vector, normalizing keeps its direction. Each
        variable keeps its own mean; all get the mean of their variances, weighted by count. Share
        last: statistics with a shared scale cannot be merged.

        Parameters
        ----------
        *groups : sequence of names
            Two or more variables each: ``("u", "v")``.

        Returns
        -------
        Stats

        Raises
        ------
        MismatchError
            If a name is unknown or in two groups, or if kept dimensions, statistics or units
            differ.
        TypeError
            If a group is a single name.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import xarray as xr
        >>> wind = xr.Dataset({"u": ("x", [-1.0, 1.0]), "v": ("x", [-7.0, 7.0])})
        >>> stats = dn.adapt(wind).share_std(("u", "v"))
        >>> float(stats.std["u"]), float(stats.std["v"])
        (5.0, 5.0)
        """
        states = share_scale(self.compute().states, groups)
        names = [list(map(str, group)) for group in groups]
        return replace(self, states=states, attrs={**self.attrs, "shared": names})

    # -- reports ----------------------------------------------------------------------------------

    def plot(self, figure: "Figure | None" = None) -> "Figure":
        """Plot the statistics: profiles by level, maps, curves over groups, points by variable.

        The plot type depends on the kept dimensions. It shows the mean plus and minus a standard
        deviation, the median with quantiles, or the range, depending on the statistic.

        Parameters
        ----------
        figure : matplotlib.figure.Figure, optional
            The figure to draw in. The default is a new figure that pyplot does not manage, so it
            need not be closed; ``.savefig(path)`` saves it.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        MismatchError
            If there are more than two kept dimensions, or more than 24 variables or columns:
            plot some of them with ``stats.select([...]).plot()``.
        TypeError
            If `figure` is not a Matplotlib figure.
        ImportError
            If Matplotlib is not installed.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import pandas as pd
        >>> figure = dn.adapt(pd.DataFrame({"speed": [1.0, 3.0], "height": [0.0, 8.0]})).plot()
        >>> [axes.get_yticklabels()[0].get_text() for axes in figure.axes]
        ['speed', 'height']
        """
        try:
            from dasknorm.reports import plots  # imports Matplotlib
        except ImportError as error:
            raise ImportError("plot() needs Matplotlib: pip install 'dasknorm[plot]'") from error
        return plots.plot_states(drop_lags(self.compute().states), self.container, figure)

    def check(
        self,
        other: object,
        *,
        max_shift: float = 0.5,
        max_std_ratio: float = 2.0,
        max_missing: float | None = None,
        max_z: float | None = None,
        weights: object = None,
        where: object = None,
    ) -> "Check":
        """Check whether new data, such as a later period, resemble the data of these statistics.

        The new data are read once and not normalized. The resulting table has a row for each
        variable or column, which shows the worst of its output elements:

        * ``z_mean`` and ``z_std``: mean and standard deviation of the normalized data, 0 and about
          1 without drift. For `Quantiles`: the median and the distance of the two quantiles, in
          units of that distance; for `Extrema`: the middle and the width of the range. `MaxAbs`
          has a scale only.
        * ``z_min`` and ``z_max``: the smallest and the largest value, normalized;
          ``out_of_range``: their distance outside of the old extremes, NaN without `Extrema`.
        * ``missing`` and ``missing_before``: fractions of missing values; ``count``: the number of
          other values.
        * ``worst``: where mean or standard deviation have changed most; ``failed``: the limits
          that are exceeded.

        Parameters
        ----------
        other : data, or Stats
            Data as for `normalize`: names and labels are matched, and may be a subset.
        max_shift : float, default 0.5
            Largest allowed ``z_mean``, in both directions.
        max_std_ratio : float, default 2.0
            Largest allowed ratio of the new and the old standard deviation, in both directions.
        max_missing : float, optional
            Largest allowed increase of the fraction of missing values.
        max_z : float, optional
            Largest allowed absolute value of the normalized data.
        weights, where : optional
            For data, as in `adapt`. If these statistics were computed with a named weight such as
            ``"area"``, it is used for the new data too, unless `weights` is given.

        Returns
        -------
        Check
            With ``.passed``, ``.failures``, ``.table`` and ``.plot()``.

        Raises
        ------
        MismatchError
            If names, kept dimensions, labels or units do not match.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import numpy as np
        >>> stats = dn.adapt(np.array([1.0, 3.0]))
        >>> stats.check(np.array([7.0, 9.0])).failures
        {'data': 'shifted by 6, more than 0.5'}
        """
        from dasknorm.api import check
        from dasknorm.reports import drift

        limits = drift.Limits(max_shift, max_std_ratio, max_missing, max_z)
        states = drop_lags(self.compute().states)
        if isinstance(other, Stats):
            if not (weights is None and where is None):
                raise ValueError("weights= and where= go with data, not with statistics of data")
            new_states = check.select_like(states, drop_lags(other.compute().states))
        else:
            weights = provenance.common_weights(self.attrs) if weights is None else weights
            new_states = check.compute_like(states, other, weights, where)
        return check.compare(states, new_states, limits)

    # -- files and other libraries ----------------------------------------------------------------

    def save(self, path: str | PathLike[str]) -> None:
        """Save the statistics to a ``.nc``, ``.zarr`` or ``.json`` file, replaced atomically.

        Parameters
        ----------
        path : path-like
            The suffix chooses the file type.

        Raises
        ------
        ValueError
            If the suffix is another, or the statistics are too large for JSON.
        TypeError
            If a label or a name has a type that no file can hold.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     dn.Stats.from_values(3.0, std=2.0).save(f"{folder}/stats.json")
        ...     float(dn.load(f"{folder}/stats.json").mean)
        3.0
        """
        from dasknorm.io import store  # takes a fifth of the import time

        ready = self.compute()
        store.write(path, ready.states, ready.container, ready.attrs, ready.describe())

    def export(
        self,
        path: str | PathLike[str],
        format: str,
        *,
        names: Mapping[Any, str] | None = None,
        lag: object = None,
        overwrite: bool = False,
        **settings: Any,
    ) -> tuple[str, ...]:
        """Write the statistics in the file format of another program, atomically.

        If the format cannot hold something that changes the normalization, an error is raised. If
        it cannot hold something else, that is omitted, and named in the result. A standard
        deviation of 0 is written as 1, the divisor that `normalize` uses, with a warning.

        Parameters
        ----------
        path : path-like
            A file, a folder or a Zarr group, depending on the format. Other contents are kept.
        format : str
            ``"graphcast"``, ``"ace"``, ``"anemoi"``, ``"mllam"``, ``"makani"``, ``"csv"``, or the
            name of a format that another package registers.
        names : mapping, optional
            The names of the variables in the file, by their names here.
        lag : int, str or timedelta, optional
            Which tendencies to write, if there are several lags.
        overwrite : bool, default False
            Replace statistics that exist at `path`.
        **settings
            Settings of the format, such as ``levels="{name}_{index}"``.

        Returns
        -------
        tuple of str
            What was omitted.

        Raises
        ------
        MismatchError
            If the format cannot hold the statistics, or needs results that they do not have.
        FileExistsError
            If `path` holds statistics already, or statistics of other variables would remain.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import pandas as pd
        >>> import tempfile
        >>> stats = dn.adapt(pd.DataFrame({"speed": [1.0, 3.0]}))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     stats.export(f"{folder}/stats.csv", "csv")
        ('the count', 'how they were made')
        """
        from dasknorm.io import formats
        from dasknorm.io.formats.states import export_states

        form, ready = formats.format_named(format, settings), self.compute()
        return export_states(path, form, ready.states, ready.attrs, names, lag, overwrite)

    def to_numpy(
        self,
        channels: list[Hashable] | None = None,
        dims: Sequence[Hashable] | None = None,
        *,
        dtype: DTypeLike = "float32",
    ) -> "Constants":
        """Return the constants of the normalization as a dict of arrays, for a data loader.

        The arrays broadcast along the last axes of a batch. The shift has two parts, because a
        mean of 1e4 has only 3 decimals in float32::

            z = (x - c["shift"] - c["shift_rest"]) / c["scale"]
            x = z * c["scale"] + c["shift_rest"] + c["shift"]

        Parameters
        ----------
        channels : list, optional
            The channels of your tensor in order: names of variables, each with all its levels, or
            ``(variable, level)``; for a DataFrame its columns. Default: all, in their own order.
        dims : sequence of hashable, optional
            The names of the axes of your tensor, with ``"channel"`` for the channel axis:
            ``("time", "channel", "lat", "lon")``. Kept dimensions with another of these names
            stay along that axis; all other kept dimensions become channels. Not needed for
            DataFrames, whose columns are the last axis, and for arrays.
        dtype : {"float32", "float64"}
            The dtype of the constants.

        Returns
        -------
        dict
            ``shift``, ``shift_rest`` and ``scale``; ``channels``, the list of channel names in
            order, empty without channels; ``functions``, the function that is applied to some
            channels first, mostly empty.

        Raises
        ------
        MismatchError
            If statistics are grouped, a channel is unknown, or a kept dimension matches no axis.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import xarray as xr
        >>> t = xr.DataArray([[1.0, 5.0], [3.0, 9.0]], dims=("time", "level"))
        >>> ds = xr.Dataset({"t": t.assign_coords(level=[850, 500]), "sst": ("time", [0.0, 4.0])})
        >>> constants = dn.adapt(ds, over="time").to_numpy(["sst", "t"], ("time", "channel"))
        >>> constants["channels"], constants["shift"]
        (['sst', ('t', 850), ('t', 500)], array([2., 2., 7.], dtype=float32))
        """
        from dasknorm.io.serving import make_constants

        return make_constants(self._layout(channels, dims), dtype)

    def to_torch(
        self,
        channels: list[Hashable] | None = None,
        dims: Sequence[Hashable] | None = None,
        *,
        dtype: DTypeLike = "float32",
    ) -> Any:
        """Return a ``torch.nn.Module`` that normalizes; its ``.inverse`` restores.

        The constants are buffers, which are saved and moved with the model. ``.channels`` is their
        order. See ``docs/training.md`` for a complete model.

        Parameters
        ----------
        channels, dims, dtype
            See `to_numpy`.

        Returns
        -------
        torch.nn.Module

        Raises
        ------
        MismatchError
            See `to_numpy`.
        """
        from dasknorm.io.serving import torch

        return torch.module(self._layout(channels, dims), dtype)

    def to_keras(
        self,
        channels: list[Hashable] | None = None,
        dims: Sequence[Hashable] | None = None,
        *,
        invert: bool = False,
    ) -> Any:
        """Return Keras' own ``Normalization`` layer; a saved model loads without dasknorm.

        Statistics with a transform, such as ``Transformed("log1p")``, give a ``keras.Model`` made
        of Keras operations.

        Keras stores the mean as one float32. The error of z is up to
        ``2**-24 * abs(mean) / std``: 6e-8 for a mean as large as the standard deviation, 6e-4 for
        a mean 1e4 times as large.

        Parameters
        ----------
        channels, dims
            See `to_numpy`.
        invert : bool, default False
            Return the layer that restores.

        Returns
        -------
        keras.layers.Normalization or keras.Model

        Raises
        ------
        MismatchError
            See `to_numpy`; also if a scale is below 1e-7, by which Keras does not divide.
        """
        from dasknorm.io.serving import keras

        return keras.layer(self._layout(channels, dims), invert)

    def to_sklearn(self) -> Any:
        """Return a fitted scaler of scikit-learn with these statistics.

        The scaler depends on the statistic: StandardScaler, MinMaxScaler, MaxAbsScaler or
        RobustScaler; with a transform, a pipeline of a FunctionTransformer and the scaler. It
        returns arrays; ``.set_output(transform="pandas")`` keeps names. For data of any size use
        ``dasknorm.sklearn.StandardScaler.from_stats``.

        Returns
        -------
        sklearn.base.BaseEstimator

        Raises
        ------
        MismatchError
            If the statistics are not per column of a DataFrame or along the last axis of an array.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import numpy as np
        >>> stats = dn.adapt(np.array([[1.0], [3.0]]), dn.Extrema())
        >>> stats.to_sklearn().transform(np.array([[2.0]]))  # doctest: +SKIP
        array([[0.5]])
        """
        from dasknorm.io.serving import sklearn

        return sklearn.fitted_scaler(drop_lags(self.compute().states))

    def _layout(self, channels: list[Hashable] | None, dims: Sequence[Hashable] | None) -> "Layout":
        from dasknorm.io.serving import make_layout

        if dims is None and self.container.endswith(".Series"):
            dims = ()  # a Series is one feature, like an array with one axis
        return make_layout(drop_lags(self.compute().states), channels, dims)

    def _checked_states(self) -> dict[Hashable, State]:
        checks.check_valid(self.states)
        return drop_lags(self.states)
