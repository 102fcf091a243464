"""Groups: records of each, merged label by label, and maps of each, found by label.

Which groups there are may show only while data are read, so that the records of a part of them come
with the labels of the groups that were met there.
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
    """Records of the groups met so far; it grows where more are met.

    Parameters
    ----------
    labels : pandas.Index
        Of the groups, in the order in which they were met.
    records : ndarray of records
        For each group those of a block: in the block's rank, with size 1 along axes merged away.
    """

    labels: pd.Index
    records: Records

    @classmethod
    def none(
        cls, shape: tuple[int, ...], statistic: Statistic, expected: Sequence[Hashable] = ()
    ) -> "GroupRecords":
        """Return records of nothing, with room for some groups; each of them has this shape."""
        return cls(pd.Index(expected), np.zeros((len(expected), *shape), statistic.dtype))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the records of one group."""
        return self.records.shape[1:]

    def copy(self) -> "GroupRecords":
        """Return a copy that can grow by itself."""
        return GroupRecords(self.labels, self.records.copy())

    @classmethod
    def joined(cls, states: Sequence["GroupRecords"], statistic: Statistic) -> "GroupRecords":
        """Return the records of all groups of some states, none of which is changed."""
        labels = states[0].labels
        for state in states[1:]:
            labels = appended(labels, state.labels[places_of(state.labels, labels) < 0])
        records = np.empty((len(labels), *states[0].shape), statistic.dtype)
        met = np.zeros(len(labels), bool)
        for state in states:
            places = places_of(state.labels, labels)
            _join(records, state.records, places, met[places], statistic)
            met[places] = True
        return cls(labels, records)

    def join(self, other: "GroupRecords", statistic: Statistic) -> None:
        """Merge the records of more groups into these, in place."""
        known = len(self.labels)
        places = self.places(other.labels)
        _join(self.records, other.records, places, places < known, statistic)

    def places(self, labels: pd.Index) -> np.ndarray:
        """Return where the records of groups stand; those not met before are let in."""
        places = places_of(labels, self.labels)
        new = places < 0
        if new.any():
            places[new] = len(self.labels) + np.arange(new.sum())
            self.labels = appended(self.labels, labels[new])
            more = np.zeros((int(new.sum()), *self.shape), self.records.dtype)
            self.records = np.concatenate([self.records, more])
        return places


def _join(
    total: Records, part: Records, places: np.ndarray, known: np.ndarray, statistic: Statistic
) -> None:
    """Merge records into those at some places; what is not known yet is written over."""
    if (
        math.prod(total.shape[1:]) >= slabs.LARGE_RECORD_COUNT
    ):  # each group for itself: it is no copy then
        for place, record, is_known in zip(places, part, known, strict=True):
            if is_known:
                statistic.join(total[place], record)
            else:
                total[place] = record
        return
    total[places[~known]] = part[~known]
    own = total[places[known]]
    statistic.join(own, part[known])
    total[places[known]] = own


@dataclass(frozen=True)
class GroupMaps:
    """Maps by group, and which of them a row is to go through.

    Parameters
    ----------
    labels : pandas.Index
        Of the groups.
    affine : ndarray or Dask array of AFFINE, shape (groups, ...)
        For each group the maps of a block: in the block's rank, or 1 where they broadcast.
    name : hashable
        What the groups are of, for messages.
    unseen : {"error", "nan"}
        What becomes of a row of a group that is not among the labels.
    """

    labels: pd.Index
    affine: Records
    name: Hashable
    unseen: str

    def places(self, labels: pd.Index) -> np.ndarray:
        """Return where the maps of groups stand, -1 if not known and that is no error."""
        places = places_of(labels, self.labels)
        if self.unseen == "error" and (places < 0).any():
            strange, known = labels[places < 0], self.labels
            raise MismatchError(
                f"{format_labels(strange)} of {self.name!r} are not among the {len(known)} groups "
                f"that the statistics know, such as {format_labels(known)}; adapt on data that "
                "have them, or leave their values missing: unseen='nan'"
            )
        return places
