"""`Statistic`: base class of statistics, and the invariants that each one obeys.

Used by blocks, chunks, containers, fields, io, statistics and testing. Every statistic overrides
these methods, so a change of a signature changes all of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, ClassVar

import numpy as np

from dasknorm.errors import MismatchError
from dasknorm.kernels import Kernel

__all__ = ["Component", "LocationScale", "Records", "Statistic", "is_undefined"]

Records = np.ndarray[Any, np.dtype[Any]]

LocationScale = tuple[np.ndarray, np.ndarray]

LOCATION_SCALES: Mapping[tuple[str, ...], Callable[..., LocationScale]] = {
    ("mean", "std"): lambda mean, std: (mean, std),
    ("median", "lower", "upper"): lambda median, lower, upper: (median, upper - lower),
    ("min", "max"): lambda low, high: ((low + high) / 2, high - low),
    ("max_abs",): lambda most: (np.full(most.shape, np.nan), most),
}
"""The location and scale of data by the names of results; the most informative results first."""


class Statistic(ABC):
    """A monoid of records that is read out as an affine map.

    A statistic *summarizes* a block of numbers into records of `dtype`, one for each kept
    position, *merges* records, and turns them into a ``(shift, scale)`` with which data are
    normalized: ``(x - shift) / scale``. Subclasses are frozen dataclasses whose fields are their
    settings; they hold no data, so equal settings make equal (and equally named) work. With
    ``repr=False`` they are shown by the settings that are not the default ones.

    Laws, up to the rounding each statistic states; ``++`` joins blocks along the reduced axes:

    * ``summarize(a ++ b) == merge(summarize(a) ++ summarize(b))``
    * ``merge(zeros ++ s) == s``, bit for bit, where ``zeros`` is ``np.zeros(shape, dtype)``
    * ``merge(a ++ b) == merge(b ++ a)``
    * ``merge(merge(a ++ b) ++ c) == merge(a ++ merge(b ++ c))``
    * ``add(s, a)`` makes ``s`` what ``merge(s ++ summarize(a))`` is, and ``join(s, t)`` what
      ``merge(s ++ t)`` is
    * ``add_by_group(s, x, codes)`` makes ``s[i]`` what ``add(s[i], x[codes == i])`` would
    * constant data normalize to exactly 0; where ``is_centred`` is False, to one number, the same
      for any count and any parts

    ``dasknorm.testing.check_statistic`` puts a statistic to them.
    """

    dtype: ClassVar[np.dtype[np.void]]
    """Of one record. A record of zeros is the identity of `merge`."""

    result_names: ClassVar[tuple[str, ...]]
    """The names that `result` takes, in the order in which a person wants to see them."""

    description: ClassVar[str] = ""
    """What is remembered, in words; if empty, the readings."""

    is_centred: ClassVar[bool] = True
    """Whether constant data normalize to 0."""

    transform: ClassVar[str] = ""
    """The function of `kernels.FUNCTIONS` that data go through before the affine map, if any."""

    supports_lag: ClassVar[bool] = True
    """Whether statistics of tendencies (``lag=``) can be computed as well."""

    unmergeable_reason: ClassVar[str] = ""
    """Why records do not merge, as a sentence; empty if they do."""

    invalid_reason: ClassVar[str] = "infinite values, or too large to be squared in float64,"
    """What has spoiled a record that is `is_invalid`, in words."""

    stored_name: ClassVar[str]
    """The name in files of statistics, and of its group of columns; by default the class name."""

    def __init_subclass__(cls) -> None:
        if "stored_name" not in vars(cls):
            cls.stored_name = cls.__name__

    def __repr__(self) -> str:
        own: list[Any] = [each for each in fields(self) if each.repr]  # type: ignore[arg-type]
        settings = [
            f"{each.name}={value!r}"
            for each in own
            if (value := getattr(self, each.name)) != _default_of(each)
        ]
        return f"{type(self).__name__}({', '.join(settings)})"

    @abstractmethod
    def summarize(
        self, block: np.ndarray, axes: tuple[int, ...], weights: np.ndarray | None = None
    ) -> Records:
        """Summarize a block over `axes`; the records have the block's rank, 1 along `axes`."""

    @abstractmethod
    def merge(self, records: Records, axes: tuple[int, ...]) -> Records:
        """Merge records over `axes`; the result has the same rank, 1 along `axes`."""

    def add(
        self,
        total: Records,
        block: np.ndarray,
        axes: tuple[int, ...],
        weights: np.ndarray | None = None,
    ) -> None:
        """Merge a block into `total`, in place; `total` has the shape that `summarize` gives."""
        self.join(total, self.summarize(block, axes, weights))

    def join(self, total: Records, part: Records) -> None:
        """Merge `part`, records of the same shape, into `total`, in place."""
        total[...] = self.merge(np.stack([total, part]), (0,))[0]

    def add_by_group(
        self,
        total: Records,
        values: np.ndarray,
        codes: np.ndarray,
        weights: np.ndarray | None = None,
    ) -> None:
        """Merge each value of a column into the record of its group, in place.

        A code is the position of a group in `total`, or negative for none. Values of equal groups
        are merged in pairs, and these again, so that it takes as many steps as the largest group
        has bits, however many groups there are.
        """
        order = np.argsort(codes, kind="stable")
        order = order[codes[order] >= 0]
        codes_left = codes[order]
        records = self.summarize(values[order], (), None if weights is None else weights[order])
        while len(codes_left):
            starts = np.flatnonzero(np.r_[True, codes_left[1:] != codes_left[:-1]])
            if len(starts) == len(codes_left):
                break
            sizes = np.diff(np.r_[starts, len(codes_left)])
            right = (np.arange(len(codes_left)) - np.repeat(starts, sizes)) % 2 == 1
            left = np.flatnonzero(right) - 1
            pairs = records[left]
            self.join(pairs, records[right])
            records[left] = pairs
            records, codes_left = records[~right], codes_left[~right]
        own = total[codes_left]
        self.join(own, records)
        total[codes_left] = own

    @abstractmethod
    def result(self, records: Records, name: str) -> np.ndarray:
        """Return one of `result_names` as float64, in the shape of `records`."""

    @abstractmethod
    def affine(self, records: Records) -> Records:
        """Return the map that normalizes, as ``kernels.AFFINE``, in the shape of `records`."""

    def kernel(self, kernel: Kernel) -> Kernel:
        """Return what maps blocks in place of ``kernels.standardize`` or ``kernels.restore``."""
        return kernel

    def units(self, reading: str, units: str) -> str:
        """Return the units of a reading of data that have units."""
        if reading == "variance":
            return f"{units}2" if units.isalpha() else f"({units})2"
        return "1" if reading == "count" else units

    def with_one_scale(self, records: Sequence[Records]) -> list[Records]:
        """Return records of several variables, position by position, with one scale for all."""
        raise TypeError(f"{type(self).__name__} has no scale that variables can share")

    def components(self, records: Records) -> "list[Component]":
        """Return the statistics that this one combines; the first one normalizes."""
        return [Component(self, records)]

    def select(self, records: Records, kind: "type[Statistic]") -> "tuple[Statistic, Records]":
        """Return the first statistic of a kind, and its records; TypeError if there is none."""
        if isinstance(self, kind):
            return self, records
        raise TypeError(f"there is no {kind.__name__}: what was learned is {self}")

    @property
    def location_scale_names(self) -> tuple[str, ...]:
        """The results from which `location_scale` is computed; empty if there are none."""
        names = self.result_names
        return next((each for each in LOCATION_SCALES if set(each) <= set(names)), ())

    def location_scale(self, *results: np.ndarray) -> LocationScale:
        """Return the location and scale of data, given the results `location_scale_names`."""
        return LOCATION_SCALES[self.location_scale_names](*results)

    def for_comparison(self) -> "Statistic":
        """Return the statistic to compute from new data that are compared with this one's."""
        return self

    @property
    def comparison_settings(self) -> tuple[Any, ...]:
        """The settings that two statistics must share to be compared by their results."""
        return ()

    def to_sklearn(self, records: Records) -> Any:
        """Return scikit-learn's scaler for one row of records; MismatchError if there is none."""
        raise MismatchError(f"scikit-learn has no scaler for {self}; normalize with the Stats")

    @abstractmethod
    def is_invalid(self, records: Records) -> np.ndarray:
        """Return True where infinities or an overflow have spoiled a record."""


