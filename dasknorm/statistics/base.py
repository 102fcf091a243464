"""`Statistic`: base class of statistics, and the invariants that each one obeys.

Used by blocks, chunks, containers, fields, io, sklearn, statistics and testing. Every statistic
overrides these methods, so a change of a signature changes all of them.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np

from dasknorm.errors import MismatchError
from dasknorm.kernels import AFFINE, Axes, Kernel, Weights, part_of

Records = np.ndarray

LocationScale = tuple[np.ndarray, np.ndarray]

LOCATION_SCALES: Mapping[tuple[str, ...], Callable[..., LocationScale]] = {
    ("mean", "std"): lambda mean, std: (mean, std),
    ("median", "lower", "upper"): lambda median, lower, upper: (median, upper - lower),
    ("min", "max"): lambda low, high: ((low + high) / 2, high - low),
    ("max_abs",): lambda max_abs: (np.full(max_abs.shape, np.nan), max_abs),
}
"""The location and scale of data by the names of results; the most informative results first."""

DEFAULT_FILL = 9.969209968386869e36
"""The number that netCDF stores for missing floats of a variable without ``_FillValue``."""


class Statistic(ABC):
    """A monoid of records that is converted to an affine map.

    A statistic *summarizes* a block of numbers in records of `dtype`, one for each output element,
    *merges* records, and converts them to a ``(shift, scale)`` by which data are normalized:
    ``(x - shift) / scale``. Subclasses are frozen dataclasses whose fields are their settings. They
    contain no data, so equal settings make equal work with equal names. With ``repr=False``, their
    text shows only the settings that differ from the defaults.

    Invariants, up to the rounding of each statistic; ``++`` joins blocks along the reduced axes:

    * ``summarize(a ++ b) == merge(summarize(a) ++ summarize(b))``
    * ``merge(zeros ++ s) == s``, bit for bit, where ``zeros`` is ``np.zeros(shape, dtype)``
    * ``merge(a ++ b) == merge(b ++ a)``
    * ``merge(merge(a ++ b) ++ c) == merge(a ++ merge(b ++ c))``
    * ``add(s, a)`` sets ``s`` to ``merge(s ++ summarize(a))``, and ``join(s, t)`` to
      ``merge(s ++ t)``
    * ``add_by_group(s, x, codes)`` is ``add(s[i], x[codes == i])`` for each ``i``
    * constant data normalize to exactly 0; where ``is_centred`` is False, to one number, the same
      for any count and any parts

    ``dasknorm.testing.check_statistic`` checks them.
    """

    dtype: ClassVar[np.dtype[np.void]]
    """The dtype of one record. A record of zeros is the identity of `merge`."""

    result_names: ClassVar[tuple[str, ...]]
    """The names that `result` takes, in the order in which they are shown."""

    description: ClassVar[str] = ""
    """The computed results in words; if empty, `result_names` are shown."""

    is_centred: ClassVar[bool] = True
    """Whether constant data normalize to 0."""

    transform: ClassVar[str] = ""
    """The function of ``kernels.FUNCTIONS`` that is applied before the affine map, if any."""

    supports_lag: ClassVar[bool] = True
    """Whether statistics of tendencies (``lag=``) can be computed as well."""

    unmergeable_reason: ClassVar[str] = ""
    """Why records do not merge, as a sentence; empty if they do."""

    invalid_reason: ClassVar[str] = "infinite values, or too large to be squared in float64,"
    """The reason why a record `is_invalid`, as a noun."""

    stored_name: ClassVar[str]
    """The name in files of statistics; by default the class name."""

    def __init_subclass__(cls) -> None:
        if "stored_name" not in vars(cls):
            cls.stored_name = cls.__name__

    def __repr__(self) -> str:
        shown = [setting for setting in fields(self) if setting.repr]  # type: ignore[arg-type]
        settings = [
            f"{setting.name}={value!r}"
            for setting in shown
            if (value := getattr(self, setting.name)) != _default_of(setting)
        ]
        return f"{type(self).__name__}({', '.join(settings)})"

    @abstractmethod
    def summarize(self, block: np.ndarray, axes: Axes, weights: Weights = None) -> Records:
        """Summarize a block over `axes`; the records have the block's rank, 1 along `axes`."""

    @abstractmethod
    def merge(self, records: Records, axes: Axes) -> Records:
        """Merge records over `axes`; the result has the same rank, 1 along `axes`."""

    def add(self, total: Records, block: np.ndarray, axes: Axes, weights: Weights = None) -> None:
        """Merge a block into `total`, in place; `total` has the shape that `summarize` gives."""
        self.join(total, self.summarize(block, axes, weights))

    def join(self, total: Records, part: Records) -> None:
        """Merge `part`, records of the same shape, into `total`, in place."""
        total[...] = self.merge(np.stack([total, part]), (0,))[0]

    def add_by_group(
        self, total: Records, values: np.ndarray, codes: np.ndarray, weights: Weights = None
    ) -> None:
        """Merge values into the records at their codes, in place; below 0, they have no group."""
        # Values of one group are merged in pairs, and the pairs again: the number of steps is the
        # number of bits of the size of the largest group, for any number of groups.
        order = np.argsort(codes, kind="stable")
        order = order[codes[order] >= 0]
        codes_left = codes[order]
        records = self.summarize(values[order], (), part_of(weights, order))
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
        group_records = total[codes_left]
        self.join(group_records, records)
        total[codes_left] = group_records

    @abstractmethod
    def result(self, records: Records, name: str) -> np.ndarray:
        """Return one of `result_names` as float64, in the shape of `records`."""

    @abstractmethod
    def affine(self, records: Records) -> Records:
        """Return the maps that normalize, as ``kernels.AFFINE``, in the shape of `records`."""

    def weights_of(self, records: Records, values: Sequence[float]) -> dict[float, np.ndarray]:
        """Return the weights of those values that occur, if all other data are negligible in size.

        A weight is NaN where a value occurs and its weight is unknown, and 0 where the records do
        not show that it occurs. Values that occur nowhere are left out.
        """
        return {}

    def is_ordinary(self, records: Records) -> bool:
        """Return True if no record can be invalid, or show a value that `weights_of` looks for.

        This is a quick test of many records; if it is False, each record is looked at.
        """
        return False

    def kernel(self, kernel: Kernel) -> Kernel:
        """Return the kernel to use instead of ``kernels.standardize`` or ``kernels.restore``."""
        return kernel

    def units(self, result_name: str, units: str) -> str:
        """Return the units of a result, given the units of the data."""
        if result_name == "variance":
            return f"{units}2" if units.isalpha() else f"({units})2"
        return "1" if result_name == "count" else units

    def with_one_scale(self, records: Sequence[Records]) -> list[Records]:
        """Return the records of multiple variables with one scale for all, element by element."""
        raise TypeError(f"{type(self).__name__} has no scale that variables can share")

    def components(self, records: Records) -> "list[Component]":
        """Return the statistics that this one combines; the first one normalizes."""
        return [Component(self, records)]

    def select(self, records: Records, kind: "type[Statistic]") -> "tuple[Statistic, Records]":
        """Return the first statistic of a class, and its records; TypeError if there is none."""
        if isinstance(self, kind):
            return self, records
        raise TypeError(f"there is no {kind.__name__}; the statistic is {self}")

    @property
    def location_scale_names(self) -> tuple[str, ...]:
        """The results from which `location_scale` is computed; empty if there are none."""
        names = self.result_names
        return next((pair for pair in LOCATION_SCALES if set(pair) <= set(names)), ())

    def location_scale(self, *results: np.ndarray) -> LocationScale:
        """Return the location and scale of data, given the results `location_scale_names`."""
        return LOCATION_SCALES[self.location_scale_names](*results)

    def for_comparison(self) -> "Statistic":
        """Return the statistic to compute from new data that are compared with this one's."""
        return self

    @property
    def comparison_settings(self) -> tuple[object, ...]:
        """The settings that two statistics must share to be compared by their results."""
        return ()

    def to_sklearn(self, records: Records) -> Any:
        """Return scikit-learn's scaler for one row of records; MismatchError if there is none."""
        raise MismatchError(f"scikit-learn has no scaler for {self}; normalize with the Stats")

    @abstractmethod
    def is_invalid(self, records: Records) -> np.ndarray:
        """Return True where an infinity or an overflow has made a record invalid."""


