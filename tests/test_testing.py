"""The checks for extensions find violated invariants, and pass valid extensions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

import dasknorm as dn
from dasknorm import containers, kernels
from dasknorm.containers import NO_SELECTION, Container, Selection, register
from dasknorm.containers.numpy import array_field
from dasknorm.fields import Field
from dasknorm.statistics.base import Records
from dasknorm.testing import check_container, check_statistic


class Writes(dn.Moments):
    """Changes the blocks it reads."""

    def summarize(self, block: Any, axes: Any, weights: Any = None) -> Records:
        records = super().summarize(block, axes, weights)
        block[0] = 0
        return records


class Forgets(dn.Moments):
    """Merges to the first of the records."""

    def merge(self, records: Records, axes: Any) -> Records:
        return records[:1].copy()


class Shifts(dn.Moments):
    """Does not give the constant itself as the shift of constant data."""

    def affine(self, records: Records) -> Records:
        affine = super().affine(records)
        affine["shift"] = np.nextafter(affine["shift"], np.inf)
        return affine


class Counts(dn.Moments):
    """Counts a sample where there is none."""

    def summarize(self, block: Any, axes: Any, weights: Any = None) -> Records:
        records = super().summarize(block, axes, weights)
        if block.shape[0] == 0:
            records["count"] = 1.0
        return records


class Flattens(dn.Moments):
    """Loses the merged axes."""

    def summarize(self, block: Any, axes: Any, weights: Any = None) -> Records:
        return super().summarize(block, axes, weights)[0]


class Rough(dn.Moments):
    """Sums squares as they are, and so loses small variances of large numbers."""

    def summarize(self, block: Any, axes: Any, weights: Any = None) -> Records:
        records = super().summarize(block, axes, weights)
        square = np.nansum(block.astype("f8") ** 2, axis=axes, keepdims=True)
        records["m2"] = square - records["count"] * records["mean"] ** 2
        return records


@pytest.mark.parametrize(
    ("statistic", "law"),
    [
        (Writes(), "blocks are not changed"),
        (Forgets(), r"merge\(summarize\(a\) \+\+ summarize\(b\)\) == summarize\(a \+\+ b\)"),
        (Shifts(), "constant data normalize to 0"),
        (Counts(), r"== summarize\(a \+\+ b\): count"),
        (Flattens(), "summarize keeps the rank"),
        (Rough(), r"merge\(|constant"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_statistics_that_break_a_law(statistic: dn.Statistic, law: str) -> None:
    """check_statistic fails with the law that a statistic breaks."""
    with pytest.raises(AssertionError, match=law):
        check_statistic(statistic)


@dataclass(frozen=True)
class Largest(dn.Statistic):
    """A stranger's statistic, that keeps the laws: the largest absolute value."""

    dtype = np.dtype([("largest", "<f8"), ("count", "<f8")])
    result_names = ("largest",)

    def summarize(self, block: Any, axes: Any, weights: Any = None) -> Records:
        values = np.where(np.isnan(block), 0.0, np.abs(block.astype("f8")))
        shape = [1 if i in axes else n for i, n in enumerate(block.shape)]
        records = np.zeros(shape, self.dtype)
        records["largest"] = values.max(axis=axes, keepdims=True, initial=0.0)
        return records

    def merge(self, records: Records, axes: Any) -> Records:
        shape = [1 if i in axes else n for i, n in enumerate(records.shape)]
        merged = np.zeros(shape, self.dtype)
        merged["largest"] = records["largest"].max(axis=axes, keepdims=True, initial=0.0)
        return merged

    def result(self, records: Records, name: str) -> np.ndarray:
        return records["largest"].copy()

    def affine(self, records: Records) -> Records:
        affine = np.zeros(records.shape, kernels.AFFINE)
        affine["scale"] = np.where(records["largest"] == 0, 1.0, records["largest"])
        return affine

    def is_invalid(self, records: Records) -> np.ndarray:
        return np.isinf(records["largest"])


