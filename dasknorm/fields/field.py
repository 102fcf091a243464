"""Field and State: arrays with named and labelled dimensions, for data, records and affine maps.

Used by fields. Arrays are aligned by dimension and label only here; the layers below see axes by
position.
"""

import math
import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from numbers import Integral
from typing import Any, Self

import numpy as np
import pandas as pd

from dasknorm import chunks, kernels
from dasknorm.blocks import Kernel
from dasknorm.blocks.group_labels import sort_order
from dasknorm.blocks.grouped_arrays import GroupedArray
from dasknorm.blocks.groups import GroupMaps, GroupRecords
from dasknorm.errors import MismatchError
from dasknorm.fields import attributes
from dasknorm.fields.coords import (
    Coords,
    Positions,
    are_equal,
    compare_coords,
    dim_labels,
    find_labels,
    find_scalar,
    keep_coords,
)
from dasknorm.fields.labels import (
    format_dim,
    format_dims,
    format_label,
    match_labels,
    selection_hint,
)
from dasknorm.fields.missing_values import MissingValues
from dasknorm.statistics import Moments, Statistic
from dasknorm.statistics.base import DEFAULT_FILL, Reducer

Axes = Hashable | Sequence[Hashable] | None
"""One or more axes: names of dimensions, or positions."""


@dataclass(frozen=True)
class Groups:
    """The groups that the values of data, or their states, belong to."""

    dim: Hashable  # group dimension of the states, named after the key or the tuple of keys
    data_dim: Hashable = None  # of data: the dimension whose positions belong to groups
    lag_dim: Hashable = None  # of tendencies, whose groups are lags; the first lag is 0


