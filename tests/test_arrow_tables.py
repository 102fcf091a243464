"""Arrow tables as blocks: columns read without a copy, values under nulls, and chunks."""

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.exact_results import assert_exact, compute_exact

pa = pytest.importorskip("pyarrow")

from dasknorm import blocks, kernels  # noqa: E402
from dasknorm.blocks import arrow_tables, slabs  # noqa: E402
from dasknorm.blocks.arrow_tables import is_numeric  # noqa: E402
from dasknorm.blocks.tables import Table  # noqa: E402
from dasknorm.statistics import Moments  # noqa: E402
from dasknorm.statistics.base import Reducer  # noqa: E402

MOMENTS = Moments()
TABLE = pa.table(
    {
        "a": pa.chunked_array([[1.0], [], [2.0, 6.0]], pa.float64()),
        "t": ["x", "y", "z"],
        "b": pa.array([1, 2, 9], pa.int16()),
        "c": pa.array([4, None, 8], pa.int64()),
        "d": pa.array([0.0, float("nan"), 2.0]),
        "e": pa.array([True, None, False]),
    }
)
NUMBERS = pd.Index(["c", "a", "d", "b", "e"])


def table(data: Any = TABLE, columns: pd.Index = NUMBERS) -> Table:
    return Table(arrow_tables.ArrowSource(data), columns)


