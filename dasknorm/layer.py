"""`Normalization`: a layer with the API of Keras, based on `adapt` and `Stats`.

Used by users. The differences from Keras are listed in the docstring of the class; messages and the
order of checks are those of Keras.
"""

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from numbers import Integral, Number
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from dasknorm.api.adapt import compute_stats
from dasknorm.api.request import Request
from dasknorm.api.stats import Stats
from dasknorm.blocks import output_dtype
from dasknorm.containers import container_named, container_of
from dasknorm.containers.batches import check_same_names, find_batches
from dasknorm.containers.numpy import Array
from dasknorm.errors import NotAdaptedError
from dasknorm.fields import Axes, Field, Fields, State, checks
from dasknorm.fields.coords import keep_coords
from dasknorm.fields.matching import kept_dims
from dasknorm.reports import provenance, table
from dasknorm.statistics import Moments, StandardScore

__all__ = ["Normalization"]

EPSILON = 1e-7
"""The smallest scale, as in Keras."""

Sizes = dict[Hashable, tuple[int | None, ...]]
"""For each field its size along each kept axis; None for a named axis that it does not have."""


class Normalization:
    """Normalize features to mean 0 and standard deviation 1, by Keras' rules.

    Parameters
    ----------
    axis : int, name, sequence of them, or None, default -1
        The axes to keep, with a mean and variance for each position; all others are reduced, also
        the first one. None reduces all. Names are those of xarray dimensions. The variables of a
        Dataset have only names in common, so an integer is an error there. The columns of a
        DataFrame are its last axis.
    mean, variance : float or array_like, optional
        Known values, both or neither. They broadcast, from the right, to the sizes of the kept axes
        in the order of the data. For labelled data they are assigned by position to the labels of
        the first call, and are matched by label from then on.
    invert : bool, default False
        Restore data: ``x * max(sqrt(variance), 1e-7) + mean``.
    dtype : dtype, optional
        A floating dtype for all results. By default a float keeps its dtype, booleans and integers
        up to 16 bits become float32, wider integers float64.

    Notes
    -----
    Deliberate differences from Keras 3:

    * a layer called before `adapt` raises NotAdaptedError; Keras returns its input;
    * values are accumulated and subtracted in float64 and cast once; Keras casts to float32 first;
    * a float input keeps its dtype, unless ``dtype`` is given; Keras returns float32;
    * complex numbers (TypeError), infinite values and a negative variance (ValueError) are errors;
    * a different number of features is a MismatchError; it is never broadcast, not even from 1;
    * `adapt` on a layer with a given mean and variance is a ValueError with advice;
    * NumPy integers are axes; booleans and floats are not (TypeError);
    * an axis named twice is a ValueError, such as ``(1, -1)`` for two dimensions;
    * a string is the name of one dimension, not a sequence of letters;
    * lists, DataFrames, xarray objects, and Dask arrays as a whole are data to adapt on;
    * missing values (NaN, NA, masked) are skipped, and stay missing;
    * `count` is the number of values of each feature; in Keras it stays 0;
    * constant data have a variance of exactly 0;
    * an `adapt` that fails or is interrupted does not change the layer.

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.layer import Normalization
    >>> layer = Normalization(axis=-1)
    >>> layer.adapt(np.array([[0, 7, 4], [2, 9, 6], [0, 7, 4], [2, 9, 6]]))
    >>> layer(np.array([[0.0, 7.0, 4.0]]))
    array([[-1., -1., -1.]])
    >>> Normalization(mean=3.0, variance=4.0, invert=True)([[1.0], [2.0]])
    array([[5.], [7.]])
    """

    def __init__(
        self,
        axis: Axes = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        *,
        dtype: DTypeLike | None = None,
    ) -> None:
        self.axis = _parse_axes(axis)
        self.invert = bool(invert)
        self.dtype = output_dtype(dtype)
        self._predefined = _parse_values(self.axis, mean, variance)
        self._stats: Stats | None = None
        self._sizes: Sizes | None = None
        self._rank: int | None = None

    @classmethod
    def from_stats(
        cls, stats: Stats, *, invert: bool = False, dtype: DTypeLike | None = None
    ) -> "Normalization":
        """Return a layer with existing statistics, from `adapt`, `load` or `Stats.from_values`.

        Its axis is that of the kept dimensions; its smallest scale is at least 1e-7.

        Examples
        --------
        >>> import dasknorm as dn
        >>> from dasknorm.layer import Normalization
        >>> Normalization.from_stats(dn.adapt([[1.0, 5.0], [3.0, 5.0]]))([[3.0, 5.0]])
        array([[1., 0.]])
        """
        dims = dict.fromkeys(dim for state in stats.states.values() for dim in state.dims)
        layer = cls(tuple(dims), invert=invert, dtype=dtype)
        states = {name: _with_epsilon(state) for name, state in stats.compute().states.items()}
        layer._stats = replace(stats, states=states)
        layer._sizes = _kept_sizes(stats.states, layer.axis)
        layer._rank = max((-dim for dim in dims if isinstance(dim, int)), default=0)
        return layer

    # -- computing statistics ---------------------------------------------------------------------

    def adapt(self, data: object) -> None:
        """Compute the mean and variance of data in one pass, discarding earlier ones.

        Parameters
        ----------
        data : array, DataFrame, Series, DataArray, Dataset, list, or iterable of batches
            If a batch is a tuple, its first element is used. Batches need equal kept sizes. Lists
            are read as by `dasknorm.adapt`: numbers are one array, arrays with two or more
            dimensions are batches.

        Raises
        ------
        ValueError
            If the data do not have an axis, if kept sizes differ from those that the layer was
            built with, or if the layer has a given mean and variance.
        TypeError
            If the data are not real numbers, or a list of one-dimensional arrays, which may be
            rows or batches.
        """
        self._merge_batches(data, None)

    def update(self, data: object) -> None:
        """Update the mean and variance with more data; data seen twice count twice."""
        self._merge_batches(data, self._stats)

    def _merge_batches(self, data: object, earlier: Stats | None) -> None:
        if self._predefined is not None or (self._stats and _is_predefined(self._stats)):
            raise ValueError(
                "Cannot `adapt` a Normalization layer that has a given `mean` and `variance`; "
                "create one without them: Normalization(axis=...)"
            )
        statistic = Moments(epsilon=EPSILON) if earlier is None else earlier.statistic
        stats, sizes, rank, count = None, self._sizes, self._rank, 0
        batches = find_batches(data)
        for count, batch in enumerate([data] if batches is None else batches, 1):
            fields = container_of(batch).fields(batch)
            sizes = self._check_sizes(fields, sizes, is_first=count == 1)
            rank = _max_rank(fields) if stats is None else rank
            part = compute_stats(batch, Request(statistic, keep=self.axis))
            for previous in filter(None, (stats, earlier)):
                check_same_names(part.states, previous.states)
            # All batches have one provenance: a list of all would grow with every step.
            stats = part if stats is None else replace(stats.merge(part), attrs=stats.attrs)
        if stats is None:
            raise ValueError("the iterable yielded no batches: it is empty or already exhausted")
        stats = replace(stats, attrs=provenance.extend_stream(stats.attrs, count - 1))
        stats = stats if earlier is None else earlier.merge(stats)
        checks.check_not_empty(stats.states, checks.count_values(stats.states))
        checks.check_plausible(stats.states)
        self._stats, self._sizes, self._rank = stats, sizes, rank

    def _check_sizes(self, fields: Fields, sizes: Sizes | None, is_first: bool = True) -> Sizes:
        """Return the kept sizes of fields; ValueError unless they equal earlier sizes."""
        new_sizes = _kept_sizes(fields, self.axis)
        if sizes is None or new_sizes == sizes:
            return new_sizes
        if is_first:
            raise ValueError(
                f"The layer was built with {_format_sizes(sizes)} along axis={self.axis}, got an "
                f"incompatible shape, {_format_sizes(new_sizes)}; create a new layer for these data"
            )
        raise ValueError(
            f"adapt() got a batch with incompatible shape: {_format_sizes(new_sizes)} along "
            f"axis={self.axis}; earlier batches have {_format_sizes(sizes)}"
        )

    # -- normalizing ------------------------------------------------------------------------------

    def __call__(self, x: Any) -> Any:
        """Return x normalized (restored, if ``invert``), in the same type of container."""
        if self._stats is None and self._predefined is not None:
            container = container_of(x)
            self._build(container.fields(x), container.name)
        stats = self._require_stats()
        return (stats.inverse if self.invert else stats.normalize)(x, dtype=self.dtype)

    def build(self, input_shape: Iterable[int | None]) -> None:
        """Fix the sizes of the kept axes; None is an unknown size.

        Raises
        ------
        ValueError
            If the shape does not have an axis, or not its size, or the mean does not broadcast.
        """
        shape = tuple(math.nan if size is None else size for size in input_shape)
        array = SimpleNamespace(shape=shape, ndim=len(shape))
        self._build({None: Field(array, tuple(range(-len(shape), 0)))}, Array.name)

    def _build(self, fields: Fields, container: str) -> None:
        sizes = self._check_sizes(fields, self._sizes)
        if self._predefined is not None:
            states = _broadcast(self._predefined.states[None], fields, self.axis)
            self._stats = replace(self._predefined, states=states, container=container)
        self._sizes, self._rank = sizes, _max_rank(fields)

    # -- results ----------------------------------------------------------------------------------

    @property
    def built(self) -> bool:
        """Whether the sizes of the kept axes are fixed."""
        return self._sizes is not None

    @property
    def stats(self) -> Stats | None:
        """The statistics, which can be saved and merged; None before `adapt`."""
        return self._stats

    @property
    def mean(self) -> Any:
        """The mean as float64: for an array with the kept size or 1 along each axis.

        For a DataFrame it is a Series by column; for an xarray object, one with the kept
        dimensions.
        """
        return self._result("mean")

    @property
    def variance(self) -> Any:
        """The population variance, in the form of `mean`."""
        return self._result("variance")

    @property
    def count(self) -> Any:
        """The number of values, in the form of `mean`; AttributeError if the mean was given."""
        return self._result("count")

    def _result(self, name: str) -> Any:
        stats = self._require_stats()
        values = stats.result(name)
        if not isinstance(container_named(stats.container), Array):
            return values
        (state,) = stats.states.values()
        sizes = state.sizes()
        rank = len(sizes) if self._rank is None else self._rank
        return np.reshape(values, [sizes.get(dim, 1) for dim in range(-rank, 0)])

    def _require_stats(self) -> Stats:
        stats = self._predefined if self._stats is None else self._stats
        if stats is None:
            raise NotAdaptedError(
                "this Normalization layer has no statistics; call layer.adapt(data) first, or "
                "create it with mean= and variance="
            )
        return stats

    # -- configuration ----------------------------------------------------------------------------

    def get_config(self) -> dict[str, object]:
        """Return the arguments of this layer as JSON types; its statistics are in `stats`."""
        stats = self._predefined
        return {
            "axis": list(self.axis),
            "mean": None if stats is None else stats.mean.tolist(),
            "variance": None if stats is None else stats.variance.tolist(),
            "invert": self.invert,
            "dtype": None if self.dtype is None else self.dtype.name,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Normalization":
        """Return a layer with the arguments in the result of `get_config`, without statistics."""
        return cls(**config)

    def __repr__(self) -> str:
        settings = [f"axis={self.axis!r}"]
        settings += ["invert=True"] if self.invert else []
        settings += [f"dtype={self.dtype.name}"] if self.dtype is not None else []
        if self._stats is None:
            state = "not adapted" if self._predefined is None else "given, not built"
        else:
            source = "given" if _is_predefined(self._stats) else "adapted"
            state = f"{source}, features: {table.count_features(self._stats.states)}"
        return f"<dasknorm.Normalization {', '.join(settings)}: {state}>"


def _with_epsilon(state: State) -> State:
    """Return a state whose standard deviation is at least Keras' epsilon, if it has one."""
    statistic = state.statistic
    if not isinstance(statistic, StandardScore):
        return state
    return replace(state, statistic=statistic.with_epsilon(max(statistic.epsilon, EPSILON)))


def _is_predefined(stats: Stats) -> bool:
    """Return whether all values were given without a count, and so cannot be merged."""
    return all(state.statistic.unmergeable_reason for state in stats.states.values())


# -- the axis argument ----------------------------------------------------------------------------


def _parse_axes(axis: Axes) -> tuple[Hashable, ...]:
    """Return the `axis` argument as a tuple of names and integers."""
    if axis is None:
        return ()
    names = axis if isinstance(axis, (list, tuple, set, frozenset, range, np.ndarray)) else [axis]
    axes = tuple(map(_parse_axis, names))
    if len(set(axes)) < len(axes):
        raise ValueError(f"duplicate axes in axis={axes}; name each axis once")
    return axes


def _parse_axis(axis: Any) -> Hashable:
    if isinstance(axis, Integral) and not isinstance(axis, bool):
        return int(axis)
    if axis is None or isinstance(axis, (Number, np.bool_)) or not isinstance(axis, Hashable):
        raise TypeError(
            "`axis` must be an integer, the name of a dimension, a sequence of them, or None; "
            f"got {axis!r} of type {type(axis).__name__}"
        )
    return axis


def _kept_sizes(fields: Fields, axes: tuple[Hashable, ...]) -> Sizes:
    """Return each field's size along each of the axes; ValueError unless each axis is there."""
    for field in fields.values():
        _check_axes(field, axes, is_dataset=len(fields) > 1)
    kept_dims(fields, axes, None)  # raises an error for a name that no field has
    return {
        name if len(fields) > 1 else None: tuple(_size(field, axis) for axis in axes)
        for name, field in fields.items()
    }


def _check_axes(field: Field, axes: tuple[Hashable, ...], is_dataset: bool) -> None:
    for axis in axes:
        if not isinstance(axis, int) or axis in field.dims:
            continue
        if is_dataset:
            raise ValueError(
                f"`axis` must name dimensions of a Dataset, got {axis}: its variables have names "
                "in common, not positions; write axis='level', or axis=None for one mean for each "
                "variable"
            )
        if not field.has_axis(axis):
            raise np.exceptions.AxisError(
                "All `axis` values must be in the range [-ndim, ndim); "
                f"got axis={axis} for data of {len(field.dims)} dimensions"
            )
    positions = [field.axis_of(axis) for axis in axes if field.has_axis(axis)]
    if len(set(positions)) < len(positions):
        raise ValueError(f"duplicate axes: two of axis={axes} are the same one of {field.dims}")


def _size(field: Field, axis: Hashable) -> int | None:
    if not field.has_axis(axis):
        return None
    size = field.data.shape[field.axis_of(axis)]
    if math.isnan(size):
        raise ValueError(
            f"All `axis` values to be kept must have a known shape; it is unknown along {axis!r}. "
            "For a Dask array, call x.compute_chunk_sizes() first"
        )
    return int(size)


def _format_sizes(sizes: Sizes) -> str:
    return str(sizes[None]) if None in sizes else str(sizes)


def _max_rank(fields: Fields) -> int:
    return max(len(field.dims) for field in fields.values())


# -- a given mean and variance --------------------------------------------------------------------


def _parse_values(axes: tuple[Hashable, ...], mean: Any, variance: Any) -> Stats | None:
    """Return the statistics of a given mean and variance; None without any."""
    if mean is None and variance is None:
        return None
    if mean is None or variance is None:
        raise ValueError(
            "When setting values directly, both `mean` and `variance` must be set; "
            f"got mean={mean!r} and variance={variance!r}"
        )
    _check_array("mean", mean)
    _check_array("variance", variance)
    if np.shape(mean) != np.shape(variance):
        raise ValueError(
            "`mean` and `variance` must have the same shape; "
            f"got {np.shape(mean)} and {np.shape(variance)}"
        )
    if np.ndim(mean) > len(axes):
        raise ValueError(
            "The rank of `mean` must be less than or equal to the number of axes; "
            f"got rank {np.ndim(mean)} and axis={axes}"
        )
    stats = Stats.from_values(mean, variance, epsilon=EPSILON)
    return stats.compute()  # which raises an error for infinities


def _check_array(name: str, values: Any) -> None:
    container = container_of(values)
    if not isinstance(container, Array):
        raise TypeError(
            f"`{name}` must be a number or an array, got a {container.name}, whose labels would be "
            "lost; write Normalization.from_stats(Stats.from_values(mean, variance)) to match by "
            "label"
        )
    container.fields(values)  # raises an error unless these are real numbers


def _broadcast(state: State, fields: Fields, axes: tuple[Hashable, ...]) -> dict[Hashable, State]:
    """Broadcast a given state, from the right, to the kept axes of each field."""
    states = {}
    for name, dims in kept_dims(fields, axes, None).items():
        field = fields[name]
        shape = tuple(field.sizes()[dim] for dim in dims)
        try:
            data = np.broadcast_to(state.data, shape).copy()
        except ValueError:
            raise ValueError(
                f"`mean` and `variance` of shape {state.data.shape} do not broadcast to the kept "
                f"axes {dims}, which have shape {shape}; sizes are matched from the right"
            ) from None
        labels = {dim: index for dim, index in field.labels.items() if dim in dims}
        coords = keep_coords(field.coords, dims)
        states[name] = State(data, dims, labels, dims, statistic=state.statistic, coords=coords)
    return states
