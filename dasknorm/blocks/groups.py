"""`GroupRecords` and `GroupMaps`: records and affine maps of groups, matched by label.

Used by blocks, chunks, containers and fields. The groups may not be known before the data are read,
so the records of a part of the data come with the labels of its groups.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dasknorm.blocks import slabs
from dasknorm.blocks.group_labels import append_labels, find_labels, format_labels
from dasknorm.errors import MismatchError
from dasknorm.statistics import Statistic
from dasknorm.statistics.base import Records


@dataclass
class GroupRecords:
    """The records of all groups read so far, in the order in which they were read."""

    labels: pd.Index
    records: Records  # for each group, in the rank of a block, with size 1 along reduced axes

    @classmethod
    def empty(
        cls, shape: tuple[int, ...], statistic: Statistic, expected: Sequence[Hashable] = ()
    ) -> "GroupRecords":
        """Return empty records for the expected groups, of this shape for each group."""
        return cls(pd.Index(expected), np.zeros((len(expected), *shape), statistic.dtype))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the records of one group."""
        return self.records.shape[1:]

    def copy(self) -> "GroupRecords":
        """Return a copy that can grow independently."""
        return GroupRecords(self.labels, self.records.copy())

    @classmethod
    def from_states(cls, states: Sequence["GroupRecords"], statistic: Statistic) -> "GroupRecords":
        """Return the records of all groups of several states, without changing the states."""
        labels = states[0].labels
        for state in states[1:]:
            labels = append_labels(labels, state.labels[find_labels(state.labels, labels) < 0])
        records = np.empty((len(labels), *states[0].shape), statistic.dtype)
        is_filled = np.zeros(len(labels), bool)
        for state in states:
            positions = find_labels(state.labels, labels)
            _join(records, state.records, positions, is_filled[positions], statistic)
            is_filled[positions] = True
        return cls(labels, records)

    def join(self, other: "GroupRecords", statistic: Statistic) -> None:
        """Merge the records of more groups into these, in position."""
        count = len(self.labels)
        positions = self.find_or_add(other.labels)
        _join(self.records, other.records, positions, positions < count, statistic)

    def find_or_add(self, labels: pd.Index) -> np.ndarray:
        """Return the positions of the records of groups; new groups are added."""
        positions = find_labels(labels, self.labels)
        new = positions < 0
        if new.any():
            positions[new] = len(self.labels) + np.arange(new.sum())
            self.labels = append_labels(self.labels, labels[new])
            new_records = np.zeros((int(new.sum()), *self.shape), self.records.dtype)
            self.records = np.concatenate([self.records, new_records])
        return positions


def _join(
    total: Records,
    part: Records,
    positions: np.ndarray,
    is_filled: np.ndarray,
    statistic: Statistic,
) -> None:
    """Merge `part` into the records at `positions`; records that are not filled are overwritten."""
    if math.prod(total.shape[1:]) >= slabs.LARGE_RECORD_COUNT:
        for position, record, has_data in zip(positions, part, is_filled, strict=True):
            if has_data:
                statistic.join(total[position], record)
            else:
                total[position] = record
        return
    total[positions[~is_filled]] = part[~is_filled]
    records = total[positions[is_filled]]
    statistic.join(records, part[is_filled])
    total[positions[is_filled]] = records


@dataclass(frozen=True)
class GroupMaps:
    """The affine maps of groups, by label."""

    labels: pd.Index
    affine: Records  # or a Dask array: for each group, in the rank of a block
    name: Hashable  # of the keys, for messages
    unseen: str  # the result for a row of an unknown group: "error" or "nan"

    def find(self, labels: pd.Index) -> np.ndarray:
        """Return the positions of the maps of groups; -1 for unknown groups."""
        positions = find_labels(labels, self.labels)
        if self.unseen == "error" and (positions < 0).any():
            unknown, count = format_labels(labels[positions < 0]), len(self.labels)
            noun = "group" if count == 1 else "groups"
            raise MismatchError(
                f"unknown groups {unknown} of {self.name!r}; the statistics have {count} {noun}, "
                f"such as {format_labels(self.labels)}. Call adapt on data that contain these "
                "groups, or pass unseen='nan' to get missing values"
            )
        return positions
