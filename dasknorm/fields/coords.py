"""Coordinates without an index: the identifier of a station, the latitude of a WRF grid cell.

Used by containers, fields, io and layer. `find_labels` and `compare_coords` decide which data match
along a dimension that has no index.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from dasknorm.errors import MismatchError
from dasknorm.fields.labels import RELATIVE_TOLERANCE, format_dims

Positions = Mapping[Hashable, np.ndarray | int | None]
"""By dimension: positions to take in this order, a single one, or None for all, in order."""


@dataclass(frozen=True, eq=False)
class Coord:
    """A coordinate along dimensions of a field; variables of a Dataset share the same object.

    Parameters
    ----------
    dims : tuple of hashable
        The name of each axis.
    data : array_like
        The values. In data they may be in a file; in statistics they are a NumPy array.
    attrs : mapping
        Attributes, such as units.
    """

    dims: tuple[Hashable, ...]
    data: Any
    attrs: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def loaded(self) -> "Coord":
        """This coordinate with a copy of its values in memory; they are read once."""
        return Coord(self.dims, np.array(self.data), dict(self.attrs))

    @property
    def values(self) -> np.ndarray:
        """The values as a NumPy array."""
        is_array = isinstance(self.data, np.ndarray)
        return self.data if is_array else self.loaded.data

    def take(self, positions: Positions) -> "Coord":
        """Return the part of this coordinate at some positions; a single one drops an axis."""
        if all(positions[dim] is None for dim in self.dims):
            return self
        data = self.values
        for axis, dim in reversed([*enumerate(self.dims)]):
            if (taken := positions[dim]) is not None:
                data = np.take(data, taken, axis)
        return Coord(_remaining(self.dims, positions), data, self.attrs)

    def equals(self, other: "Coord") -> bool:
        """Return whether dimensions, dtypes and all values are the same; NaN equals NaN."""
        values, other_values = self.values, other.values
        dtype, other_dtype = (  # files do not keep the width of text
            v.dtype.kind if v.dtype.kind in "US" else v.dtype for v in (values, other_values)
        )
        return (
            (self.dims, dtype, values.shape) == (other.dims, other_dtype, other_values.shape)
        ) and bool(_are_equal(values, other_values, 0.0).all())


Coords = Mapping[Hashable, Coord]
"""The coordinates of a field by name, except for indexes."""


def are_equal(coords: Coords, other_coords: Coords) -> bool:
    """Return whether all coordinates are the same on both sides."""
    return coords.keys() == other_coords.keys() and all(
        coord is other_coords[name] or coord.equals(other_coords[name])
        for name, coord in coords.items()
    )


def keep_coords(coords: Coords, dims: tuple[Hashable, ...]) -> dict[Hashable, Coord]:
    """Return the coordinates along these dimensions only, in memory; others are not read."""
    return {name: c.loaded for name, c in coords.items() if c.dims and set(c.dims) <= set(dims)}


def find_labels(
    coords: Coords, other_coords: Coords, dim: Hashable
) -> tuple[pd.Index, pd.Index, Hashable] | None:
    """Return the other labels, the labels and the name of the coordinate that identifies positions.

    Return None if no coordinate does so in both fields, or if they agree position by position. The
    first unique coordinate is taken; floats come last, as they identify less well.
    """
    shared = {
        name: (coord.values, other_coords[name].values)
        for name, coord in coords.items()
        if coord.dims == (dim,) and name in other_coords and other_coords[name].dims == (dim,)
    }
    if all(_agree(values, other_values) for values, other_values in shared.values()):
        return None
    for name in sorted(shared, key=lambda name: shared[name][0].dtype.kind == "f"):
        labels, other_labels = map(_make_index, shared[name])
        if _is_identifier(labels) and not other_labels.hasnans:
            return other_labels, labels, name
    return None


def find_scalar(
    coords: Coords, index: pd.Index | None, other_coords: Coords, dim: Hashable
) -> tuple[pd.Index, pd.Index, Hashable] | None:
    """Return the label that was selected from a dimension, the labels along it, and their name.

    Return None if the other field has no scalar coordinate of the name.
    """
    available: dict[Hashable, Any] = {dim: index}
    if index is None:
        available = {n: _make_index(c.values) for n, c in coords.items() if c.dims == (dim,)}
    for name, labels in available.items():
        scalar = other_coords.get(name)
        if scalar is None or scalar.dims or labels.nlevels > 1:
            continue
        if index is not None or _is_identifier(labels):
            return _make_index(scalar.values.reshape(1)), labels, name
    return None


def dim_labels(coords: Coords, dim: Hashable) -> pd.Index | None:
    """Return the coordinate with the name of a dimension, for which xarray has no index."""
    coord = coords.get(dim)
    return None if coord is None or coord.dims != (dim,) else _make_index(coord.values)


def _is_identifier(labels: pd.Index) -> bool:
    """Return whether labels are unique and complete; booleans are a mask."""
    return labels.dtype != bool and not labels.hasnans and labels.is_unique


def compare_coords(coords: Coords, other_coords: Coords, positions: Positions, role: str) -> None:
    """Raise MismatchError if a coordinate of two fields differs at the matched positions."""
    for name, coord in coords.items():
        other_coord = other_coords.get(name)
        if other_coord is None or not other_coord.dims or not {*coord.dims} <= positions.keys():
            continue
        dims = _remaining(coord.dims, positions)
        if {*dims} != {*other_coord.dims}:
            continue
        order = [dims.index(dim) for dim in other_coord.dims]
        values, other_values = coord.take(positions).values.transpose(order), other_coord.values
        differs = ~_are_equal(values, other_values, _tolerance(values, other_values))
        if differs.any():
            index = tuple(np.argwhere(differs)[0].tolist())
            first = ", ".join(f"{dim}={i}" for dim, i in zip(other_coord.dims, index, strict=True))
            raise MismatchError(
                f"the coordinate {name!r} of the data differs from that of the {role} at "
                f"{differs.sum():,} of {differs.size:,} positions, first at {first}: "
                f"{other_values[index]} and {values[index]}. There is no index along "
                f"{format_dims(other_coord.dims)}, so positions must agree: use data on the "
                "same grid, in the same order. If the difference is meant, write "
                f"data.drop_vars({name!r})"
            )


def _remaining(dims: tuple[Hashable, ...], positions: Positions) -> tuple[Hashable, ...]:
    """Return the dimensions along which more than a single position is taken."""
    return tuple(dim for dim in dims if not isinstance(positions[dim], int))


def _agree(values: np.ndarray, other_values: np.ndarray) -> bool:
    """Return whether values are the same, position by position, within the tolerance."""
    if values.shape != other_values.shape:
        return False
    return bool(_are_equal(values, other_values, _tolerance(values, other_values)).all())


def _tolerance(values: np.ndarray, other_values: np.ndarray) -> float:
    """Return the largest difference between floats that are the same; 0 for other values."""
    kinds = {values.dtype.kind, other_values.dtype.kind}
    if "f" not in kinds or not kinds <= set("iuf"):
        return 0.0
    magnitudes = np.abs(values[np.isfinite(values)])
    return RELATIVE_TOLERANCE * float(magnitudes.max(initial=0))


def _are_equal(values: np.ndarray, other_values: np.ndarray, tolerance: float) -> np.ndarray:
    """Return where values are the same; missing values are the same as each other."""
    if object in (values.dtype, other_values.dtype):
        values, other_values = _with_none(values), _with_none(other_values)
    equal = np.asarray(values == other_values)
    if equal.all():
        return equal
    if tolerance:
        with np.errstate(invalid="ignore"):
            equal |= np.abs(values.astype("f8") - other_values.astype("f8")) <= tolerance
    return np.asarray(equal | (pd.isna(values) & pd.isna(other_values)))


def _with_none(values: np.ndarray) -> np.ndarray:
    """Return objects with None where they are missing; comparisons with pd.NA are no booleans."""
    objects = values.astype(object)
    objects[pd.isna(objects)] = None
    return objects


def _make_index(values: np.ndarray) -> pd.Index:
    numbers = values.astype("f4") if values.dtype == "f2" else values  # pandas has no f2
    return pd.Index(numbers, tupleize_cols=False)
