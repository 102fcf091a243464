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
from dasknorm.errors import MismatchError
from dasknorm.grouped import Grouped, Lookup
from dasknorm.labels import listed, order_of, places_of, positions_of, shown
from dasknorm.statistics import Statistic

__all__ = ["Axes", "Field"]

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
        The dimension along which labels repeat: what has equal labels there is summarized
        together. Named after the column (or the tuple of columns) that holds them.
    chosen : tuple of hashable, optional
        The columns that were chosen, where others ride along untouched.
    """

    data: Any
    dims: tuple[Hashable, ...]
    labels: Mapping[Hashable, pd.Index] = field(default_factory=dict)
    features: tuple[Hashable, ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)
    grouped: Hashable = None
    chosen: tuple[Hashable, ...] | None = None

    def sizes(self) -> dict[Hashable, Any]:
        """Return the size along each dimension; NaN where Dask does not know it."""
        return dict(zip(self.dims, self.data.shape, strict=True))

    def summarize(
        self,
        statistic: Statistic,
        kept: tuple[Hashable, ...],
        weights: Any = None,
        where: Any = None,
    ) -> "Field":
        """Return the states still to be computed: a field whose data are a `chunks.Reduction`.

        Weights are a field, laid along the data by name, or a Dask series beside a Dask frame; so
        is a mask, which is weights of 1 and 0.
        """
        if self.grouped is not None and self.grouped not in kept:
            raise ValueError(f"by= keeps statistics of each {shown(self.grouped)}: keep it too")
        axes = tuple(i for i, dim in enumerate(self.dims) if dim not in kept or dim == self.grouped)
        for i, (dim, size) in enumerate(self.sizes().items()):
            if i not in axes and math.isnan(size):
                raise ValueError(
                    f"chunk sizes are unknown along the kept axis {shown(dim)}; "
                    "call x.compute_chunk_sizes() first"
                )
        spread, mask = (
            beside.along(self, who) if isinstance(beside, Field) else beside
            for beside, who in ((weights, "weights"), (where, "values of where"))
        )
        spread = chunks.weighing(spread, mask, self.data)
        by_group = self.grouped is not None
        work = chunks.Reduction(self.data, statistic, axes, spread, self.dims, is_grouped=by_group)
        dims = tuple(dim for dim in self.dims if dim in kept)
        labels = {dim: index for dim, index in self.labels.items() if dim in dims}
        return replace(self, data=work, dims=dims, labels=labels, features=dims)

    def summarized(self, records: Any) -> "Field":
        """Return the field of states that were still to be computed; groups come sorted."""
        if not isinstance(records, Grouped):
            return replace(self, data=records)
        order = order_of(records.labels)
        labels = {**self.labels, self.grouped: records.labels[order]}
        return replace(self, data=records.records[order], labels=labels)

    @property
    def records(self) -> Any:
        """The states as chunks work on them: of groups, together with their labels."""
        if self.grouped is None:
            return self.data
        return Grouped(self.labels[self.grouped], self.data)

    def weighed_by(self, weights: Any) -> Any:
        """Return weights, or None where they are the same for all of this field's values."""
        if isinstance(weights, Field) and self.grouped is not None and weights.dims == ("index",):
            return replace(weights, dims=(self.grouped,))  # groups stand where rows do
        if isinstance(weights, Field) and weights.dims and not set(weights.dims) & set(self.dims):
            return None
        return weights

    def merge(self, other: "Field", statistic: Statistic) -> "Field":
        """Return states merged with those of other data, matched by label; groups are united."""
        self.refuse_other_groups(other)
        theirs = other.aligned_to(self)
        both = self.summarized(chunks.merge(self.records, theirs.records, statistic))
        return replace(both, chosen=self.chosen or other.chosen)

    def refuse_other_groups(self, other: "Field") -> None:
        """Raise MismatchError unless both are by the same groups, or both by none."""
        if self.grouped != other.grouped:
            by = [
                f"by {each.grouped!r}" if each.grouped is not None else "not by group"
                for each in (self, other)
            ]
            raise MismatchError(f"statistics {by[0]} and {by[1]} do not merge")

    def of_groups(self, groups: pd.Index) -> "Field":
        """Return the states of these groups, sorted; of those not known, of no value."""
        known = places_of(groups, self.labels[self.grouped])
        records = np.zeros((len(groups), *self.data.shape[1:]), self.data.dtype)
        records[known >= 0] = self.data[known[known >= 0]]
        return self.summarized(Grouped(groups, records))

    def transform(
        self,
        affine: "Field",
        kernel: Kernel,
        dtype: np.dtype[Any] | None = None,
        unseen: str = "error",
    ) -> "Field":
        """Map the data through an affine map, found by name and label."""
        maps = affine.along(self)
        if affine.grouped is not None:
            none = np.full((1, *maps.shape[1:]), np.nan, maps.dtype)
            whole = np.concatenate([maps, none])
            maps = Lookup(affine.labels[affine.grouped], whole, affine.grouped, unseen)
        return replace(self, data=chunks.transform(self.data, maps, kernel, dtype))

    def along(self, other: "Field", who: str = "statistics") -> Any:
        """Return this field's array laid along the axes of another: its rank, 1 where new.

        Labels are matched by value, in any order, and may be more than the other has; a
        dimension without labels on one side is matched by position.
        """
        named = self._named_as(other)
        strange = [dim for dim in named.dims if dim not in other.dims]
        if strange:
            raise MismatchError(
                f"the {who} lie along {listed(strange)}, which the data lack; "
                f"the data have {listed(other.dims)}"
            )
        data = named.data
        for axis, dim in enumerate(named.dims):
            data = _take(data, axis, named._positions(dim, other, who))
        order = sorted(range(len(named.dims)), key=lambda i: other.dims.index(named.dims[i]))
        new = tuple(slice(None) if dim in named.dims else None for dim in other.dims)
        return data.transpose(order)[new] if new else data

    def aligned_to(self, other: "Field") -> "Field":
        """Return this field in the order of another that has the same dimensions and labels."""
        if set(self.dims) != set(other.dims):
            raise MismatchError(
                f"kept dimensions differ: {listed(self.dims)} and {listed(other.dims)}"
            )
        for dim in other.dims:
            if dim == self.grouped:
                continue
            if self.sizes()[dim] != other.sizes()[dim]:
                raise MismatchError(
                    f"sizes differ along {shown(dim)}: {self.sizes()[dim]} and {other.sizes()[dim]}"
                )
            if (dim in self.labels) != (dim in other.labels):
                raise MismatchError(f"only one side has labels along {shown(dim)}")
        labels = {**other.labels, **{d: i for d, i in self.labels.items() if d == self.grouped}}
        return replace(other, data=self.along(other), labels=labels)

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
        """Tell whether dims, labels and every bit of the data are the same."""
        return (
            (self.dims, self.grouped, self.chosen) == (other.dims, other.grouped, other.chosen)
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
        if dim == self.grouped:  # each row's own is looked up when rows are read
            return None
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
