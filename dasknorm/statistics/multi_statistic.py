"""`MultiStatistic`: multiple statistics of the same data, computed in one pass.

Used by statistics. The names of its parts are in the records of stored files.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from dasknorm.kernels import Axes, Kernel, Weights
from dasknorm.statistics.base import Component, Records, Reducer, Statistic


@dataclass(frozen=True, repr=False)
class MultiStatistic(Statistic):
    """Multiple statistics: a record contains a record of each.

    The first statistic normalizes data. ``adapt(data, [Moments(), Extrema()])`` is a short form,
    and ``stats.select_statistic(Extrema)`` selects one statistic.

    Parameters
    ----------
    parts : tuple of Statistic
        Two or more different statistics. If two have a result of the same name, the first is used.

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
        if invalid := [part for part in parts if not isinstance(part, Statistic)]:
            hint = f". Write {invalid[0].__name__}()" if isinstance(invalid[0], type) else ""
            raise TypeError(
                f"several statistics are a list of them, got {invalid[0]!r} in it{hint}"
            )
        if len(parts) < 2 or len(set(parts)) < len(parts):
            raise ValueError(f"several statistics are two or more different ones, got {parts}")
        object.__setattr__(self, "parts", parts)

    @cached_property
    def dtype(self) -> np.dtype[np.void]:  # type: ignore[override]
        """The dtype of one record: all fields of each part, after the name of the part."""
        nested = self._nested_dtype
        description: dict[str, list[object]] = {"names": [], "formats": [], "offsets": []}
        for part in nested.names or ():
            _, start = nested.fields[part][:2]  # type: ignore[index]
            for name in nested[part].names or ():
                kind, place = nested[part].fields[name][:2]  # type: ignore[index]
                description["names"].append(f"{part}_{name}")
                description["formats"].append(kind)
                description["offsets"].append(start + place)
        return np.dtype({**description, "itemsize": nested.itemsize})  # type: ignore[call-overload]

    @property
    def result_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """The results of all parts."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.result_names))

    @property
    def description(self) -> str:  # type: ignore[override]
        """The computed results in words."""
        return "; ".join(part.description for part in self.parts)

    @property
    def invalid_reason(self) -> str:  # type: ignore[override]
        """The reasons why a record of any part is invalid."""
        return " or ".join(dict.fromkeys(part.invalid_reason for part in self.parts))

    @property
    def is_centred(self) -> bool:  # type: ignore[override]
        """Whether the first part is."""
        return self.parts[0].is_centred

    @property
    def transform(self) -> str:  # type: ignore[override]
        """The transform of the first part."""
        return self.parts[0].transform

    @property
    def supports_lag(self) -> bool:  # type: ignore[override]
        """Whether all parts do."""
        return all(part.supports_lag for part in self.parts)

    @property
    def unmergeable_reason(self) -> str:  # type: ignore[override]
        """The reason of the first part that does not merge."""
        return next(filter(None, (part.unmergeable_reason for part in self.parts)), "")

    def select(self, records: Records, kind: type[Statistic]) -> tuple[Statistic, Records]:
        for part, part_records in self._views(records):
            if isinstance(part, kind):
                return part, part_records.copy()
        raise TypeError(f"there is no {kind.__name__} among {', '.join(map(str, self.parts))}")

    def components(self, records: Records) -> list[Component]:
        pairs = self._views(records)
        return [one for part, part_records in pairs for one in part.components(part_records.copy())]

    def summarize(self, block: np.ndarray, axes: Axes, weights: Weights = None) -> Records:
        out = Reducer(self, axes).empty(block.shape)
        for part, part_records in self._views(out):
            part_records[...] = part.summarize(block, axes, weights)
        return out

    def merge(self, records: Records, axes: Axes) -> Records:
        out = Reducer(self, axes).empty(records.shape)
        for (part, into), (_, part_records) in zip(
            self._views(out), self._views(records), strict=True
        ):
            into[...] = part.merge(part_records.copy(), axes)
        return out

    # In place, but with a copy: the records of a part are not contiguous, so kernels are slow.

    def add(self, total: Records, block: np.ndarray, axes: Axes, weights: Weights = None) -> None:
        for part, into in self._views(total):
            part_records = into.copy()
            part.add(part_records, block, axes, weights)
            into[...] = part_records

    def join(self, total: Records, part: Records) -> None:
        for (statistic, into), (_, part_records) in zip(
            self._views(total), self._views(part), strict=True
        ):
            merged = into.copy()
            statistic.join(merged, part_records.copy())
            into[...] = merged

    def add_by_group(
        self, total: Records, values: np.ndarray, codes: np.ndarray, weights: Weights = None
    ) -> None:
        for part, into in self._views(total):
            part_records = into.copy()
            part.add_by_group(part_records, values, codes, weights)
            into[...] = part_records

    def result(self, records: Records, name: str) -> np.ndarray:
        for part, part_records in self._views(records):
            if name in part.result_names:
                return part.result(part_records, name)
        raise AttributeError(f"there is no {name!r}; there are {', '.join(self.result_names)}")

    def affine(self, records: Records) -> Records:
        part, part_records = next(self._views(records))
        return part.affine(part_records)

    def kernel(self, kernel: Kernel) -> Kernel:
        return self.parts[0].kernel(kernel)

    def units(self, result_name: str, units: str) -> str:
        owner = next(part for part in self.parts if result_name in part.result_names)
        return owner.units(result_name, units)

    def is_ordinary(self, records: Records) -> bool:
        return all(part.is_ordinary(part_records) for part, part_records in self._views(records))

    def weights_of(self, records: Records, values: Sequence[float]) -> dict[float, np.ndarray]:
        weights: dict[float, np.ndarray] = {}
        for part, part_records in self._views(records):
            for value, weight in part.weights_of(part_records, values).items():
                earlier_weight = weights.get(value, np.zeros(records.shape))
                is_better = ((earlier_weight == 0) | np.isnan(earlier_weight)) & (weight != 0)
                weights[value] = np.where(is_better, weight, earlier_weight)
        return weights

    def with_one_scale(self, records: Sequence[Records]) -> list[Records]:
        result = [result_of_one.copy() for result_of_one in records]
        part, _ = next(self._views(result[0]))
        shared = part.with_one_scale(
            [next(self._views(result_of_one))[1].copy() for result_of_one in records]
        )
        for result_of_one, part_records in zip(result, shared, strict=True):
            next(self._views(result_of_one))[1][...] = part_records
        return result

    def is_invalid(self, records: Records) -> np.ndarray:
        return np.any(
            [part.is_invalid(part_records) for part, part_records in self._views(records)], axis=0
        )

    @cached_property
    def _nested_dtype(self) -> np.dtype[np.void]:
        """The dtype of a record of each part."""
        names: list[str] = []
        for part in self.parts:
            name, number = part.stored_name.lower(), 1
            while (unique := name if number == 1 else f"{name}_{number}") in names:
                number += 1
            names.append(unique)
        return np.dtype([(n, part.dtype) for n, part in zip(names, self.parts, strict=True)])

    def _views(self, records: Records) -> Iterator[tuple[Statistic, Records]]:
        """Yield each part and a view of its records."""
        nested = records.view(self._nested_dtype)
        for part, name in zip(self.parts, self._nested_dtype.names or (), strict=True):
            yield part, nested[name]
