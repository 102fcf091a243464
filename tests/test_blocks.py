"""Blocks in memory: numeric dtypes, their conversion, and masked blocks by slabs."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.exact_results import assert_exact, compute_exact
from support.optional import arrow_param

from dasknorm import blocks, kernels
from dasknorm.blocks import slabs
from dasknorm.statistics import Moments
from dasknorm.statistics.base import Reducer

MOMENTS = Moments()

NUMERIC = ["?", "i1", "u8", ">i4", "f2", "f4", "f8", ">f4", "<f8"]
EXTENSIONS = ["Int8", "UInt64", "Float32", "boolean", "Sparse[float64]", "Sparse[int]"]
ARROW = [
    arrow_param("int16[pyarrow]"),
    arrow_param("bool[pyarrow]"),
    arrow_param("double[pyarrow]"),
]
OTHERS = ["O", "U3", "S3", "c8", "c16", "M8[s]", "m8[s]", "V4", [("a", "f8")], "g"]
FOREIGN = ["string", "category", "datetime64[ns, UTC]", "period[D]", "interval"]


@pytest.mark.parametrize("dtype", [*NUMERIC, *EXTENSIONS, *ARROW], ids=str)
def test_dtypes_that_are_numbers(dtype: str) -> None:
    """Booleans, integers and floats of up to 64 bits have a mean, of NumPy, pandas and Arrow."""
    assert blocks.is_numeric(
        np.dtype(dtype) if dtype in NUMERIC else pd.api.types.pandas_dtype(dtype)
    )


@pytest.mark.parametrize(
    "dtype", [*map(np.dtype, OTHERS), *FOREIGN, arrow_param("string[pyarrow]")], ids=str
)
def test_dtypes_that_are_not(dtype: Any) -> None:
    """Objects, text, times, complex and extended floats have none."""
    kind = pd.api.types.pandas_dtype(dtype) if isinstance(dtype, str) else dtype
    assert not blocks.is_numeric(kind)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("Int8", "f4"), ("Int16", "f4"), ("Int32", "f8"), ("boolean", "f4"), ("Float32", "f4"),
        ("Float64", "f8"), arrow_param("int16[pyarrow]", "f4"), arrow_param("float[pyarrow]", "f4"),
        arrow_param("bool[pyarrow]", "f4"), ("Sparse[float32]", "f4"), ("Sparse[int]", "f8"),
    ],
)  # fmt: skip
def test_floats_of_columns(dtype: str, expected: str) -> None:
    """The numbers of a pandas column become the float of their NumPy dtype."""
    assert blocks.float_dtype(pd.api.types.pandas_dtype(dtype)) == expected


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1), ()])
def test_masked_blocks_beyond_one_slab(
    axes: tuple[int, ...], weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A masked block read by slabs has the records of its valid values."""
    monkeypatch.setattr(slabs, "CONVERTED_ELEMENTS", 64)
    rng = np.random.default_rng(0)
    for shape in ((40, 9), (9, 40)):
        block = np.ma.MaskedArray(rng.integers(0, 99, shape), rng.random(shape) < 0.4)
        weights = rng.uniform(0.1, 2.0, shape) if weighted else None
        records = blocks.summarize(block, Reducer(MOMENTS, axes), weights)
        plain = np.where(block.mask, np.nan, block.data)
        expected = MOMENTS.summarize(plain, axes, weights)
        for name in ("count", "missing"):
            np.testing.assert_allclose(records[name], expected[name], rtol=1e-14)
        for name in ("mean", "variance"):
            np.testing.assert_allclose(
                MOMENTS.result(records, name), MOMENTS.result(expected, name), rtol=1e-13
            )


def test_masked_integers_are_exact() -> None:
    """Masked integers are exact as far as float64 is."""
    values = np.array([2**52, 2**52 + 1, 2**52 + 3, 7])
    block = np.ma.MaskedArray(values, [False, False, False, True])
    records = blocks.summarize(block, Reducer(MOMENTS, (0,)))
    mean, variance = MOMENTS.result(records, "mean"), MOMENTS.result(records, "variance")
    assert_exact(mean.item(), variance.item(), compute_exact(values[:3]))


def test_masks_are_not_shared() -> None:
    """A mapped masked block has a mask of its own."""
    block = np.ma.MaskedArray([1.0, 2.0], [True, False])
    affine = np.zeros(1, kernels.AFFINE)
    affine["scale"] = 1.0
    z = blocks.transform(block, affine, kernels.standardize, None)
    z.mask[1] = True
    assert block.mask.tolist() == [True, False]
    bare = blocks.transform(np.ma.MaskedArray([1.0]), affine, kernels.standardize, None)
    assert not np.ma.getmaskarray(bare).any()


@pytest.mark.parametrize("block", [None, [1.0], pd.Series([1.0]), memoryview(b"1")])
def test_foreign_blocks(block: Any) -> None:
    """A block of another kind is refused by name, with what to convert it to."""
    for act in (
        lambda: blocks.summarize(block, Reducer(MOMENTS, (0,))),
        lambda: blocks.transform(block, np.zeros(1, kernels.AFFINE), kernels.restore, None),
    ):
        with pytest.raises(TypeError, match=r"cannot read a block of type .*convert them first"):
            act()
