"""Convert statistics to objects of other libraries, which normalize without dasknorm.

Used by api.stats. A new library is one new module here, imported when it is called. A `Layout` is
the affine maps of statistics along the axes of a batch: each variable, at each of its levels, is a
channel; other axes may be kept too.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, NamedTuple, TypedDict

import numpy as np
from numpy.typing import DTypeLike

from dasknorm import kernels
from dasknorm.errors import MismatchError
from dasknorm.fields import State, States
from dasknorm.fields.labels import format_dim, format_dims

__all__ = ["Constants", "Layout", "make_constants", "make_layout"]

CHANNEL = "channel"
"""The name of the axis of channels among the axes of a batch."""


@dataclass(frozen=True)
class Layout:
    """An affine map that broadcasts along the last axes of a batch.

    Parameters
    ----------
    affine : ndarray of kernels.AFFINE
        Its axes are the last ones of the batch, of size 1 where nothing is kept.
    kept : tuple of (axis, size)
        Which axes have a number for each place; counted from the end, so that any batch fits.
    channels : tuple of hashable
        What stands along the axis of channels; empty where none has names.
    functions : mapping of name to ndarray of bool
        Those of `kernels.FUNCTIONS` that some of the numbers go through first; where, broadcasting
        as the map does.
    """

    affine: np.ndarray
    kept: tuple[tuple[int, int], ...]
    channels: tuple[Hashable, ...] = ()
    functions: Mapping[str, np.ndarray] = field(default_factory=dict)

    def parts(self, dtype: DTypeLike) -> dict[str, np.ndarray]:
        """Return shift, shift_rest and scale in float32 or float64; ValueError beyond its range.

        The rest is what the dtype has no digits for in the shift: 1e4 has 3 decimals in float32.
        """
        dtype = _constant_dtype(dtype)
        with np.errstate(over="ignore"):
            shift = self.affine["shift"].astype(dtype)
            rest = (self.affine["shift"] - shift) + self.affine["shift_rest"]
            scale = self.affine["scale"].astype(dtype)
        is_lost = np.isinf(shift) | np.isinf(scale) | (scale < np.finfo(dtype).tiny)
        if is_lost.any():
            worst = self.affine[is_lost][0]
            raise ValueError(
                f"a shift of {worst['shift']:g} and a scale of {worst['scale']:g} are beyond "
                f"{dtype}: write dtype='float64', or adapt on data in another unit"
            )
        return {"shift": shift, "shift_rest": rest.astype(dtype), "scale": scale}


class Constants(TypedDict):
    """A plain dict, which is unpickled where dasknorm is not installed."""

    shift: np.ndarray
    shift_rest: np.ndarray
    scale: np.ndarray
    channels: list[Hashable]
    functions: dict[str, np.ndarray]


def make_constants(layout: Layout, dtype: DTypeLike) -> Constants:
    """Return the numbers of ``(x - shift - shift_rest) / scale``, and the order of channels."""
    return Constants(
        **layout.parts(dtype),  # type: ignore[typeddict-item]
        channels=list(layout.channels),
        functions=dict(layout.functions),
    )


def make_layout(
    states: States,
    channels: Sequence[Hashable] | None = None,
    dims: Sequence[Hashable] | None = None,
) -> Layout:
    """Return the affine maps of states, laid along the axes of a batch.

    Parameters
    ----------
    states : mapping of name to Field
        In memory, and without lags.
    channels : list, optional
        The order of channels: variables, each with all its levels, or (variable, level); columns
        of a frame. All there are, in their own order, if left out.
    dims : sequence of hashable, optional
        The axes of the batch by name, that of channels as "channel". Statistics of a frame lie
        along its last axis and those of an array along the array's, if left out.

    Raises
    ------
    MismatchError
        If statistics are by group, a channel is unknown, or what is kept fits no axis.
    """
    maps = {name: replace(s, data=s.statistic.affine(s.data)) for name, s in states.items()}
    _refuse_groups(maps)
    is_bare = [isinstance(dim, int) for state in maps.values() for dim in state.dims]
    if any(is_bare) or (len(maps) == 1 and not is_bare and channels is dims is None):
        (field,) = maps.values()
        return _by_position(field, channels, dims)
    axes = _axes(maps, dims)
    if channels is None and len(maps) > 1 and all(s.has_columns for s in maps.values()):
        raise MismatchError(
            "columns of different statistics are not kept in the order of the frame: name it, "
            "channels=list(frame.columns)"
        )
    chosen = _chosen(
        [channel for name in maps for channel in _split(name, maps[name], axes)], channels
    )
    _refuse_other_grids(chosen, axes)
    return _stacked(chosen, axes)


class _Channel(NamedTuple):
    """A channel: its name, the variable it is of, and its map along the other axes of a batch."""

    name: Hashable
    variable: Hashable
    field: State
    affine: np.ndarray


def _by_position(field: State, channels: Any, dims: Any) -> Layout:
    if channels is not None or dims is not None:
        raise MismatchError(
            "the axes of an array have no names, and its statistics lie along its own axes: leave "
            "out channels= and dims=, or adapt on a DataArray"
        )
    sizes = field.sizes()
    rank = -min((int(dim) for dim in field.dims), default=0)  # type: ignore[call-overload]
    shape = [sizes.get(axis, 1) for axis in range(-rank, 0)]
    affine = field.data.reshape(shape)
    function = _function(field)
    through = {} if function is None else {function: np.ones(affine.shape, bool)}
    return Layout(affine, tuple(sorted(sizes.items())), (), through)  # type: ignore[arg-type]


def _axes(maps: States, dims: Sequence[Hashable] | None) -> list[Hashable]:
    """Return the names of a batch's axes, of which one is that of the channels, or none."""
    if dims is None and all(state.has_columns for state in maps.values()):
        return [CHANNEL]
    if dims is None:
        kept = {dim: None for state in maps.values() for dim in state.dims}
        raise MismatchError(
            f"these statistics are of {_words(list(maps))} and keep {format_dims(tuple(kept))}: "
            "name the axes of your batch, that of the channels 'channel', as "
            "dims=('time', 'channel', 'lat', 'lon')"
        )
    axes: list[Hashable] = [dims] if isinstance(dims, str) else list(dims)
    if len(set(axes)) < len(axes):
        raise ValueError(f"dims={dims!r} names an axis twice")
    return axes


