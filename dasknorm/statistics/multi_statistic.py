"""`MultiStatistic`: multiple statistics of the same data, computed in one pass."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from dasknorm.kernels import Kernel
from dasknorm.statistics.base import Component, Records, Statistic

__all__ = ["MultiStatistic"]


@dataclass(frozen=True, repr=False)
class MultiStatistic(Statistic):
    """A product of statistics: a record is a record of each, side by side.

    Data are normalized by the first. ``adapt(data, [Moments(), Extrema()])`` is a short way to
    write it, and ``stats.select_statistic(Extrema)`` takes one of them.

    Parameters
    ----------
    parts : tuple of Statistic
        Two or more, each different. Of a reading that several have the first one's is read.

    Examples
    --------
    >>> import dasknorm as dn
    >>> import numpy as np
    >>> stats = dn.adapt(np.array([[2.0], [6.0], [4.0]]), [dn.Moments(), dn.Extrema()])
    >>> stats.mean, stats.max
    (array([4.]), array([6.]))
    >>> stats.select_statistic(dn.Extrema).normalize(np.array([[3.0]]))
    array([[0.25]])
    """

    parts: tuple[Statistic, ...]

    stored_name: ClassVar[str] = "Several"

    def __post_init__(self) -> None:
        parts = tuple(self.parts)
        if strange := [part for part in parts if not isinstance(part, Statistic)]:
            raise TypeError(f"several statistics are a list of them, got {strange[0]!r} in it")
        if len(parts) < 2 or len(set(parts)) < len(parts):
            raise ValueError(f"several statistics are two or more different ones, got {parts}")
        object.__setattr__(self, "parts", parts)

    @cached_property
    def dtype(self) -> np.dtype[np.void]:  # type: ignore[override]
        """Of one record: the fields of each part, under its name, where they lie in the part's."""
        inside = self._beside
        said: dict[str, Any] = {"names": [], "formats": [], "offsets": []}
        for part in inside.names or ():
            _, start = inside.fields[part][:2]  # type: ignore[index]
            for name in inside[part].names or ():
                kind, place = inside[part].fields[name][:2]  # type: ignore[index]
                said["names"].append(f"{part}_{name}")
                said["formats"].append(kind)
                said["offsets"].append(start + place)
        return np.dtype({**said, "itemsize": inside.itemsize})  # type: ignore[call-overload]

    @property
    def result_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """What any of the parts has, in their order."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.result_names))

    @property
    def description(self) -> str:  # type: ignore[override]
        """What the parts are, in words."""
        return "; ".join(part.description for part in self.parts)

    @property
    def invalid_reason(self) -> str:  # type: ignore[override]
        """What spoils a record of any of the parts."""
        return " or ".join(dict.fromkeys(part.invalid_reason for part in self.parts))

    @property
    def is_centred(self) -> bool:  # type: ignore[override]
        """Whether the first is."""
        return self.parts[0].is_centred

    @property
    def transform(self) -> str:  # type: ignore[override]
        """That of the first part."""
        return self.parts[0].transform

    @property
    def supports_lag(self) -> bool:  # type: ignore[override]
        """Whether all parts do."""
        return all(part.supports_lag for part in self.parts)

    @property
    def unmergeable_reason(self) -> str:  # type: ignore[override]
        """That of the first part that does not merge."""
        return next(filter(None, (part.unmergeable_reason for part in self.parts)), "")

    def select(self, records: Records, kind: type[Statistic]) -> tuple[Statistic, Records]:
        for part, own in self._each(records):
            if isinstance(part, kind):
                return part, own.copy()
        raise TypeError(f"there is no {kind.__name__} among {', '.join(map(str, self.parts))}")

    def components(self, records: Records) -> list[Component]:
        pairs = self._each(records)
        return [one for part, own in pairs for one in part.components(own.copy())]

    def summarize(
        self, block: np.ndarray, axes: tuple[int, ...], weights: np.ndarray | None = None
    ) -> Records:
        shape = [1 if axis in axes else size for axis, size in enumerate(block.shape)]
        out = np.zeros(shape, self.dtype)
        for part, own in self._each(out):
            own[...] = part.summarize(block, axes, weights)
        return out

    def merge(self, records: Records, axes: tuple[int, ...]) -> Records:
        shape = [1 if axis in axes else size for axis, size in enumerate(records.shape)]
        out = np.zeros(shape, self.dtype)
        for (part, into), (_, own) in zip(self._each(out), self._each(records), strict=True):
            into[...] = part.merge(own.copy(), axes)
        return out

    # In place by way of a copy: a part's records do not lie one after the other, and kernels
    # are slow on those.

    def add(
        self,
        total: Records,
        block: np.ndarray,
        axes: tuple[int, ...],
        weights: np.ndarray | None = None,
    ) -> None:
        for part, into in self._each(total):
            own = into.copy()
            part.add(own, block, axes, weights)
            into[...] = own

    def join(self, total: Records, part: Records) -> None:
        for (statistic, into), (_, own) in zip(self._each(total), self._each(part), strict=True):
            both = into.copy()
            statistic.join(both, own.copy())
            into[...] = both

    def add_by_group(
        self,
        total: Records,
        values: np.ndarray,
        codes: np.ndarray,
        weights: np.ndarray | None = None,
    ) -> None:
        for part, into in self._each(total):
            own = into.copy()
            part.add_by_group(own, values, codes, weights)
            into[...] = own

    def result(self, records: Records, name: str) -> np.ndarray:
        for part, own in self._each(records):
            if name in part.result_names:
                return part.result(own, name)
        raise AttributeError(f"there is no {name!r}; there are {', '.join(self.result_names)}")

    def affine(self, records: Records) -> Records:
        part, own = next(self._each(records))
        return part.affine(own)

    def kernel(self, kernel: Kernel) -> Kernel:
        return self.parts[0].kernel(kernel)

    def units(self, reading: str, units: str) -> str:
        owner = next(part for part in self.parts if reading in part.result_names)
        return owner.units(reading, units)

    def with_one_scale(self, records: Sequence[Records]) -> list[Records]:
        result = [each.copy() for each in records]
        part, _ = next(self._each(result[0]))
        shared = part.with_one_scale([next(self._each(each))[1].copy() for each in records])
        for each, own in zip(result, shared, strict=True):
            next(self._each(each))[1][...] = own
        return result

    def is_invalid(self, records: Records) -> np.ndarray:
        return np.any([part.is_invalid(own) for part, own in self._each(records)], axis=0)

    @cached_property
    def _beside(self) -> np.dtype[np.void]:
        """One record, as a record of each part."""
        names: list[str] = []
        for part in self.parts:
            name, number = part.stored_name.lower(), 1
            while (unique := name if number == 1 else f"{name}_{number}") in names:
                number += 1
            names.append(unique)
        return np.dtype([(n, part.dtype) for n, part in zip(names, self.parts, strict=True)])

    def _each(self, records: Records) -> Iterator[tuple[Statistic, Records]]:
        """Yield each part and its records, seen where they lie."""
        inside = records.view(self._beside)
        for part, name in zip(self.parts, self._beside.names or (), strict=True):
            yield part, inside[name]