@dataclass(frozen=True)
class Component:
    """A statistic without parts, and its records."""

    statistic: Statistic
    records: Records
    transform: str = ""  # the function whose values it is computed from, if any

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


class CountedStatistic(Statistic):
    """A statistic with a setting `skipna`, whose records have `count` and `missing`."""

    skipna: bool

    def result(self, records: Records, name: str) -> np.ndarray:
        if name not in self.result_names:
            names = ", ".join(self.result_names)
            raise AttributeError(f"{type(self).__name__} has no {name!r}; it has {names}")
        if name == "count":
            return records["count"].copy()
        return self._defined(records, self._result(records, name))

    @abstractmethod
    def _result(self, records: Records, name: str) -> np.ndarray:
        """Return a result other than the count, with any numbers where it is undefined."""

    def for_comparison(self) -> Statistic:
        return replace(self, skipna=True)  # type: ignore[type-var]

    def _defined(self, records: Records, values: np.ndarray) -> np.ndarray:
        """Return values, NaN where nothing was counted, or a value is missing and not skipped."""
        is_undefined = (records["count"] == 0) | ((records["missing"] > 0) & (not self.skipna))
        return np.where(is_undefined, np.nan, values)


def is_near(results: np.ndarray, value: float) -> np.ndarray:
    """Return where results equal a value other than 0, up to the rounding of float32."""
    with np.errstate(all="ignore"):
        return np.asarray(np.abs(results / value - 1) < 1e-6)