@pytest.mark.parametrize("slab", [1, 2, 4, 1 << 18])
def test_columns_are_summarized_by_name(slab: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each column has its own record, in the order asked for, by slabs of any size."""
    monkeypatch.setattr(slabs, "CONVERTED_ELEMENTS", slab)
    monkeypatch.setattr(slabs, "SLAB_BYTES", 8)
    for data in (TABLE, TABLE.select(["d", "e", "c", "b", "t", "a"])):
        records = blocks.summarize(table(data), Reducer(MOMENTS, (0,)))
        assert records.shape == (1, 5)
        assert records["mean"].tolist() == [[6.0, 3.0, 1.0, 4.0, 0.5]]
        assert records["count"].tolist() == [[2.0, 3.0, 2.0, 3.0, 2.0]]
        added = Reducer(MOMENTS, (0,)).empty((3, 5))
        blocks.add(table(data), added, Reducer(MOMENTS, (0,)))
        assert added["mean"].tolist() == records["mean"].tolist()


def test_all_columns_as_one() -> None:
    """Merged over columns too, a table has one record of all its numbers."""
    records = blocks.summarize(table(), Reducer(MOMENTS, (0, 1)))
    assert (records.shape, records["count"].item()) == ((1, 1), 12.0)
    assert records["mean"].item() == pytest.approx(3.0)


def test_rows_keep_no_statistics() -> None:
    """A table is read by columns: statistics of each row are refused."""
    with pytest.raises(ValueError, match="rows of a frame"):
        blocks.summarize(table(), Reducer(MOMENTS, (1,)))


@pytest.mark.parametrize("big", [9, 2**60 + 1])
def test_rows_weigh(big: int) -> None:
    """Weights of rows apply to every column, with nulls and integers of any size."""
    data = pa.table({"a": [4.0, 5.0, 8.0, 1.0], "i": [big, None, big + 2, 0]})
    weights = np.array([[1.0], [2.0], [3.0], [0.0]])
    records = blocks.summarize(table(data, pd.Index(["a", "i"])), Reducer(MOMENTS, (0,)), weights)
    assert records["count"].tolist() == [[6.0, 4.0]]
    assert records["mean"][0, 0] == pytest.approx(38 / 6)
    assert records["mean"][0, 1] + records["mean_rest"][0, 1] == pytest.approx(big + 1.5)


@pytest.mark.parametrize("slab", [1, 2, 1 << 18])
def test_tables_are_mapped_in_place_of_their_columns(
    slab: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mapped table has its columns, chunks and nulls, each column in its own float."""
    monkeypatch.setattr(slabs, "CONVERTED_ELEMENTS", slab)
    affine = np.zeros((1, 5), kernels.AFFINE)
    affine["shift"], affine["scale"] = [6.0, 3.0, 1.0, 4.0, 0.5], 2.0
    z = blocks.transform(table(), affine, kernels.standardize, None).frame
    assert z.column_names == TABLE.column_names
    assert list(map(str, z.schema.types)) == [
        "double", "string", "float", "double", "double", "float",
    ]  # fmt: skip
    assert z["a"].to_pylist() == [-1.0, -0.5, 1.5]
    assert [len(chunk) for chunk in z["a"].chunks] == [1, 0, 2]
    assert z["b"].to_pylist() == [-1.5, -1.0, 2.5]
    assert z["c"].to_pylist() == [-1.0, None, 1.0]
    assert str(z["d"].to_pylist()) == "[-0.5, nan, 0.5]"
    assert z["e"].to_pylist() == [0.25, None, -0.25]
    assert z["t"].equals(TABLE["t"])


def test_integers_beside_nulls_are_exact() -> None:
    """64-bit integers that a float would round have exact statistics, with and without nulls."""
    values = [2**62 + 1, 2**62 + 3, 2**62 + 2, 2**62 + 7]
    expected = compute_exact(np.array(values))
    for item in (values, [*values, None], [None, *values[:2], None, *values[2:]]):
        data = pa.table({"i": pa.array(item, pa.int64()), "u": pa.array(item, pa.uint64())})
        records = blocks.summarize(table(data, pd.Index(["i", "u"])), Reducer(MOMENTS, (0,)))
        for record in records[0]:
            assert_exact(record["mean"], record["m2"] / 4, expected)
        assert records["missing"].tolist() == [[len(item) - 4] * 2]
        z = blocks.transform(
            table(data, pd.Index(["i", "u"])), MOMENTS.affine(records), kernels.standardize, None
        ).frame
        exact = (np.array(values) - 2**62 - 3.25) / np.sqrt(float(expected.variance))
        for name in ("i", "u"):
            np.testing.assert_allclose(z[name].drop_null().to_numpy(), exact, rtol=1e-15)
            assert [value is None for value in z[name].to_pylist()] == [v is None for v in item]


@pytest.mark.parametrize("start", [0, 1, 3, 8, 13])
@pytest.mark.parametrize("kind", ["bool_", "int8", "int64", "float16", "float32", "float64"])
def test_slices_start_anywhere(start: int, kind: str) -> None:
    """Slices of arrays are read from where they start, their bits too."""
    rng = np.random.default_rng(start)
    numbers = rng.integers(0, 2, 40)
    whole = pa.array(numbers).cast(getattr(pa, kind)()) if kind != "float16" else None
    whole = pa.array(numbers.astype("f2")) if whole is None else whole
    holes = pa.array([None if n % 5 == 0 else True for n in range(40)])
    for array in (whole, pa.array([v if h else None for v, h in zip(
        whole.to_pylist(), holes.to_pylist(), strict=True)], whole.type)):  # fmt: skip
        part = array.slice(start, 17)
        block = table(pa.table({"x": part}), pd.Index(["x"]))
        exact = np.array([np.nan if v is None else float(v) for v in part.to_pylist()])
        np.testing.assert_array_equal(block.to_numpy()[:, 0], exact)
        records = blocks.summarize(block, Reducer(MOMENTS, (0,)))
        assert_exact(records["mean"].item(), records["m2"].item() / (~np.isnan(exact)).sum(),
                     compute_exact(exact))  # fmt: skip
        z = blocks.transform(block, MOMENTS.affine(records), kernels.standardize, None).frame["x"]
        assert [v is None for v in z.to_pylist()] == [v is None for v in part.to_pylist()]


def test_what_lies_beneath_nulls_is_not_read() -> None:
    """Infinities and NaN beneath nulls, as in memory of others, neither count nor warn."""
    hidden = np.array([1.0, np.inf, 3.0, np.nan, 1e308])
    array = pa.array(hidden, mask=np.array([False, True, False, True, True]))
    block = table(pa.table({"x": array}), pd.Index(["x"]))
    records = blocks.summarize(block, Reducer(MOMENTS, (0,)))
    assert (records["count"].item(), records["mean"].item()) == (2.0, 2.0)
    z = blocks.transform(block, MOMENTS.affine(records), kernels.standardize, np.dtype("f4"))
    assert z.frame["x"].to_pylist() == [-1.0, None, 1.0, None, None]


def test_numbers_are_seen_where_they_lie() -> None:
    """A column without nulls is read without a copy, and one with nulls is mapped without one."""
    for array in (pa.array([1.0, 2.0, 3.0]), pa.array([1, None, 3])):
        seen = arrow_tables.array_values(array.slice(1))
        assert seen.ctypes.data == array.buffers()[1].address + 8


@pytest.mark.parametrize("workers", [1, 4])
def test_results_do_not_depend_on_threads(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares are cut the same for any number of slabs, so that every bit is."""
    import dask

    monkeypatch.setattr(slabs, "SLAB_BYTES", 4096)
    monkeypatch.setattr(slabs, "CONVERTED_ELEMENTS", 512)
    rng = np.random.default_rng(0)
    columns = {f"c{i}": pa.array(rng.normal(1e3, 1, 5000), mask=rng.random(5000) < 0.1)
               for i in range(3)}  # fmt: skip
    block = table(pa.table(columns), pd.Index(list(columns)))
    with dask.config.set(scheduler="synchronous"):
        single = blocks.summarize(block, Reducer(MOMENTS, (0,)))
        affine = MOMENTS.affine(single)
        z = blocks.transform(block, affine, kernels.standardize, None).frame
    with dask.config.set(num_workers=workers):
        assert blocks.summarize(block, Reducer(MOMENTS, (0,))).tobytes() == single.tobytes()
        assert blocks.transform(block, affine, kernels.standardize, None).frame.equals(z)


def test_kinds_of_numbers() -> None:
    """Integers, floats, booleans and decimals are normalized; other columns are unchanged."""
    numbers = [pa.int8(), pa.uint64(), pa.float16(), pa.float64(), pa.bool_(),
               pa.decimal128(9, 2), pa.decimal256(50, 3)]  # fmt: skip
    others = [pa.string(), pa.null(), pa.date32(), pa.timestamp("us"), pa.duration("s"),
              pa.list_(pa.int8()), pa.dictionary(pa.int8(), pa.int64()), pa.binary()]  # fmt: skip
    assert all(map(is_numeric, numbers))
    assert not any(map(is_numeric, others))


def test_decimals_are_read_as_floats() -> None:
    """Decimals count as the floats nearest to them, and come out as float64."""
    kind = pa.decimal128(9, 2)
    data = pa.table({"d": pa.array([Decimal("1.65"), None, Decimal("3.35")], kind)})
    block = table(data, pd.Index(["d"]))
    records = blocks.summarize(block, Reducer(MOMENTS, (0,)))
    assert (records["mean"].item(), block.dtype, block.nbytes) == (2.5, np.dtype("f8"), 24)
    z = blocks.transform(block, MOMENTS.affine(records), kernels.standardize, None).frame
    np.testing.assert_allclose(z["d"].drop_null().to_numpy(), [-1.0, 1.0], rtol=1e-15)


def test_no_rows() -> None:
    """A table without rows, or without chunks, has records of zeros and maps to one like it."""
    empty = pa.table({name: pa.chunked_array([], kind) for name, kind in
                      zip(TABLE.column_names, TABLE.schema.types, strict=True)})  # fmt: skip
    for data in (TABLE.slice(0, 0), empty):
        records = blocks.summarize(table(data), Reducer(MOMENTS, (0,)))
        assert not any(records.tobytes())
        affine = np.ones((1, 5), kernels.AFFINE)
        z = blocks.transform(table(data), affine, kernels.restore, np.dtype("f4")).frame
        assert (z.shape, str(z.schema.field("b").type)) == ((0, 6), "float")


def test_shape_and_dtype() -> None:
    """A table has the shape of its columns, and a dtype that holds all of them."""
    assert (table().shape, table().ndim, table().dtype) == ((3, 5), 2, np.dtype("f8"))
    assert table(TABLE, pd.Index(["b"])).dtype == "i2"
    assert table(TABLE, pd.Index(["b", "e"])).nbytes == 9