@dataclass(frozen=True)
class Field:
    """An array whose axes have names and, some of them, labels.

    Parameters
    ----------
    data : array or Table
        NumPy, masked or Dask array, or columns of a frame.
    dims : tuple of hashable
        A name for each axis. Unnamed axes are called -n ... -1, so that ranks may differ.
    labels : mapping of dimension to pandas.Index
        For the dimensions that have labels.
    features : tuple of hashable
        The dimensions kept unless the caller says otherwise.
    attrs : mapping
        Attributes of the data, such as units.
    groups : Groups, optional
        The groups of the data or states.
    selected_columns : tuple of hashable, optional
        The columns that the user selected; all others are passed through unchanged.
    statistic : Statistic, optional
        The statistic to compute from the data.
    missing : MissingValues, optional
        The numbers in the data that stand for missing values.
    coords : mapping of name to Coord
        Coordinates that are not an index, along dimensions without labels or without dimensions.
    """

    data: Any
    dims: tuple[Hashable, ...]
    labels: Mapping[Hashable, pd.Index] = field(default_factory=dict)
    features: tuple[Hashable, ...] = ()
    attrs: Mapping[str, object] = field(default_factory=dict)
    groups: Groups | None = None
    selected_columns: tuple[Hashable, ...] | None = None
    statistic: Statistic | None = None
    missing: MissingValues | None = None
    coords: Coords = field(default_factory=dict)

    def sizes(self) -> dict[Hashable, Any]:
        """Return the size along each dimension; NaN where Dask does not know it."""
        return dict(zip(self.dims, self.data.shape, strict=True))

    @property
    def has_columns(self) -> bool:
        """Whether the data are columns of a DataFrame, or one value for each column."""
        return "columns" in self.labels

    @property
    def group_dim(self) -> Hashable:
        """The group dimension of the states; None without groups."""
        return None if self.groups is None else self.groups.dim

    @property
    def lag_dim(self) -> Hashable:
        """The dimension along which tendencies are taken; None without tendencies."""
        return None if self.groups is None else self.groups.lag_dim

    def summarize(
        self, kept: tuple[Hashable, ...], weights: object = None, where: object = None
    ) -> "State":
        """Return the state still to be computed: its data are a `chunks.Reduction`.

        Weights are a field, or the column of a lazy DataFrame; so is a mask, which is weights of 1
        and 0.
        """
        assert self.statistic is not None, "`per_variable` gives data their statistic"
        axes = tuple(i for i, dim in enumerate(self.dims) if dim not in kept)
        self._check_kept(kept)
        aligned = chunks.combine_weights(
            self._align_weights(weights, "weights"),
            self._align_weights(where, "values of where"),
            self.data,
        )
        groups = self.groups
        if groups is not None and groups.lag_dim is not None and aligned is not None:
            self._check_constant(aligned, groups)
        data = self.masked_data()
        if self.missing is not None and self.missing.undeclared is not None:
            # The default fill of floats is found in the records, and its count with it.
            data = chunks.replace_values(data, (self.missing.undeclared,), DEFAULT_FILL)
        work = chunks.Reduction(
            data,
            Reducer(self.statistic, axes),
            aligned,
            self.dims,
            is_grouped=groups is not None,
        )
        dims = tuple(dim for dim in self.dims if dim in kept)
        labels = {dim: index for dim, index in self.labels.items() if dim in dims}
        if groups is not None:
            dims, groups = (groups.dim, *dims), replace(groups, data_dim=None)
        columns = self.selected_columns
        coords = keep_coords(self.coords, dims)
        return State(
            *(work, dims, labels, dims, self.attrs, groups, columns, self.statistic),
            missing=self.missing,
            coords=coords,
        )

    def masked_data(self) -> Any:
        """Return the data with NaN in place of the numbers that are declared as missing."""
        if self.missing is None:
            return self.data
        return chunks.replace_values(self.data, self.missing.values, np.nan)

    def _align_weights(self, weights: Any, role: str) -> Any:
        """Return aligned weights; None if they share no dimension with the data: no effect."""
        if isinstance(weights, tuple):  # of factors
            factors = [self._align_weights(factor, role) for factor in weights]
            return reduce(_multiply, factors)
        if not isinstance(weights, Field):
            return weights
        has_effect = not weights.dims or set(weights.dims) & set(self.dims)
        return weights.align_to(self, role) if has_effect else None

    def _check_constant(self, weights: np.ndarray, groups: Groups) -> None:
        """Raise ValueError if weights vary along the dimension of tendencies."""
        if weights.shape[self.dims.index(groups.data_dim)] > 1:
            raise ValueError(
                f"weights vary along {format_dim(groups.lag_dim)}, but a change has two ends "
                "there: give weights without it, and exclude values by data.where(mask)"
            )

    def _check_kept(self, kept: tuple[Hashable, ...]) -> None:
        """Raise ValueError if a dimension cannot be kept, or has an unknown size."""
        groups = self.groups
        if groups is not None and groups.data_dim in kept:
            by = f"by={groups.dim!r}"
            source = by if groups.lag_dim is None else f"lag= along {groups.lag_dim!r}"
            raise ValueError(
                f"{source} reduces over {format_dim(groups.data_dim)}, which cannot be kept as "
                "well: leave it out of keep=, or name it in over="
            )
        for dim, size in self.sizes().items():
            if dim in kept and math.isnan(size):
                raise ValueError(
                    f"chunk sizes are unknown along the kept axis {format_dim(dim)}; "
                    "call x.compute_chunk_sizes() first"
                )

    def with_groups(self, name: Hashable, dim: Hashable, labels: pd.Index | None = None) -> Self:
        """Return data with the groups of these labels along a dimension; by default read later."""
        data = self.data
        if labels is not None:
            data = GroupedArray.of(data, self.dims.index(dim), labels)
        return replace(self, data=data, groups=Groups(name, data_dim=dim))

    def transform(
        self, state: "State", kernel: Kernel, dtype: np.dtype | None, unseen: str
    ) -> "Field":
        """Apply the affine map of a state, matched by dimension and label; adapt the attributes."""
        affine = replace(state, data=chunks.apply(state.data, state.statistic.affine))
        maps, data = affine.align_to(self), self.masked_data()
        if state.group_dim is not None:
            maps = GroupMaps(state.labels[state.group_dim], maps, state.group_dim, unseen)
        if isinstance(data, GroupedArray):
            data = replace(data, codes=np.append(maps.find(data.labels), -1)[data.codes])
            maps = maps.affine
        if kernel is kernels.restore:
            attrs = attributes.for_restored(self.attrs, state.attrs)
        else:
            transform = state.statistic.transform
            attrs = attributes.for_normalized(self.attrs, state.attrs, transform)
        data = chunks.transform(data, maps, state.statistic.kernel(kernel), dtype)
        return replace(self, data=data, attrs=attrs)

    def align_to(self, other: "Field", role: str = "statistics") -> Any:
        """Return this field's array with the dimensions of another; new ones have size 1.

        Labels are matched by value. This field may have additional labels. The group dimension of
        states stays in front, as an additional axis.
        """
        named = self._named_like(other)
        return named.take(named.find_positions(other, role), other.data_dims)

    def find_positions(self, other: "Field", role: str = "statistics") -> Positions:
        """Return the positions in this field of the labels of another one, by dimension.

        A dimension that the other field lacks has a single position, that of a scalar coordinate.
        MismatchError if a label is missing here, or if a coordinate of both fields differs.
        """
        positions: dict[Hashable, np.ndarray | int | None] = {}
        missing = []
        for dim in self.data_dims:
            if dim in other.data_dims:
                positions[dim] = self._positions(dim, other, role)
            elif matched := find_scalar(self.coords, self.labels.get(dim), other.coords, dim):
                positions[dim] = _first(match_labels(*matched, role))
            else:
                missing.append(dim)
        if missing:
            raise MismatchError(
                f"the {role} have the dimensions {format_dims(missing)}, which the data lack; "
                f"the data have {format_dims(other.data_dims)}"
                f"{selection_hint(missing[0], self.labels.get(missing[0]))}"
            )
        compare_coords(self.coords, other.coords, positions, role)
        return positions

    def take(self, positions: Positions, dims: tuple[Hashable, ...]) -> Any:
        """Return this field's array at some positions, with these dimensions."""
        data, front = self.data, len(self.dims) - len(self.data_dims)
        for axis, dim in reversed([*enumerate(self.data_dims, start=front)]):
            data = _take(data, axis, positions[dim])
        remaining = [dim for dim in self.data_dims if dim in dims]
        order = [*range(front), *(front + remaining.index(dim) for dim in dims if dim in remaining)]
        index = tuple(slice(None) if dim in remaining else None for dim in dims)
        return data.transpose(order)[(slice(None),) * front + index] if index else data

    @property
    def data_dims(self) -> tuple[Hashable, ...]:
        """The dimensions without the group dimension, which is the first of states."""
        is_grouped = self.groups is not None and self.groups.data_dim is None
        return self.dims[1:] if is_grouped else self.dims

    def describe_position(self, index: Sequence[int]) -> str:
        """Return an index as text: ``level=500``, or the name of a column alone."""
        parts = []
        for dim, i in zip(self.dims, index, strict=True):
            label = self.labels[dim][i] if dim in self.labels else i
            levels = self.labels[dim].names if dim == self.group_dim else []
            if isinstance(label, tuple) and len(levels) > 1:
                pairs = zip(levels, label, strict=True)
                parts += [f"{key}={format_label(value)}" for key, value in pairs]
                continue
            name = f"axis {dim}" if isinstance(dim, int) else dim
            parts.append(str(label) if dim == "columns" else f"{name}={format_label(label)}")
        return ", ".join(parts)

    def select_labels(self, dim: Hashable, labels: Sequence[Hashable]) -> Self:
        """Return the part of this field with these labels along a dimension, in this order."""
        positions = self.labels[dim].get_indexer(
            pd.Index(labels, tupleize_cols=self.labels[dim].nlevels > 1)
        )
        return replace(
            self,
            data=_take(self.data, self.dims.index(dim), positions),
            labels={**self.labels, dim: self.labels[dim][positions]},
            selected_columns=tuple(labels)
            if self.selected_columns is not None and dim == "columns"
            else self.selected_columns,
        )

    def is_identical(self, other: "Field") -> bool:
        """Return whether statistic, dims, labels, coordinates and every bit of the data agree."""
        settings, other_settings = (
            (field.statistic, field.dims, field.groups, field.selected_columns)
            for field in (self, other)
        )
        return (
            settings == other_settings
            and self.labels.keys() == other.labels.keys()
            and all(index.equals(other.labels[dim]) for dim, index in self.labels.items())
            and are_equal(self.coords, other.coords)
            and (self.data.dtype, self.data.shape) == (other.data.dtype, other.data.shape)
            and np.asarray(self.data).tobytes() == np.asarray(other.data).tobytes()
        )

    def axis_of(self, name: Hashable) -> int:
        """Return the axis of a dimension, given by its name or by its position."""
        for axis, dim in enumerate(self.dims):
            if dim is name or (type(dim) is type(name) and dim == name):
                return axis
        if isinstance(name, (bool, np.bool_, float, np.floating)):
            raise TypeError(f"an axis is a name or an integer, got {name!r}")
        if name in self.dims:
            return self.dims.index(name)
        if isinstance(name, Integral):
            if not -len(self.dims) <= name < len(self.dims):
                raise np.exceptions.AxisError(int(name), len(self.dims))
            return int(name) % len(self.dims)
        raise ValueError(f"{name!r} not found in dims {format_dims(self.dims)}")

    def has_axis(self, name: Hashable) -> bool:
        """Return whether a name or a position means one of the dimensions."""
        try:
            self.axis_of(name)
        except ValueError:
            return False
        return True

    def _named_like(self, other: "Field") -> "Field":
        """Name unnamed axes after those of data that have names, by position."""
        unnamed = [dim for dim in self.dims if isinstance(dim, int) and dim not in other.dims]
        names: dict[Hashable, Hashable] = {
            dim: other.dims[dim] for dim in unnamed if -len(other.dims) <= dim < 0
        }
        if not names or all(isinstance(dim, int) for dim in other.dims):
            return self
        warnings.warn(
            f"statistics of an array without names meet data with names; taken by position: "
            f"{names}. Adapt on data with names to have them checked",
            UserWarning,
            stacklevel=5,
        )
        dims = tuple(names.get(dim, dim) for dim in self.dims)
        labels = {names.get(dim, dim): index for dim, index in self.labels.items()}
        return replace(self, dims=dims, labels=labels)

    def _positions(self, dim: Hashable, other: "Field", role: str) -> np.ndarray | None:
        """Return the positions of another field's labels in this one; None for all, in order."""
        size, other_size = self.sizes()[dim], other.sizes()[dim]
        labels, other_labels = self.labels.get(dim), other.labels.get(dim)
        if labels is None and other_labels is None:
            if matched := find_labels(self.coords, other.coords, dim):
                return match_labels(*matched, role)
        elif labels is None:
            labels = dim_labels(self.coords, dim)
        elif other_labels is None:
            other_labels = dim_labels(other.coords, dim)
        if labels is not None and other_labels is not None:
            return match_labels(other_labels, labels, dim, role)
        if size != other_size:
            raise MismatchError(
                f"sizes differ along {format_dim(dim)}: the data have {other_size}, the {role} "
                f"{size}"
            )
        return None


