"""Convert statistics to objects of other libraries, which normalize without dasknorm.

Used by api.stats, io.serving.keras and io.serving.torch. To add a library, add a module. A `Layout`
holds affine maps along the axes of a batch: each variable, at each of its levels, is a channel.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import NamedTuple, TypedDict

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
        One element per position along the last axes of the batch; size 1 along reduced axes.
    kept : tuple of (axis, size)
        The kept axes, counted from the end.
    channels : tuple of hashable
        The names along the axis of channels; empty without names.
    functions : mapping of name to ndarray of bool
        The functions that are applied first, and to which elements.
    """

    affine: np.ndarray
    kept: tuple[tuple[int, int], ...]
    channels: tuple[Hashable, ...] = ()
    functions: Mapping[str, np.ndarray] = field(default_factory=dict)

    def parts(self, dtype: DTypeLike) -> dict[str, np.ndarray]:
        """Return shift, shift_rest and scale in float32 or float64; ValueError if out of range."""
        dtype = _check_dtype(dtype)
        with np.errstate(over="ignore"):
            shift = self.affine["shift"].astype(dtype)
            # The digits that the dtype lacks: 1e4 has 3 decimals in float32.
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
    """Return the constants of ``(x - shift - shift_rest) / scale``, and the order of channels."""
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
    """Return the affine maps of states in memory along the axes of a batch (`Stats.to_numpy`)."""
    maps = {name: replace(s, data=s.statistic.affine(s.data)) for name, s in states.items()}
    _check_ungrouped(maps)
    is_unnamed = [isinstance(dim, int) for state in maps.values() for dim in state.dims]
    if any(is_unnamed) or (len(maps) == 1 and not is_unnamed and channels is dims is None):
        (field,) = maps.values()
        return _layout_by_position(field, channels, dims)
    axes = _parse_axes(maps, dims)
    if channels is None and len(maps) > 1 and all(s.has_columns for s in maps.values()):
        raise MismatchError(
            "columns of different statistics are not stored in the order of the DataFrame: write "
            "channels=list(frame.columns)"
        )
    available = [channel for name, field in maps.items() for channel in _split(name, field, axes)]
    selected = available if channels is None else _select(available, channels)
    _check_same_grid(selected, axes)
    return _stack(selected, axes)


class _Channel(NamedTuple):
    """A channel, its variable, and its map along the other axes of a batch."""

    name: Hashable
    variable: Hashable
    field: State
    affine: np.ndarray


def _layout_by_position(field: State, channels: object, dims: object) -> Layout:
    if channels is not None or dims is not None:
        raise MismatchError(
            "the axes of an array have no names: leave out channels= and dims=, or adapt on a "
            "DataArray"
        )
    sizes = field.sizes()
    rank = -min((int(dim) for dim in field.dims), default=0)  # type: ignore[call-overload]
    shape = [sizes.get(axis, 1) for axis in range(-rank, 0)]
    affine = field.data.reshape(shape)
    function = _function(field)
    functions = {} if function is None else {function: np.ones(affine.shape, bool)}
    return Layout(affine, tuple(sorted(sizes.items())), (), functions)  # type: ignore[arg-type]


def _parse_axes(maps: States, dims: Sequence[Hashable] | None) -> list[Hashable]:
    """Return the names of the axes of a batch; one of them may be that of the channels."""
    if dims is None and all(state.has_columns for state in maps.values()):
        return [CHANNEL]
    if dims is None:
        kept = {dim: None for state in maps.values() for dim in state.dims}
        raise MismatchError(
            f"the statistics of {_quote(list(maps))} are kept along {format_dims(tuple(kept))}: "
            "name the axes of your batch, such as dims=('time', 'channel', 'lat', 'lon')"
        )
    axes: list[Hashable] = [dims] if isinstance(dims, str) else list(dims)
    if len(set(axes)) < len(axes):
        raise ValueError(f"dims={dims!r} names an axis twice")
    return axes


def _split(name: Hashable, field: State, axes: list[Hashable]) -> Iterator[_Channel]:
    """Yield the channels of a variable: one per position along dimensions that are not axes."""
    grid, sizes = [dim for dim in axes if dim != CHANNEL], field.sizes()
    channel_dims = [dim for dim in field.dims if dim not in grid]
    order = [field.dims.index(dim) for dim in (*channel_dims, *grid) if dim in field.dims]
    rows = field.data.transpose(order).reshape(-1, *(sizes.get(dim, 1) for dim in grid))
    labels = [
        field.labels[dim].tolist() if dim in field.labels else range(sizes[dim])
        for dim in channel_dims
    ]
    variable = None if "columns" in channel_dims else name  # columns have no variable
    for position, row in zip(product(*labels), rows, strict=True):
        key = position if variable is None else (variable, *position)
        yield _Channel(key[0] if len(key) == 1 else key or None, variable, field, row)