def _split(name: Hashable, field: State, axes: list[Hashable]) -> Iterator[_Channel]:
    """Yield the channels of a variable: one for each place along what is no axis of the batch."""
    grid, sizes = _grid(axes), field.sizes()
    channel_dims = [dim for dim in field.dims if dim not in grid]
    order = [field.dims.index(dim) for dim in (*channel_dims, *grid) if dim in field.dims]
    rows = field.data.transpose(order).reshape(-1, *(sizes.get(dim, 1) for dim in grid))
    labels = [
        field.labels[dim].tolist() if dim in field.labels else range(sizes[dim])
        for dim in channel_dims
    ]
    variable = None if "columns" in channel_dims else name  # columns have no variable
    for place, row in zip(product(*labels), rows, strict=True):
        full = place if variable is None else (variable, *place)
        yield _Channel(full[0] if len(full) == 1 else full or None, variable, field, row)


def _grid(axes: list[Hashable]) -> list[Hashable]:
    return [dim for dim in axes if dim != CHANNEL]


def _chosen(
    channels_of_maps: list[_Channel], channels: Sequence[Hashable] | None
) -> list[_Channel]:
    """Return the channels asked for, in that order: each by its name, or all of a variable."""
    if channels is None:
        return channels_of_maps
    if not isinstance(channels, list):
        raise TypeError(
            f"channels= takes a list, in the order of your tensor, got {channels!r}; a tuple is "
            "one name, as ('t', 500)"
        )
    by_name: dict[Hashable, list[_Channel]] = {}
    for channel in channels_of_maps:
        by_name.setdefault(channel.variable, []).append(channel)
    by_name |= {channel.name: [channel] for channel in channels_of_maps}
    if unknown := [name for name in channels if name not in by_name]:
        raise MismatchError(
            f"there are no channels {unknown}; known are "
            f"{_words([channel.name for channel in channels_of_maps])}"
        )
    chosen = [channel for name in channels for channel in by_name[name]]
    if not chosen or len({channel.name for channel in chosen}) < len(chosen):
        raise ValueError(f"channels={channels!r} names a channel twice, or none")
    return chosen


