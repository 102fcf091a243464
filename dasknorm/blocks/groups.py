"""`GroupRecords` and `GroupMaps`: records and affine maps of groups, matched by label.

Used by blocks, chunks, containers and fields.
The groups may not be known before the data are read, so the records of a part of the data come with
the labels of its groups.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dasknorm.blocks import slabs
from dasknorm.blocks.group_labels import appended, format_labels, places_of
from dasknorm.errors import MismatchError
from dasknorm.statistics import Statistic
from dasknorm.statistics.base import Records

__all__ = ["GroupMaps", "GroupRecords"]


@dataclass
class GroupRecords:
    """Records of the groups found so far; it grows when more groups are found.

    Parameters
    ----------
    labels : pandas.Index
        Of the groups, in the order in which they were found.
    records : ndarray of records
        For each group the records of a block: in its rank, with size 1 along reduced axes.
    """

    labels: pd.Index
    records: Records

    @classmethod
    def none(
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
    def joined(cls, states: Sequence["GroupRecords"], statistic: Statistic) -> "GroupRecords":
        """Return the records of all groups of several states, without changing the states."""
        labels = states[0].labels
        for state in states[1:]:
            labels = appended(labels, state.labels[places_of(state.labels, labels) < 0])
        records = np.empty((len(labels), *states[0].shape), statistic.dtype)
        is_filled = np.zeros(len(labels), bool)
        for state in states:
            places = places_of(state.labels, labels)
            _join(records, state.records, places, is_filled[places], statistic)
            is_filled[places] = True
        return cls(labels, records)

    def join(self, other: "GroupRecords", statistic: Statistic) -> None:
        """Merge the records of more groups into these, in place."""
        count = len(self.labels)
        places = self.places(other.labels)
        _join(self.records, other.records, places, places < count, statistic)

    def places(self, labels: pd.Index) -> np.ndarray:
        """Return the positions of the records of groups; new groups are added."""
        places = places_of(labels, self.labels)
        new = places < 0
        if new.any():
            places[new] = len(self.labels) + np.arange(new.sum())
            self.labels = appended(self.labels, labels[new])
            new_records = np.zeros((int(new.sum()), *self.shape), self.records.dtype)
            self.records = np.concatenate([self.records, new_records])
        return places


def _join(
    total: Records, part: Records, places: np.ndarray, is_filled: np.ndarray, statistic: Statistic
) -> None:
    """Merge `part` into the records at `places`; records that are not filled are overwritten."""
    if math.prod(total.shape[1:]) >= slabs.LARGE_RECORD_COUNT:
        for place, record, has_data in zip(places, part, is_filled, strict=True):
            if has_data:
                statistic.join(total[place], record)
            else:
                total[place] = record
        return
    total[places[~is_filled]] = part[~is_filled]
    records = total[places[is_filled]]
    statistic.join(records, part[is_filled])
    total[places[is_filled]] = records


@dataclass(frozen=True)
class GroupMaps:
    """The affine maps of groups, found by label.

    Parameters
    ----------
    labels : pandas.Index
        The labels of the groups.
    affine : ndarray or Dask array of AFFINE, shape (groups, ...)
        For each group the maps of a block: in its rank, with size 1 where they broadcast.
    name : hashable
        The name of the keys, for messages.
    unseen : {"error", "nan"}
        The result for a row of an unknown group.
    """

    labels: pd.Index
    affine: Records
    name: Hashable
    unseen: str

    def places(self, labels: pd.Index) -> np.ndarray:
        """Return the positions of the maps of groups; -1 for unknown groups."""
        places = places_of(labels, self.labels)
        if self.unseen == "error" and (places < 0).any():
            unknown, known = labels[places < 0], self.labels
            raise MismatchError(
                f"{format_labels(unknown)} of {self.name!r} are not among the {len(known)} groups "
                f"that the statistics know, such as {format_labels(known)}; adapt on data that "
                "have them, or leave their values missing: unseen='nan'"
            )
        return places