def _select(available: list[_Channel], names: Sequence[Hashable]) -> list[_Channel]:
    """Return the named channels in order; the name of a variable stands for all its channels."""
    if not isinstance(names, list):
        raise TypeError(
            f"channels= must be a list in the order of your tensor, got {names!r}; a tuple is one "
            "name, such as ('t', 500)"
        )
    by_name: dict[Hashable, list[_Channel]] = {}
    for channel in available:
        by_name.setdefault(channel.variable, []).append(channel)
    by_name |= {channel.name: [channel] for channel in available}
    if unknown := [name for name in names if name not in by_name]:
        raise MismatchError(
            f"no channels {unknown}; available: {_quote([channel.name for channel in available])}"
        )
    selected = [channel for name in names for channel in by_name[name]]
    if not selected or len({channel.name for channel in selected}) < len(selected):
        raise ValueError(f"channels={names!r} names a channel twice, or none")
    return selected


def _stack(channels: list[_Channel], axes: list[Hashable]) -> Layout:
    """Stack maps of channels along their axis, without reduced axes in front."""
    names = tuple(channel.name for channel in channels)
    if CHANNEL not in axes and len(channels) > 1:
        raise MismatchError(
            f"there are several channels, {_quote(names)}, but dims={axes} has no axis 'channel': "
            "add it, or select one channel, channels=[...]"
        )
    kept = {CHANNEL, *(dim for channel in channels for dim in channel.field.dims)}
    kept_axes = [axis for axis, dim in enumerate(axes) if dim in kept]
    affine = np.stack(np.broadcast_arrays(*(channel.affine for channel in channels)))
    functions = np.array([_function(channel.field) or "" for channel in channels])
    functions = functions.reshape(-1, *(1,) * (affine.ndim - 1))

    def move_channels(array: np.ndarray) -> np.ndarray:
        array = np.moveaxis(array, 0, axes.index(CHANNEL)) if CHANNEL in axes else array[0]
        return array.reshape(array.shape[kept_axes[0] :] if kept_axes else ())

    affine = move_channels(affine)
    return Layout(
        affine,
        tuple((axis - len(axes), affine.shape[axis - len(axes)]) for axis in kept_axes),
        names if CHANNEL in axes else (),
        {name: move_channels(functions == name) for name in np.unique(functions).tolist() if name},
    )


def _function(field: State) -> str | None:
    """Return the function before the affine map; MismatchError for any other map."""
    statistic = field.statistic
    if not statistic.transform and statistic.kernel(kernels.standardize) is not kernels.standardize:
        raise MismatchError(f"{statistic} is more than a shift and a scale: use Stats.normalize")
    return statistic.transform or None


def _check_ungrouped(states: States) -> None:
    for state in states.values():
        if state.group_dim is not None:
            raise MismatchError(
                f"statistics by {format_dim(state.group_dim)} have numbers for each group, and the "
                "group of a sample is unknown: normalize(data) before training, or adapt without "
                "by="
            )


def _check_same_grid(channels: list[_Channel], axes: list[Hashable]) -> None:
    """Raise MismatchError unless channels have the same labels along the axes of the batch."""
    for dim in axes:
        on_grid = [c for c in channels if dim in c.field.dims and dim != CHANNEL]
        for first, other in product(on_grid[:1], on_grid):
            labels = [c.field.labels[dim] for c in (first, other) if dim in c.field.labels]
            is_same_size = first.field.sizes()[dim] == other.field.sizes()[dim]
            if not is_same_size or (labels and not labels[0].equals(labels[-1])):
                raise MismatchError(
                    f"{first.name!r} and {other.name!r} do not have the same labels along "
                    f"{format_dim(dim)}, so they cannot be channels of one tensor: select some, "
                    "channels=[...]"
                )


def _quote(names: Sequence[Hashable]) -> str:
    return ", ".join(map(repr, names[:6])) + (", ..." if len(names) > 6 else "")


def _check_dtype(dtype: DTypeLike) -> np.dtype:
    try:
        result = np.dtype(dtype)
    except TypeError:
        result = None
    if result not in (np.float32, np.float64):
        raise TypeError(
            f"dtype must be float32 or float64, got {dtype!r}; batches of float16 and bfloat16 are "
            "calculated in it, and returned in their own dtype"
        )
    return result