@dataclass(frozen=True)
class Component:
    """A statistic without parts, and its records.

    Parameters
    ----------
    statistic : Statistic
    records : Records
    transform : str
        The function whose values the statistic is computed from; empty for the data themselves.
    """

    statistic: Statistic
    records: Records
    transform: str = ""

    def has(self, *names: str) -> bool:
        """Check whether the statistic has all of these results."""
        return set(names) <= set(self.statistic.result_names)

    def result(self, name: str) -> np.ndarray:
        """Return a result; NaN if there is none of that name."""
        if not self.has(name):
            return np.full(self.records.shape, np.nan)
        return self.statistic.result(self.records, name)

    def stored(self, name: str, default: float) -> np.ndarray:
        """Return a field of the records as float64; the default if there is none."""
        if name not in (self.records.dtype.names or ()):
            return np.full(self.records.shape, default)
        return np.asarray(self.records[name], float)


def is_undefined(records: Records, skipna: bool) -> np.ndarray:
    """Return True where there is nothing to read, of records with a count and what is missing.

    Nothing was counted there, or something is missing and may not be.
    """
    return (records["count"] == 0) | ((records["missing"] > 0) & (not skipna))


def _default_of(setting: "Field[Any]") -> Any:
    made = setting.default_factory
    return setting.default if made is MISSING else made()
