"""Parse and check the axis argument of the layer, and the mean and variance given for it.

Used by layer.normalization. Messages follow Keras, and its order of checks.
"""

import math
from collections.abc import Hashable
from dataclasses import replace
from numbers import Integral, Number
from typing import Any

import numpy as np

from dasknorm.api.stats import Stats
from dasknorm.containers import container_of
from dasknorm.containers.numpy import Array
from dasknorm.fields import Axes, Field, Fields, State
from dasknorm.fields.matching import kept_dims

__all__ = ["Sizes", "axes_of", "broadcast_stats", "format_sizes", "kept_sizes", "predefined_stats"]

Sizes = dict[Hashable, tuple[int | None, ...]]
"""For each field, its size along each kept axis; None where it lacks a named one."""


def axes_of(axis: Axes) -> tuple[Hashable, ...]:
    """Return the `axis` argument as a tuple of names and ints, in the order given."""
    if axis is None:
        return ()
    many = axis if isinstance(axis, (list, tuple, set, frozenset, range, np.ndarray)) else [axis]
    axes = tuple(_axis(name) for name in many)
    if len(set(axes)) < len(axes):
        raise ValueError(f"duplicate axes in axis={axes}; name each once")
    return axes


def _axis(axis: Any) -> Hashable:
    if isinstance(axis, Integral) and not isinstance(axis, bool):
        return int(axis)
    if axis is None or isinstance(axis, (Number, np.bool_)) or not isinstance(axis, Hashable):
        raise TypeError(
            "`axis` must be an integer, the name of a dimension, a sequence of them, or None; "
            f"got {axis!r} of type {type(axis).__name__}"
        )
    return axis


def kept_sizes(fields: Fields, axes: tuple[Hashable, ...]) -> Sizes:
    """Return each field's size along each of the axes; ValueError unless all are there, once."""
    for field in fields.values():
        _check_axes(field, axes, many=len(fields) > 1)
    kept_dims(fields, axes, None)  # refuses a name that no field has
    return {
        name if len(fields) > 1 else None: tuple(_size(field, axis) for axis in axes)
        for name, field in fields.items()
    }


def _check_axes(field: Field, axes: tuple[Hashable, ...], many: bool) -> None:
    for axis in axes:
        if not isinstance(axis, int) or axis in field.dims:
            continue
        if many:
            raise ValueError(
                f"`axis` must name dimensions of a Dataset, got {axis}: its variables share names, "
                "not positions; write axis='level', or axis=None for one mean for each variable"
            )
        if not field.has_axis(axis):
            raise np.exceptions.AxisError(
                "All `axis` values must be in the range [-ndim, ndim); "
                f"got axis={axis} for data of {len(field.dims)} dimensions"
            )
    positions = [field.axis_of(axis) for axis in axes if field.has_axis(axis)]
    if len(set(positions)) < len(positions):
        raise ValueError(f"duplicate axes: two of axis={axes} mean the same of {field.dims}")


def _size(field: Field, axis: Hashable) -> int | None:
    if not field.has_axis(axis):
        return None
    size = field.data.shape[field.axis_of(axis)]
    if math.isnan(size):
        raise ValueError(
            f"All `axis` values to be kept must have a known shape; it is unknown along {axis!r}. "
            "A Dask array learns it from x.compute_chunk_sizes()"
        )
    return int(size)


def format_sizes(sizes: Sizes) -> str:
    """Return sizes as they stand in an error message."""
    return str(sizes[None]) if None in sizes else str(sizes)


def predefined_stats(
    axes: tuple[Hashable, ...], mean: Any, variance: Any, epsilon: float
) -> Stats | None:
    """Return given numbers as statistics, checked in the order of Keras; None without any."""
    if mean is None and variance is None:
        return None
    if mean is None or variance is None:
        raise ValueError(
            "When setting values directly, both `mean` and `variance` must be set; "
            f"got mean={mean!r} and variance={variance!r}"
        )
    _check_bare("mean", mean)
    _check_bare("variance", variance)
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
    return Stats.from_values(mean, variance, epsilon=epsilon).compute()  # which refuses infinities


def _check_bare(name: str, values: Any) -> None:
    container = container_of(values)
    if not isinstance(container, Array):
        raise TypeError(
            f"`{name}` must be a number or an array, got a {container.name}, whose labels would be "
            "lost; write Normalization.from_stats(Stats.from_values(mean, variance)) to match by "
            "label"
        )
    container.fields(values)  # refuses what is not made of real numbers


def broadcast_stats(given: Stats, fields: Fields, axes: tuple[Hashable, ...]) -> Stats:
    """Broadcast given statistics, from the right, to the kept axes of each field."""
    state = given.states[None]
    records = state.data
    states = {}
    for name, dims in kept_dims(fields, axes, None).items():
        field = fields[name]
        shape = tuple(field.sizes()[dim] for dim in dims)
        try:
            data = np.broadcast_to(records, shape).copy()
        except ValueError:
            raise ValueError(
                f"`mean` and `variance` of shape {records.shape} do not broadcast to the kept "
                f"axes {dims}, which have shape {shape}; sizes are matched from the right"
            ) from None
        labels = {dim: index for dim, index in field.labels.items() if dim in dims}
        states[name] = State(data, dims, labels, dims, statistic=state.statistic)
    return replace(given, states=states)
