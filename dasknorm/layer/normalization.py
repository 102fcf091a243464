"""`Normalization`: a layer with the API of Keras, based on `adapt` and `Stats`.

Used by layer. Its differences from Keras are listed in the class docstring.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from dasknorm.api.adapt import compute_stats
from dasknorm.api.request import Request
from dasknorm.api.stats import Stats
from dasknorm.blocks import output_dtype
from dasknorm.containers import container_named, container_of
from dasknorm.containers.batches import check_same_names, iterate_batches
from dasknorm.containers.numpy import Array
from dasknorm.errors import NotAdaptedError
from dasknorm.fields import Axes, Field, Fields, State, checks
from dasknorm.layer.axes import (
    Sizes,
    axes_of,
    broadcast_stats,
    format_sizes,
    kept_sizes,
    predefined_stats,
)
from dasknorm.reports import provenance, table
from dasknorm.statistics import Moments, StandardScore

__all__ = ["Normalization"]

EPSILON = 1e-7
"""The least scale there is, as in Keras."""


class Normalization:
    """Bring features to mean 0 and standard deviation 1, by Keras' rules.

    Parameters
    ----------
    axis : int, name, sequence of them, or None, default -1
        The axes that keep a mean and variance of their own; all others are merged, the first one
        too. None merges all. Names are those of xarray dimensions; the variables of a Dataset
        share names only, so there integers are refused. A frame's columns are its last axis.
    mean, variance : float or array_like, optional
        Known beforehand, both or neither. They broadcast, aligned to the right, to the sizes
        of the kept axes in the order of the data. On labelled data they bind by position to
        the labels of the first call, and by label from then on.
    invert : bool, default False
        Map back: ``x * max(sqrt(variance), 1e-7) + mean``.
    dtype : dtype, optional
        A floating dtype for all results. By default a float keeps its own, booleans and integers
        up to 16 bits become float32, wider ones float64.

    Notes
    -----
    Where it departs from Keras 3, on purpose:

    * a layer called before `adapt` raises NotAdaptedError; Keras returns its input;
    * it accumulates and subtracts in float64 and casts once; Keras casts to float32 first;
    * a float input keeps its dtype, unless ``dtype`` is given; Keras returns float32;
    * complex numbers (TypeError), infinite values and a negative variance (ValueError) are refused;
    * another number of features is refused (MismatchError), never broadcast, not even from 1;
    * `adapt` on a layer that was given its mean and variance is a ValueError that says what to do;
    * NumPy integers are axes; booleans and floats are not (TypeError);
    * an axis named twice is refused (ValueError), as ``(1, -1)`` is on two dimensions;
    * a string is the name of one dimension, not a sequence of letters;
    * lists, frames, xarray objects, and Dask arrays as a whole are data to adapt on;
    * missing values (NaN, NA, masked) are skipped, and stay missing;
    * `count` is real, for each feature; in Keras it stays 0;
    * constant data have a variance of exactly 0;
    * an `adapt` that fails or is interrupted leaves the layer as it was.

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
        self.axis = axes_of(axis)
        self.invert = bool(invert)
        self.dtype = output_dtype(dtype)
        self._given = predefined_stats(self.axis, mean, variance, EPSILON)
        self._stats: Stats | None = None
        self._sizes: Sizes | None = None
        self._rank: int | None = None

    @classmethod
    def from_stats(
        cls, stats: Stats, *, invert: bool = False, dtype: DTypeLike | None = None
    ) -> "Normalization":
        """Return a layer with statistics learned elsewhere: by `adapt`, loaded, or given by label.

        Its axis is what the statistics keep, its least scale 1e-7 whatever theirs was.

        Examples
        --------
        >>> import dasknorm as dn
        >>> from dasknorm.layer import Normalization
        >>> Normalization.from_stats(dn.adapt([[1.0, 5.0], [3.0, 5.0]]))([[3.0, 5.0]])
        array([[1., 0.]])
        """
        dims = dict.fromkeys(dim for state in stats.states.values() for dim in state.dims)
        layer = cls(tuple(dims), invert=invert, dtype=dtype)
        states = {name: _clamped(state) for name, state in stats.compute().states.items()}
        layer._stats = replace(stats, states=states)
        layer._sizes = kept_sizes(stats.states, layer.axis)
        layer._rank = max((-dim for dim in dims if isinstance(dim, int)), default=0)
        return layer

    # -- learning ---------------------------------------------------------------------------------

    def adapt(self, data: object) -> None:
        """Forget what was learned, and learn the mean and variance of data in one pass.

        Parameters
        ----------
        data : array, DataFrame, Series, DataArray, Dataset, list, or iterable of batches
            Of a batch that is a tuple, element 0 is taken. Batches need equal kept sizes.

        Raises
        ------
        ValueError
            If an axis is not there, kept sizes differ from those the layer was built with, or
            mean and variance were given.
        TypeError
            If data are not of real numbers.
        """
        self._learn(data, None)

    def update(self, data: object) -> None:
        """Learn from more data without forgetting; data seen twice count twice."""
        self._learn(data, self._stats)

    def _learn(self, data: object, known: Stats | None) -> None:
        if self._given is not None or (self._stats and _is_given(self._stats)):
            raise ValueError(
                "Cannot `adapt` a Normalization layer that was given its `mean` and `variance`; "
                "make one without them, Normalization(axis=...), to learn them from data"
            )
        statistic = Moments(epsilon=EPSILON) if known is None else known.statistic
        learned, sizes, rank, count = None, self._sizes, self._rank, 0
        for count, batch in enumerate(iterate_batches(data), 1):
            fields = container_of(batch).fields(batch)
            sizes = self._fitting(fields, sizes, later=count > 1)
            rank = _rank(fields) if learned is None else rank
            part = compute_stats(batch, Request(statistic, keep=self.axis))
            for before in filter(None, (learned, known)):
                check_same_names(part.states, before.states)
            # One provenance for all batches: merging theirs would grow with every step.
            learned = part if learned is None else replace(learned.merge(part), attrs=learned.attrs)
        if learned is None:
            raise ValueError("there was no batch to adapt on: the iterable is empty, or used up")
        learned = replace(learned, attrs=provenance.extend_stream(learned.attrs, count - 1))
        learned = learned if known is None else known.merge(learned)
        checks.check_not_empty(learned.states)
        self._stats, self._sizes, self._rank = learned, sizes, rank

    def _fitting(self, fields: Fields, sizes: Sizes | None, later: bool = False) -> Sizes:
        """Return the kept sizes of fields; ValueError unless they are those known already."""
        new_sizes = kept_sizes(fields, self.axis)
        if sizes is None or new_sizes == sizes:
            return new_sizes
        if later:
            raise ValueError(
                f"adapt() yielded a batch with incompatible shape: along axis={self.axis} it has "
                f"{format_sizes(new_sizes)}, the batches before {format_sizes(sizes)}"
            )
        raise ValueError(
            f"The layer was built with {format_sizes(sizes)} along axis={self.axis}, but is called "
            f"with an incompatible shape, {format_sizes(new_sizes)}; make a new layer for it"
        )

    # -- mapping ----------------------------------------------------------------------------------

    def __call__(self, x: Any) -> Any:
        """Return x normalized (mapped back, if ``invert``), as the same kind of container."""
        if self._stats is None and self._given is not None:
            container = container_of(x)
            self._build(container.fields(x), container.name)
        stats = self._known()
        return (stats.inverse if self.invert else stats.normalize)(x, dtype=self.dtype)

    def build(self, input_shape: Iterable[int | None]) -> None:
        """Fix the sizes of the kept axes; None stands for a size not known.

        Raises
        ------
        ValueError
            If an axis is not there or not known, or a given mean does not broadcast.
        """
        shape = tuple(math.nan if size is None else size for size in input_shape)
        bare = SimpleNamespace(shape=shape, ndim=len(shape))
        self._build({None: Field(bare, tuple(range(-len(shape), 0)))}, Array.name)

    def _build(self, fields: Fields, container: str) -> None:
        sizes = self._fitting(fields, self._sizes)
        if self._given is not None:
            self._stats = replace(
                broadcast_stats(self._given, fields, self.axis), container=container
            )
        self._sizes, self._rank = sizes, _rank(fields)

    # -- reading ----------------------------------------------------------------------------------

    @property
    def built(self) -> bool:
        """Whether the sizes of the kept axes are fixed."""
        return self._sizes is not None

    @property
    def stats(self) -> Stats | None:
        """The statistics, to be saved, merged or read; None before there are any."""
        return self._stats

    @property
    def mean(self) -> Any:
        """The mean as float64: the kept size or 1 along each axis of an array.

        Of a frame, a Series by column; of xarray objects, their kin, with the kept dimensions.
        """
        return self._read("mean")

    @property
    def variance(self) -> Any:
        """The population's variance, in the form of `mean`."""
        return self._read("variance")

    @property
    def count(self) -> Any:
        """The number of values counted, in the form of `mean`; none if mean was given."""
        return self._read("count")

    def _read(self, name: str) -> Any:
        stats = self._known()
        reading = stats.result(name)
        if not isinstance(container_named(stats.container), Array):
            return reading
        (state,) = stats.states.values()
        sizes = state.sizes()
        rank = len(sizes) if self._rank is None else self._rank
        return np.reshape(reading, [sizes.get(dim, 1) for dim in range(-rank, 0)])

    def _known(self) -> Stats:
        stats = self._given if self._stats is None else self._stats
        if stats is None:
            raise NotAdaptedError(
                "this Normalization layer has not seen any data; call layer.adapt(data) first, or "
                "make it with mean= and variance="
            )
        return stats

    # -- keeping ----------------------------------------------------------------------------------

    def get_config(self) -> dict[str, object]:
        """Return what makes this layer, fit for JSON; what it has learned is in `stats`."""
        given = self._given
        return {
            "axis": list(self.axis),
            "mean": None if given is None else given.mean.tolist(),
            "variance": None if given is None else given.variance.tolist(),
            "invert": self.invert,
            "dtype": None if self.dtype is None else self.dtype.name,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Normalization":
        """Return a layer made of what `get_config` returned; it has learned nothing yet."""
        return cls(**config)

    def __repr__(self) -> str:
        settings = [f"axis={self.axis!r}"]
        settings += ["invert=True"] if self.invert else []
        settings += [f"dtype={self.dtype.name}"] if self.dtype is not None else []
        if self._stats is None:
            state = "not adapted" if self._given is None else "given, not built"
        else:
            how = "given" if _is_given(self._stats) else "adapted"
            state = f"{how}, features: {table.count_features(self._stats.states)}"
        return f"<dasknorm.Normalization {', '.join(settings)}: {state}>"


def _clamped(state: State) -> State:
    """Return a state whose standard deviation is at least Keras' epsilon, if it has one."""
    statistic = state.statistic
    if not isinstance(statistic, StandardScore):
        return state
    return replace(state, statistic=statistic.with_epsilon(max(statistic.epsilon, EPSILON)))


def _is_given(stats: Stats) -> bool:
    """Check whether all numbers were given without a count, and so do not merge."""
    return all(state.statistic.unmergeable_reason for state in stats.states.values())


def _rank(fields: Fields) -> int:
    return max(len(field.dims) for field in fields.values())