def make_affine(shift: np.ndarray | float, scale: np.ndarray) -> Records:
    """Return affine maps, in the shape of the scale; a scale of exactly 0 becomes 1."""
    result = np.zeros(np.shape(scale), AFFINE)
    result["shift"], result["scale"] = shift, np.where(scale == 0, 1.0, scale)
    return result


def _default_of(setting: "Field[object]") -> object:
    make_default = setting.default_factory
    return setting.default if make_default is MISSING else make_default()


@dataclass(frozen=True)
class Reducer:
    """A statistic, and the axes of a block to reduce; records have size 1 along these."""

    statistic: Statistic
    axes: Axes

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the records of blocks of this shape."""
        return tuple(1 if axis in self.axes else size for axis, size in enumerate(shape))

    def kept(self, ndim: int) -> list[int]:
        """Return the axes of a block that are not reduced."""
        return [axis for axis in range(ndim) if axis not in self.axes]

    def where(self, slab: tuple[slice, ...]) -> tuple[slice, ...]:
        """Return the part of the records of a block that belongs to a slab of it."""
        return tuple(slice(None) if axis in self.axes else s for axis, s in enumerate(slab))

    def empty(self, shape: tuple[int, ...]) -> Records:
        """Return the records of no data, for blocks of this shape."""
        return np.zeros(self.shape(shape), self.statistic.dtype)

    def nbytes(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the records of blocks of this shape."""
        return math.prod(self.shape(shape)) * self.statistic.dtype.itemsize

    def summarize(self, block: np.ndarray, weights: Weights = None) -> Records:
        """Summarize a block; the records have its rank."""
        return self.statistic.summarize(block, self.axes, weights)

    def add(self, total: Records, block: np.ndarray, weights: Weights = None) -> None:
        """Merge a block into `total`, in place; `total` has the shape that `summarize` gives."""
        self.statistic.add(total, block, self.axes, weights)

    def join(self, total: Records, part: Records) -> None:
        """Merge `part`, records of the same shape, into `total`, in place."""
        self.statistic.join(total, part)
