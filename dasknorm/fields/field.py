"""Field: an array with named, labelled axes. Data are fields, and so are states and maps.

Whatever has to do with names is done here, once: which axes are kept, which labels of the
statistics the data want, and how an array with some of the data's axes is laid along all of them.
"""

import math
import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from dasknorm import chunks
from dasknorm.blocks import Kernel
from dasknorm.blocks.group_labels import order_of
from dasknorm.blocks.grouped_arrays import GroupedArray
from dasknorm.blocks.groups import GroupMaps, GroupRecords
from dasknorm.errors import MismatchError
from dasknorm.fields.labels import listed, positions_of, shown
from dasknorm.statistics import Statistic

__all__ = ["Axes", "Field", "Fields"]

Axes = Hashable | Sequence[Hashable] | None
"""One axis or several: names of dimensions, or positions."""


@dataclass(frozen=True)
class Field:
    """An array whose axes have names and, some of them, labels.

    Parameters
    ----------
    data : array or Table
        NumPy, masked or Dask array, or columns of a frame.
    dims : tuple of hashable
        A name for each axis. Bare axes are named -n ... -1, so that ranks may differ.
    labels : mapping of dimension to pandas.Index
        For the dimensions that have labels.
    features : tuple of hashable
        The dimensions kept unless the caller says otherwise.
    attrs : mapping
        What is said of the data, such as their units.
    grouped : hashable, optional
        Of states, the dimension along which there is one for each group; named after the column
        or coordinate (or the tuple of several) that names groups.
    chosen : tuple of hashable, optional
        The columns that were chosen, where others ride along untouched.
    keyed : hashable, optional
        Of data, the dimension of which each place belongs to a group, or has others some lags
        later.
    lagged : hashable, optional
        The dimension along which changes were taken as well: the groups are lags, and first none.
    statistic : Statistic, optional
        Of data, what is to be remembered of them; of states, what their records are of.
    """

    data: Any
    dims: tuple[Hashable, ...]
    labels: Mapping[Hashable, pd.Index] = field(default_factory=dict)
    features: tuple[Hashable, ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)
    grouped: Hashable = None
    chosen: tuple[Hashable, ...] | None = None
    keyed: Hashable = None
    lagged: Hashable = None
    statistic: Statistic | None = None

    def sizes(self) -> dict[Hashable, Any]:
        """Return the size along each dimension; NaN where Dask does not know it."""
        return dict(zip(self.dims, self.data.shape, strict=True))

    @property
    def remembers(self) -> Statistic:
        """The statistic, of a field that has one."""
        assert self.statistic is not None, "data are given their statistic in `methods`"
        return self.statistic

    def summarize(
        self, kept: tuple[Hashable, ...], weights: Any = None, where: Any = None
    ) -> "Field":
        """Return the states still to be computed: a field whose data are a `chunks.Reduction`.

        Weights are a field, laid along the data by name, or a Dask series beside a Dask frame; so
        is a mask, which is weights of 1 and 0.
        """
        axes = tuple(i for i, dim in enumerate(self.dims) if dim not in kept)
        self._refuse_kept(kept)
        spread, mask = (
            beside.align_to(self, who) if isinstance(beside, Field) else beside
            for beside, who in ((weights, "weights"), (where, "values of where"))
        )
        spread = chunks.weighing(spread, mask, self.data)
        if (
            self.lagged is not None
            and spread is not None
            and spread.shape[self.dims.index(self.keyed)] > 1
        ):
            raise ValueError(
                f"weights vary along {shown(self.lagged)}, but a change has two ends there: give "
                "weights without it; and make missing what is not to take part, data.where(mask)"
            )
        by_group = self.grouped is not None
        work = chunks.Reduction(
            self.data, self.remembers, axes, spread, self.dims, is_grouped=by_group
        )
        dims = tuple(dim for dim in self.dims if dim in kept)
        labels = {dim: index for dim, index in self.labels.items() if dim in dims}
        dims = (self.grouped, *dims) if by_group else dims
        return replace(self, data=work, dims=dims, labels=labels, features=dims, keyed=None)

    def _refuse_kept(self, kept: tuple[Hashable, ...]) -> None:
        """Raise ValueError if a dimension is kept that cannot be, or whose size is not known."""
        if self.keyed is not None and self.keyed in kept:
            what = f"by={self.grouped!r}" if self.lagged is None else f"lag= along {self.lagged!r}"
            raise ValueError(
                f"{what} puts together what stands along {shown(self.keyed)}, which cannot be "
                "kept as well: leave it out of keep=, or name it in over="
            )
        for dim, size in self.sizes().items():
            if dim in kept and math.isnan(size):
                raise ValueError(
                    f"chunk sizes are unknown along the kept axis {shown(dim)}; "
                    "call x.compute_chunk_sizes() first"
                )

    def in_groups(self, name: Hashable, dim: Hashable, labels: pd.Index | None = None) -> "Field":
        """Return data of which each place along a dimension belongs to the group of its label.

        Without labels, the data themselves say while they are read.
        """
        data = self.data
        if labels is not None:
            data = GroupedArray.of(data, self.dims.index(dim), labels)
        return replace(self, data=data, grouped=name, keyed=dim)

    def with_records(self, records: Any) -> "Field":
        """Return the field of states that were still to be computed; groups come sorted."""
        if not isinstance(records, GroupRecords):
            return replace(self, data=records)
        order = order_of(records.labels)
        labels = {**self.labels, self.grouped: records.labels[order]}
        is_sorted = (order == np.arange(len(order))).all()  # and all of a grid need no copy then
        data = records.records if is_sorted else records.records[order]
        return replace(self, data=data, labels=labels)

    @property
    def records(self) -> Any:
        """The states as chunks work on them: of groups, together with their labels."""
        if self.grouped is None:
            return self.data
        return GroupRecords(self.labels[self.grouped], self.data)

    def weights_for(self, weights: Any) -> Any:
        """Return weights, or None where they are the same for all of this field's values."""
        if isinstance(weights, Field) and weights.dims and not set(weights.dims) & set(self.dims):
            return None
        return weights

    def transform(
        self,
        affine: "Field",
        kernel: Kernel,
        dtype: np.dtype[Any] | None = None,
        unseen: str = "error",
    ) -> "Field":
        """Map the data through an affine map, found by name and label."""
        maps, data = affine.align_to(self), self.data
        if affine.grouped is not None:
            maps = GroupMaps(affine.labels[affine.grouped], maps, affine.grouped, unseen)
        if isinstance(data, GroupedArray):
            data = replace(data, codes=np.append(maps.places(data.labels), -1)[data.codes])
            maps = maps.affine
        return replace(self, data=chunks.transform(data, maps, kernel, dtype))

    def align_to(self, other: "Field", who: str = "statistics") -> Any:
        """Return this field's array laid along the axes of another: its rank, 1 where new.

        Labels are matched by value, in any order, and may be more than the other has; a
        dimension without labels on one side is matched by position. Groups stay in front, as one
        axis more.
        """
        named = self._named_as(other)
        mine, theirs = named._own_dims, other._own_dims
        strange = [dim for dim in mine if dim not in theirs]
        if strange:
            raise MismatchError(
                f"the {who} lie along {listed(strange)}, which the data lack; "
                f"the data have {listed(theirs)}"
            )
        data, front = named.data, len(named.dims) - len(mine)
        for axis, dim in enumerate(mine, start=front):
            data = _take(data, axis, named._positions(dim, other, who))
        order = [*range(front), *(front + mine.index(dim) for dim in theirs if dim in mine)]
        new = tuple(slice(None) if dim in mine else None for dim in theirs)
        return data.transpose(order)[(slice(None),) * front + new] if new else data

    @property
    def _own_dims(self) -> tuple[Hashable, ...]:
        """The dimensions but for that of groups, which comes first in states."""
        is_state_of_groups = self.grouped is not None and self.keyed is None
        return self.dims[1:] if is_state_of_groups else self.dims

    def place(self, position: Sequence[int]) -> str:
        """Name a position in words: ``level=500``, or the bare name of a column."""
        parts = []
        for dim, i in zip(self.dims, position, strict=True):
            label = self.labels[dim][i] if dim in self.labels else i
            levels = self.labels[dim].names if dim == self.grouped else []
            if len(levels) > 1:
                parts += [f"{n}={v}" for n, v in zip(levels, self.labels[dim][i], strict=True)]
                continue
            named = f"axis {dim}" if isinstance(dim, int) else dim
            parts.append(str(label) if dim == "columns" else f"{named}={label}")
        return ", ".join(parts)

    def labelled(self, dim: Hashable, labels: Sequence[Hashable]) -> "Field":
        """Return the part of this field with these labels along a dimension, in their order."""
        positions = self.labels[dim].get_indexer(
            pd.Index(labels, tupleize_cols=self.labels[dim].nlevels > 1)
        )
        return replace(
            self,
            data=_take(self.data, self.dims.index(dim), positions),
            labels={**self.labels, dim: self.labels[dim][positions]},
            chosen=tuple(labels) if self.chosen is not None and dim == "columns" else self.chosen,
        )

    def identical(self, other: "Field") -> bool:
        """Tell whether statistic, dims, labels and every bit of the data are the same."""
        mine, theirs = (
            (each.statistic, each.dims, each.grouped, each.chosen) for each in (self, other)
        )
        return (
            mine == theirs
            and self.labels.keys() == other.labels.keys()
            and all(index.equals(other.labels[dim]) for dim, index in self.labels.items())
            and (self.data.dtype, self.data.shape) == (other.data.dtype, other.data.shape)
            and np.asarray(self.data).tobytes() == np.asarray(other.data).tobytes()
        )

    def axis(self, name: Hashable) -> int:
        """Return where a dimension stands, given by its name or by its position."""
        for at, dim in enumerate(self.dims):
            if dim is name or (type(dim) is type(name) and dim == name):
                return at
        if isinstance(name, (bool, np.bool_, float, np.floating)):
            raise TypeError(f"an axis is a name or an integer, got {name!r}")
        if name in self.dims:
            return self.dims.index(name)
        if isinstance(name, Integral):
            if not -len(self.dims) <= name < len(self.dims):
                raise np.exceptions.AxisError(int(name), len(self.dims))
            return int(name) % len(self.dims)
        raise ValueError(f"{name!r} not found in dims {listed(self.dims)}")

    def has_axis(self, name: Hashable) -> bool:
        """Tell whether a name or a position means one of the dimensions."""
        try:
            self.axis(name)
        except ValueError:
            return False
        return True

    def _named_as(self, other: "Field") -> "Field":
        """Name bare axes after the axes of data that have names, by position."""
        bare = [dim for dim in self.dims if isinstance(dim, int) and dim not in other.dims]
        bare = [dim for dim in bare if -len(other.dims) <= dim < 0]
        if not bare or all(isinstance(dim, int) for dim in other.dims):
            return self
        names = {dim: other.dims[dim] for dim in bare}
        warnings.warn(
            f"statistics of an array without names meet data with names; taken by position: "
            f"{names}. Adapt on data with names to have them checked",
            UserWarning,
            stacklevel=5,
        )
        dims = tuple(names.get(dim, dim) for dim in self.dims)  # type: ignore[call-overload]
        labels = {names.get(dim, dim): index for dim, index in self.labels.items()}  # type: ignore[call-overload]
        return replace(self, dims=dims, labels=labels)

    def _positions(self, dim: Hashable, other: "Field", who: str) -> np.ndarray | None:
        """Where the other's labels stand in this field's; None for all, in order."""
        size, wanted = self.sizes()[dim], other.sizes()[dim]
        mine, theirs = self.labels.get(dim), other.labels.get(dim)
        if mine is None or theirs is None:
            if size != wanted:
                raise MismatchError(
                    f"sizes differ along {shown(dim)}: the data have {wanted}, the {who} {size}"
                )
            return None
        return positions_of(theirs, mine, dim, who)


def _take(data: Any, axis: int, positions: np.ndarray | None) -> Any:
    return data if positions is None else data[(slice(None),) * axis + (positions,)]


Fields = Mapping[Hashable, Field]
"""The fields of a container by name; an array's or a frame's only field is named None."""