def _multiply(weights: Any, other: Any) -> Any:
    """Return the product of weights, where None has no effect."""
    return other if weights is None else weights if other is None else weights * other


def _take(data: Any, axis: int, positions: np.ndarray | int | None) -> Any:
    """Return the part of an array at some positions; a single one drops the axis."""
    return data if positions is None else data[(slice(None),) * axis + (positions, ...)]


def _first(positions: np.ndarray | None) -> int:
    return 0 if positions is None else int(positions[0])


@dataclass(frozen=True)
class State(Field):
    """The records of a statistic: a field with one record for each output element."""

    # Dask rebuilds dataclasses from positional arguments, so this one cannot be keyword-only.
    statistic: Statistic = field(default_factory=Moments)

    def with_records(self, records: Any) -> Self:
        """Return this state with other records, sorted by group."""
        if not isinstance(records, GroupRecords):
            return replace(self, data=records)
        order = sort_order(records.labels)
        labels = {**self.labels, self.group_dim: records.labels[order]}
        is_sorted = (order == np.arange(len(order))).all()  # and all of a grid need no copy then
        data = records.records if is_sorted else records.records[order]
        return replace(self, data=data, labels=labels)

    @property
    def records(self) -> Any:
        """The records as `chunks` takes them; grouped records are with their labels."""
        if self.group_dim is None:
            return self.data
        return GroupRecords(self.labels[self.group_dim], self.data)

    def attrs_of(self, result: str, reduced: Sequence[str] = ()) -> dict[str, object]:
        """Return the attributes of a result such as the variance; `reduced` are dimensions."""
        components = self.statistic.components(self.data)
        transform = next((c.transform for c in components if c.has(result)), "")
        reduced = reduced if self.group_dim is None else ()
        attrs = attributes.for_result(self.attrs, result, reduced, transform)
        units = attrs.get("units")
        if units not in (None, "1"):
            result_units = self.statistic.units(result, str(units))
            attrs["units"] = units if result_units == str(units) else result_units
        return attrs


Fields = Mapping[Hashable, Field]
"""The fields of a container by name; the only field of an array or DataFrame is named None."""

States = Mapping[Hashable, State]
"""The states of the fields of a container, by name."""