def test_a_strangers_statistic() -> None:
    """Another statistic is used as Moments is, with no edit to the package."""
    data = pd.DataFrame({"a": [1.0, -4.0], "b": [2.0, 1.0]})
    stats = dn.adapt(data, Largest()) + dn.adapt(-2 * data, Largest())
    assert stats.result("largest").to_dict() == {"a": 8.0, "b": 4.0}
    assert stats.normalize(data)["a"].tolist() == [0.125, -0.5]
    assert "largest" in repr(stats)


class Box:
    """A stranger's container: one array, with a lid."""

    def __init__(self, array: np.ndarray, lid: str = "on") -> None:
        self.array, self.lid = array, lid


class Boxes(Container[Box]):
    """Takes boxes apart, and puts them together again."""

    name = "tests.Box"

    def fields(self, data: Box, selection: Selection = NO_SELECTION) -> dict[Any, Field]:
        self.check_no_selection(data, selection)
        return {None: array_field(data.array)}

    def rebuild(self, data: Box, fields: Any) -> Any:
        return Box(fields[None].data, data.lid)

    def make_results(self, values: Any) -> Any:
        return Box(np.asarray(values[None].data))

    def parse_values(self, values: Box) -> tuple[str, dict[Any, Field]]:
        dims = tuple(range(-values.array.ndim, 0))
        return self.name, {None: Field(values.array.astype("f8"), dims, {}, dims)}


@pytest.fixture
def boxed() -> Iterator[Any]:
    """Register containers of boxes for the length of a test."""
    by_type, by_name = dict(containers._by_type), dict(containers._by_name)

    def registered(cls: type[Container]) -> Box:
        register(Box)(cls)
        return Box(np.array([[1.0, 2.0], [3.0, 8.0], [4.0, 3.0]]))

    yield registered
    for registry, before in ((containers._by_type, by_type), (containers._by_name, by_name)):
        registry.clear()
        registry.update(before)  # type: ignore[arg-type]


def test_a_strangers_container(boxed: Any) -> None:
    """Another container is registered as the package's own are, and keeps the laws."""
    box = boxed(Boxes)
    check_container(box)
    z = dn.adapt(box).normalize(box)
    assert isinstance(z, Box)
    np.testing.assert_allclose(z.array.mean(axis=0), 0.0, atol=1e-15)


class Loses(Boxes):
    """Puts the old numbers back."""

    name = "tests.Loses"

    def rebuild(self, data: Box, fields: Any) -> Any:
        return Box(np.zeros_like(data.array))


class Overwrites(Boxes):
    """Writes the result into what was given."""

    name = "tests.Overwrites"

    def rebuild(self, data: Box, fields: Any) -> Any:
        data.array[...] = fields[None].data
        return data


class Unboxes(Boxes):
    """Gives the bare array."""

    name = "tests.Unboxes"

    def rebuild(self, data: Box, fields: Any) -> Any:
        return fields[None].data


class Swaps(Boxes):
    """Takes given numbers in the wrong order."""

    name = "tests.Swaps"

    def parse_values(self, values: Box) -> tuple[str, dict[Any, Field]]:
        return super().parse_values(Box(values.array[::-1]))


class Ignores(Boxes):
    """Takes all columns, whichever are selected."""

    name = "tests.Ignores"

    def fields(self, data: Box, selection: Selection = NO_SELECTION) -> dict[Any, Field]:
        return super().fields(data)


@pytest.mark.parametrize(
    ("cls", "law"),
    [
        (Ignores, r"fields\(x, selection\) selects columns, or raises an error"),
        (Loses, r"rebuild\(x, fields\(x\)\) equals x"),
        (Overwrites, "the input is not changed"),
        (Unboxes, "rebuild returns an object of the same type"),
        (Swaps, r"parse_values\(make_results\(values\)\) has the values"),
    ],
)
def test_containers_that_break_a_law(boxed: Any, cls: type[Container], law: str) -> None:
    """check_container fails with the law that a container breaks."""
    with pytest.raises(AssertionError, match=law):
        check_container(boxed(cls))
