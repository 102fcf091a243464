"""`GroupedArray`: an array with a group for each position along one axis, as in a climatology.

Used by chunks.maps and fields.field. The part of a block that belongs to a group is a view if its
positions are evenly spaced; otherwise it is gathered, some positions at a time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from dasknorm.blocks import slabs
from dasknorm.blocks.arrays import add, float_dtype, summarize, transform
from dasknorm.blocks.group_labels import number_labels, sort_order
from dasknorm.blocks.groups import GroupRecords
from dasknorm.blocks.positioned import PositionedArray, Rows
from dasknorm.blocks.small_groups import small_groups
from dasknorm.kernels import Kernel, Weights, part_of
from dasknorm.statistics import Statistic
from dasknorm.statistics.base import Records, Reducer


@dataclass(frozen=True)
class GroupedArray(PositionedArray):
    """An array, and the group of each position along one of its axes."""

    is_ordered: ClassVar[bool] = False

    array: Any  # NumPy, masked or Dask; None for the groups of a chunk without its data
    axis: int
    codes: np.ndarray  # the number of the group of each position; below 0 for none
    labels: pd.Index | None = None  # of the groups, by number

    @classmethod
    def of(cls, array: object, axis: int, labels: pd.Index) -> "GroupedArray":
        """Return an array with groups, given the label of each position; groups are sorted."""
        codes, groups = number_labels(labels)
        order = sort_order(groups)
        return cls(array, axis, np.append(np.argsort(order), -1)[codes], groups[order])

    @property
    def group_numbers(self) -> np.ndarray:
        """The numbers of the groups with a position in this array, in order."""
        return np.unique(self.codes[self.codes >= 0])

    def cut(self, array: object, positions: slice) -> "GroupedArray":
        return replace(self, array=array, codes=self.codes[positions])

    def order(self) -> list[int]:
        # Chunks of equal groups follow each other, so that few tasks have records of the same one.
        return self.group_numbers[:1].tolist()

    def empty(
        self, shape: tuple[int, ...], statistic: Statistic, parts: Sequence[Self] = ()
    ) -> GroupRecords:
        groups = {group for part in parts for group in part.group_numbers.tolist()}
        return GroupRecords.empty(shape, statistic, sorted(groups))

    def record_count(self) -> int:
        return len(self.group_numbers)

    def to_records(self, state: GroupRecords) -> GroupRecords:
        labels = pd.Index([]) if self.labels is None else self.labels
        return GroupRecords(labels[state.labels], state.records)

    def split_groups(self) -> list[tuple[int, tuple[Rows, ...]]]:
        """Return parts of a block in memory that belong to one group each, and its number."""
        width = self.array.size // max(len(self.codes), 1)
        before = (slice(None),) * self.axis
        return [(code, (*before, rows)) for code, rows in _rows(self.codes, max(width, 1))]


def _rows(codes: np.ndarray, width: int) -> Iterator[tuple[int, Rows]]:
    """Yield the positions of each group, some at a time; each position has `width` elements."""
    order = np.argsort(codes, kind="stable")
    groups, starts = np.unique(codes[order], return_index=True)
    for code, positions in zip(groups.tolist(), np.split(order, starts[1:]), strict=True):
        if code < 0:
            continue
        steps = np.diff(positions)
        if (steps == steps[:1]).all():
            step = int(steps[0]) if len(steps) else 1
            yield code, slice(int(positions[0]), int(positions[-1]) + 1, step)
            continue
        runs = np.split(positions, np.flatnonzero(steps != 1) + 1)
        if len(positions) * width >= slabs.LONG_RUN_ELEMENTS * len(runs):
            yield from ((code, slice(int(run[0]), int(run[-1]) + 1)) for run in runs)
            continue
        row_count = max(1, slabs.CONVERTED_ELEMENTS // width)
        yield from (
            (code, positions[i : i + row_count]) for i in range(0, len(positions), row_count)
        )


@summarize.register(GroupedArray)
def _(block: GroupedArray, reducer: Reducer, weights: Weights = None) -> GroupRecords:
    total = block.empty(reducer.shape(block.shape), reducer.statistic, [block])
    add(block, total, reducer, weights)
    return total


@add.register(GroupedArray)
def _(block: GroupedArray, total: GroupRecords, reducer: Reducer, weights: Weights = None) -> None:
    if not block.array.size:
        return
    groups = block.group_numbers
    positions = total.find_or_add(pd.Index(groups))
    if weights is not None:
        weights = np.broadcast_to(weights, block.shape)
    where = np.full(max(groups, default=0) + 2, -1)
    where[groups] = positions
    block = replace(block, codes=where[block.codes])  # -1 is the last one
    small = small_groups(block.array, block.axis, block.codes, reducer.axes, len(groups))
    if small is not None:
        small.add(total.records, reducer, weights)
        return
    by_group: dict[int, list[tuple[Rows, ...]]] = {}
    for position, rows in block.split_groups():
        by_group.setdefault(position, []).append(rows)

    def add_groups(part: slice) -> None:
        for position in list(by_group)[part]:
            for rows in by_group[position]:
                row_weights = part_of(weights, rows)
                add(block.array[rows], total.records[position], reducer, row_weights)

    slabs.map_slabs(add_groups, slabs.cut_axis(len(by_group)))


@transform.register(GroupedArray)
def _(block: GroupedArray, affine: Records, kernel: Kernel, dtype: np.dtype | None) -> np.ndarray:
    """`affine` has a map for each group along an axis before those of the block."""
    values, mask = np.ma.getdata(block.array), np.ma.getmask(block.array)
    out = np.empty(block.shape, dtype or float_dtype(block.dtype))
    if not out.size:
        pass
    elif small := small_groups(values, block.axis, block.codes, _reduced(affine), len(affine)):
        small.transform(affine, kernel, out)
    else:
        _map_pieces(values, block, affine, kernel, out)
    if (block.codes < 0).any():
        out[(slice(None),) * block.axis + (block.codes < 0,)] = np.nan
    return out if mask is np.ma.nomask else np.ma.MaskedArray(out, mask.copy())


def _map_pieces(
    values: np.ndarray, block: GroupedArray, affine: Records, kernel: Kernel, out: np.ndarray
) -> None:
    split_groups = block.split_groups()

    def transform_groups(part: slice) -> None:
        for code, rows in split_groups[part]:
            if all(isinstance(index, slice) for index in rows):
                kernel(values[rows], affine[code], out.dtype, out[rows])
            else:
                out[rows] = kernel(values[rows], affine[code], out.dtype)

    slabs.map_slabs(transform_groups, slabs.cut_axis(len(split_groups)))


def _reduced(affine: Records) -> tuple[int, ...]:
    """Return the axes of a block along which its maps are constant."""
    return tuple(axis for axis, size in enumerate(affine.shape[1:]) if size == 1)
