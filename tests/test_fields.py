"""Fields: axes by name or position, labels by value, alignment, groups and states."""

from dataclasses import replace
from typing import Any, Literal

import dask
import numpy as np
import pandas as pd
import pytest

from dasknorm import chunks
from dasknorm.errors import MismatchError
from dasknorm.fields import Field, Groups, State
from dasknorm.fields.states import concat_columns, merge_state, reorder, state_from_values
from dasknorm.statistics import Extrema, Moments, Predefined

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
    assert field.axis_of(name) == axis
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
        field.axis_of(name)


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


def grouped_state(labels: list[Any], values: list[float]) -> State:
    """Return the state of two columns, grouped by these labels."""
    data = np.array([values, values]).T
    columns = {"columns": pd.Index(["a", "b"])}
    field = Field(data, ("index", "columns"), columns, ("columns",), statistic=Moments())
    work = field.with_groups("k", "index", pd.Index(labels)).summarize(("columns",))
    return work.with_records(chunks.run({"x": work.data})["x"])


def test_groups_of_data_and_of_states() -> None:
    """A dimension of grouped data becomes the group dimension, the first of the state."""
    state = grouped_state([2, 1, 2], [1.0, 5.0, 3.0])
    assert (state.groups, state.group_dim, state.lag_dim) == (Groups("k"), "k", None)
    assert state.dims == ("k", "columns")
    assert state.labels["k"].tolist() == [1, 2]
    assert state.data["mean"].tolist() == [[5.0, 5.0], [2.0, 2.0]]
    grouped = replace(GRID, statistic=Moments()).with_groups("k", "t", pd.Index([0, 1]))
    with pytest.raises(ValueError, match="by='k' reduces over 't', which cannot be kept"):
        grouped.summarize(("t",))


def test_groups_are_united() -> None:
    """States merge by group; columns are concatenated with an empty state for a missing group."""
    state, other = grouped_state([1, 2], [1.0, 2.0]), grouped_state([2, 3], [4.0, 5.0])
    merged = merge_state(state, other)
    assert merged.labels["k"].tolist() == [1, 2, 3]
    assert merged.data["mean"][:, 0].tolist() == [1.0, 3.0, 5.0]
    both = concat_columns(state, other)
    assert both.labels["columns"].tolist() == ["a", "b", "a", "b"]
    assert both.data["count"].tolist() == [[1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1]]
    plain = replace(state.select_labels("k", [1]), groups=None)
    with pytest.raises(MismatchError, match="by 'k' and not by group do not merge"):
        merge_state(state, plain)


def test_a_state_has_a_statistic() -> None:
    """Field may have no statistic, State always has one; Dask can rebuild both."""
    assert GRID.statistic is None
    state = replace(GRID, statistic=Extrema()).summarize(("lev",))
    assert isinstance(state, State)
    assert state.statistic == Extrema()
    lazy = replace(state, data=chunks.to_dask(state.data))
    (computed,) = dask.compute(lazy)
    assert isinstance(computed, State)
    assert (computed.statistic, computed.dims) == (Extrema(), ("lev",))
    with pytest.raises(MismatchError, match="statistics differ"):
        merge_state(computed, replace(computed, statistic=Moments()))


@pytest.mark.parametrize("role", ["std", "variance"])
def test_states_of_given_values(role: Literal["std", "variance"]) -> None:
    """A mean, a std or variance, and a count make a state; a negative value is named."""
    labels = {"lev": pd.Index([1000, 500])}
    mean, spread = (Field(np.array(v), ("lev",), labels, ("lev",)) for v in ([1.0, 2.0], [3.0, 4]))
    variance = [9.0, 16.0] if role == "std" else [3.0, 4.0]
    state = state_from_values("t", mean, spread, role=role, epsilon=0.5)
    assert state.statistic == Predefined(0.5)
    assert state.data["variance"].tolist() == variance
    counted = state_from_values("t", mean, spread, Field(np.array(10.0), ()), role)
    assert counted.statistic == Moments()
    assert counted.statistic.result(counted.data, "variance").tolist() == pytest.approx(variance)
    negative = replace(spread, data=np.array([1.0, -1.0]))
    with pytest.raises(ValueError, match=rf"{role} must not be negative, got -1.0 at t lev=500"):
        state_from_values("t", mean, negative, role=role)


def test_an_array_is_aligned_to_another() -> None:
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
    """Unknown labels are listed, the first few, with the available ones."""
    expected = Field(np.zeros(len(labels)), ("lev",), {"lev": pd.Index(labels)})
    state = Field(np.zeros(3), ("lev",), {"lev": GRID.labels["lev"]})
    with pytest.raises(MismatchError, match=message):
        state.align_to(expected)


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
    actual = Field(np.zeros(3), ("lev",), {"lev": GRID.labels["lev"]})
    with pytest.raises(MismatchError, match=message):
        reorder(other, actual)


def test_positions_as_text() -> None:
    """A position is named by its labels, by its numbers where there are none."""
    assert GRID.describe_position((0, 1, 3)) == "t=2001-01-01 00:00:00, lev=500, x=3"
    assert BARE.describe_position((1, 2)) == "axis -2=1, axis -1=2"
    columns = Field(np.zeros(2), ("columns",), {"columns": pd.Index(["a", "b"])})
    assert columns.describe_position((1,)) == "b"
    assert columns.has_columns
    assert not GRID.has_columns


def test_select_labels() -> None:
    """A part with certain labels comes in their order, tuples of a MultiIndex too."""
    assert GRID.select_labels("lev", [100, 1000]).data[0, :, 0].tolist() == [8.0, 0.0]
    pairs = pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)])
    field = Field(np.arange(3.0), ("columns",), {"columns": pairs})
    part = field.select_labels("columns", [("b", 1), ("a", 1)])
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
    assert BARE.is_identical(Field(np.arange(6.0).reshape(2, 3), (-2, -1)))
    assert not BARE.is_identical(other)
