"""Fields: axes by name or position, labels by value, arrays laid along one another."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dasknorm import chunks
from dasknorm.errors import MismatchError
from dasknorm.fields import Field
from dasknorm.fields.states import aligned
from dasknorm.statistics import Moments

GRID = Field(
    np.arange(24.0).reshape(2, 3, 4),
    ("t", "lev", "x"),
    {"lev": pd.Index([1000, 500, 100]), "t": pd.date_range("2001", periods=2)},
    ("lev",),
)
BARE = Field(np.arange(6.0).reshape(2, 3), (-2, -1), {}, (-1,))


@pytest.mark.parametrize(
    ("field", "name", "axis"),
    [
        (GRID, "t", 0), (GRID, "x", 2), (GRID, 1, 1), (GRID, -1, 2), (GRID, np.int8(2), 2),
        (BARE, -1, 1), (BARE, -2, 0), (BARE, 0, 0), (BARE, 1, 1),
    ],
)  # fmt: skip
def test_axes_have_names_and_positions(field: Field, name: Any, axis: int) -> None:
    """A dimension is found by its name, or by its position from either end."""
    assert field.axis(name) == axis
    assert field.has_axis(name)


@pytest.mark.parametrize(
    ("field", "name", "error"),
    [
        (GRID, "y", ValueError), (GRID, 3, IndexError), (GRID, None, ValueError),
        (GRID, True, TypeError), (GRID, 1.0, TypeError), (BARE, -1.0, TypeError),
        (BARE, "x", ValueError), (BARE, -3, np.exceptions.AxisError),
    ],
)  # fmt: skip
def test_axes_that_are_not_there(field: Field, name: Any, error: type[Exception]) -> None:
    """A dimension that is not there is a ValueError, and no axis at all a TypeError."""
    with pytest.raises(error):
        field.axis(name)


@pytest.mark.parametrize("kept", [(), ("lev",), ("t", "x"), ("t", "lev", "x")])
def test_states_keep_dims_and_labels(kept: tuple[str, ...]) -> None:
    """States lie along the kept dimensions, with their labels, in the order of the data."""
    state = replace(GRID, statistic=Moments()).summarize(kept)
    state = replace(state, data=chunks.to_dask(state.data))
    assert state.dims == state.features == kept
    assert state.data.shape == tuple(GRID.sizes()[dim] for dim in kept)
    assert set(state.labels) == set(kept) & {"t", "lev"}
    over = tuple(i for i, dim in enumerate(GRID.dims) if dim not in kept)
    np.testing.assert_allclose(state.data["mean"], GRID.data.mean(axis=over))


def test_an_array_is_laid_along_the_axes_of_another() -> None:
    """A field has the rank of the other, with size 1 where it has no such dimension."""
    levels = Field(np.array([5.0, 6.0, 7.0]), ("lev",), {"lev": pd.Index([100, 1000, 500])})
    assert levels.align_to(GRID).tolist() == [[[6.0], [7.0], [5.0]]]
    turned = Field(GRID.data.transpose(2, 0, 1), ("x", "t", "lev"))
    np.testing.assert_array_equal(turned.align_to(GRID), GRID.data)
    one = Field(np.array(3.0), ())
    assert one.align_to(GRID).shape == (1, 1, 1)
    assert one.align_to(Field(np.array(1.0), ())).shape == ()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            [1000, 500, 99],
            r"\[99\] along 'lev' are not in the statistics.*\(nearest to 99: 100, not within",
        ),
        ([1000, 500, np.nan], "NaN among the labels"),
        (["a", "b", "c"], r"labels \['a', 'b', 'c'\]"),
        ([1, 2, 3, 4, 5, 6, 7, 8], r"\[1, 2, 3, 4, 5, 6, \.\.\.\]"),
    ],
)
def test_labels_that_are_not_there(labels: list[Any], message: str) -> None:
    """Labels that the statistics do not know are listed, the first few, beside what is known."""
    wanted = Field(np.zeros(len(labels)), ("lev",), {"lev": pd.Index(labels)})
    state = Field(np.zeros(3), ("lev",), {"lev": GRID.labels["lev"]})
    with pytest.raises(MismatchError, match=message):
        state.align_to(wanted)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Field(np.zeros(3), ("x",)), "kept dimensions differ"),
        (Field(np.zeros(4), ("lev",), {"lev": pd.RangeIndex(4)}), "sizes differ along 'lev'"),
        (Field(np.zeros(3), ("lev",)), "only one side has labels"),
        (Field(np.zeros(3), ("lev",), {"lev": pd.RangeIndex(3)}), r"labels \["),
    ],
)
def test_fields_that_cannot_be_aligned(other: Field, message: str) -> None:
    """Fields align only if dimensions, sizes and labels are the same."""
    mine = Field(np.zeros(3), ("lev",), {"lev": GRID.labels["lev"]})
    with pytest.raises(MismatchError, match=message):
        aligned(other, mine)


def test_places_in_words() -> None:
    """A position is named by its labels, by its numbers where there are none."""
    assert GRID.place((0, 1, 3)) == "t=2001-01-01 00:00:00, lev=500, x=3"
    assert BARE.place((1, 2)) == "axis -2=1, axis -1=2"
    columns = Field(np.zeros(2), ("columns",), {"columns": pd.Index(["a", "b"])})
    assert columns.place((1,)) == "b"


def test_some_labels() -> None:
    """A part with certain labels comes in their order, tuples of a MultiIndex too."""
    assert GRID.labelled("lev", [100, 1000]).data[0, :, 0].tolist() == [8.0, 0.0]
    pairs = pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)])
    field = Field(np.arange(3.0), ("columns",), {"columns": pairs})
    part = field.labelled("columns", [("b", 1), ("a", 1)])
    assert part.data.tolist() == [2.0, 0.0]
    assert part.labels["columns"].tolist() == [("b", 1), ("a", 1)]


@pytest.mark.parametrize(
    "other",
    [
        Field(np.arange(6.0).reshape(2, 3), ("a", "b")),
        Field(np.arange(6.0).reshape(2, 3), (-2, -1), {-1: pd.RangeIndex(3)}),
        Field(np.arange(6).reshape(2, 3), (-2, -1)),
        Field(np.arange(6.0).reshape(2, 3) * [1, 1, -1], (-2, -1)),
    ],
)
def test_identical_is_of_names_labels_and_bits(other: Field) -> None:
    """Fields are identical only if dims, labels, dtype and every bit are the same."""
    assert BARE.identical(Field(np.arange(6.0).reshape(2, 3), (-2, -1)))
    assert not BARE.identical(other)
