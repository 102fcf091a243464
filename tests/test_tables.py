"""Tables: columns of mixed dtypes as one block, found by name."""

import numpy as np
import pandas as pd
import pytest

from dasknorm import blocks, kernels
from dasknorm.blocks import pandas_columns, slabs
from dasknorm.blocks.tables import Table
from dasknorm.errors import MismatchError
from dasknorm.statistics import Moments
from dasknorm.statistics.base import Reducer

MOMENTS = Moments()
FRAME = pd.DataFrame(
    {
        "a": [1.0, 2.0, 6.0],
        "t": ["x", "y", "z"],
        "b": np.array([1, 2, 9], "i2"),
        "c": pd.array([4, None, 8], "Int64"),
        "d": [0.0, np.nan, 2.0],
    }
)
NUMBERS = pd.Index(["c", "a", "d", "b"])


def table(frame: pd.DataFrame = FRAME, columns: pd.Index = NUMBERS) -> Table:
    return Table(pandas_columns.PandasSource(frame), columns)


@pytest.mark.parametrize("slab", [1, 2, 1 << 18])
def test_columns_are_summarized_by_name(slab: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each column has its own record, in the order asked for, by slabs of any size."""
    monkeypatch.setattr(slabs, "CONVERTED_ELEMENTS", slab)
    for frame in (FRAME, FRAME[["d", "c", "b", "t", "a"]]):
        records = blocks.summarize(table(frame), Reducer(MOMENTS, (0,)))
        assert records.shape == (1, 4)
        assert records["mean"].tolist() == [[6.0, 3.0, 1.0, 4.0]]
        assert records["count"].tolist() == [[2.0, 3.0, 2.0, 3.0]]


def test_all_columns_as_one() -> None:
    """Merged over columns too, a table has one record of all its numbers."""
    records = blocks.summarize(table(), Reducer(MOMENTS, (0, 1)))
    assert records.shape == (1, 1)
    assert records["count"].item() == 10.0
    assert records["mean"].item() == pytest.approx(35 / 10)


def test_rows_weigh() -> None:
    """Weights of rows weigh every column alike."""
    weights = np.array([[1.0], [0.0], [3.0]])
    records = blocks.summarize(table(), Reducer(MOMENTS, (0,)), weights)
    assert records["mean"].tolist() == [[7.0, 4.75, 1.5, 7.0]]


@pytest.mark.parametrize("slab", [1, 1 << 18])
def test_tables_are_mapped_in_place_of_their_columns(
    slab: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mapped table has the frame's columns, each in its own float, and text as it was."""
    monkeypatch.setattr(slabs, "CONVERTED_ELEMENTS", slab)
    affine = np.zeros((1, 4), kernels.AFFINE)
    affine["shift"], affine["scale"] = [6.0, 3.0, 1.0, 4.0], 2.0
    z = blocks.transform(table(), affine, kernels.standardize, None).frame
    assert list(z.columns) == list(FRAME.columns)
    assert [str(dtype) for dtype in z.dtypes] == ["float64", "str", "float32", "Float64", "float64"]
    assert z["a"].tolist() == [-1.0, -0.5, 1.5]
    assert z["b"].tolist() == [-1.5, -1.0, 2.5]
    assert z["c"].tolist() == [-1.0, pd.NA, 1.0]
    assert z["d"].fillna(9.0).tolist() == [-0.5, 9.0, 0.5]


def test_one_record_for_all_columns() -> None:
    """An affine map of one record goes along every column."""
    affine = np.zeros((1, 1), kernels.AFFINE)
    affine["scale"] = 2.0
    z = blocks.transform(table(), affine, kernels.standardize, None).frame
    assert z["a"].tolist() == [0.5, 1.0, 3.0]
    assert z["b"].tolist() == [0.5, 1.0, 4.5]


def test_missing_columns() -> None:
    """A column that is not there is named, beside those that are."""
    for act in (
        lambda: blocks.summarize(table(FRAME[["a", "b", "d"]]), Reducer(MOMENTS, (0,))),
        lambda: pandas_columns.in_order(FRAME[["a", "b", "d"]], NUMBERS),
    ):
        with pytest.raises(MismatchError, match=r"columns \['c'\] are missing; found \['a', 'b'"):
            act()


def test_shape_and_dtype() -> None:
    """A table has the shape of its columns, and a dtype that holds all of them."""
    assert (table().shape, table().ndim, table().dtype) == ((3, 4), 2, np.dtype("f8"))
    assert table(FRAME, pd.Index(["b"])).dtype == "i2"
    assert table(FRAME[["b"]].astype("f4"), pd.Index(["b"])).dtype == "f4"


def test_no_rows() -> None:
    """A table without rows has records of zeros, and maps to a table without rows."""
    records = blocks.summarize(table(FRAME.iloc[:0]), Reducer(MOMENTS, (0,)))
    assert not any(records.tobytes())
    affine = np.ones((1, 4), kernels.AFFINE)
    z = blocks.transform(table(FRAME.iloc[:0]), affine, kernels.restore, np.dtype("f4")).frame
    assert z.shape == (0, 5)
    assert str(z["b"].dtype) == "float32"


def test_in_order() -> None:
    """Columns come in the order asked for; a frame that has it is not touched."""
    frame = FRAME[["a", "b"]]
    assert pandas_columns.in_order(frame, frame.columns) is frame
    assert list(pandas_columns.in_order(frame, pd.Index(["b", "a"])).columns) == ["b", "a"]