def _stacked(chosen: list[_Channel], axes: list[Hashable]) -> Layout:
    """Stack maps of channels along their axis, and leave out axes in front where none is kept."""
    names = tuple(channel.name for channel in chosen)
    if CHANNEL not in axes and len(chosen) > 1:
        raise MismatchError(
            f"there are several channels, {_words(names)}, and dims={axes} has no axis for "
            "them: name it 'channel'; or name one of them, channels=[...]"
        )
    kept = {CHANNEL, *(dim for channel in chosen for dim in channel.field.dims)}
    kept_axes = [at for at, dim in enumerate(axes) if dim in kept]
    affine = np.stack(np.broadcast_arrays(*(channel.affine for channel in chosen)))
    functions = np.array([_function(channel.field) or "" for channel in chosen])
    functions = functions.reshape(-1, *(1,) * (affine.ndim - 1))

    def along(array: np.ndarray) -> np.ndarray:
        array = np.moveaxis(array, 0, axes.index(CHANNEL)) if CHANNEL in axes else array[0]
        return array.reshape(array.shape[kept_axes[0] :] if kept_axes else ())

    affine = along(affine)
    return Layout(
        affine,
        kept=tuple((at - len(axes), affine.shape[at - len(axes)]) for at in kept_axes),
        channels=names if CHANNEL in axes else (),
        functions={
            name: along(functions == name) for name in np.unique(functions).tolist() if name
        },
    )


def _function(field: State) -> str | None:
    """Return the function that data go through before the affine map; MismatchError if unknown."""
    statistic = field.statistic
    if statistic.transform:
        return statistic.transform
    if statistic.kernel(kernels.standardize) is not kernels.standardize:
        raise MismatchError(
            f"{statistic} is more than a shift and a scale, and stays with its Stats"
        )
    return None


def _refuse_groups(states: States) -> None:
    """Raise MismatchError if statistics are by group: a constant does not know which."""
    for state in states.values():
        if state.group_dim is not None:
            raise MismatchError(
                f"statistics by {format_dim(state.group_dim)} have numbers for each group, and "
                "constants do not know the group of a sample: normalize(data) before training, "
                "or adapt without by="
            )


def _refuse_other_grids(chosen: list[_Channel], axes: list[Hashable]) -> None:
    """Raise MismatchError unless channels have the same places along each axis of the batch."""
    for dim in _grid(axes):
        first, *others = [channel for channel in chosen if dim in channel.field.dims] or [chosen[0]]
        for other in others:
            mine, theirs = (channel.field.labels.get(dim) for channel in (first, other))
            same = first.field.sizes()[dim] == other.field.sizes()[dim]
            if not same or (mine is not None and theirs is not None and not mine.equals(theirs)):
                raise MismatchError(
                    f"{first.name!r} and {other.name!r} do not have the same places along "
                    f"{format_dim(dim)}, and are no channels of one tensor: take some, "
                    "channels=[...]"
                )


def _words(names: Sequence[Hashable]) -> str:
    return ", ".join(map(repr, names[:6])) + (", ..." if len(names) > 6 else "")


def _constant_dtype(dtype: DTypeLike) -> np.dtype:
    try:
        result = np.dtype(dtype)
    except TypeError:
        result = None
    if result not in (np.float32, np.float64):
        raise TypeError(
            f"constants are kept in float32 or float64, got dtype={dtype!r}; batches of float16 "
            "and bfloat16 are calculated with these, and come out as they were"
        )
    return result
