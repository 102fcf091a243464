"""Containers: what they keep, what passes through unchanged, and how they are registered."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.memory import measure_peak
from support.optional import WITHOUT_COMPILER, import_optional, needs, needs_version

import dasknorm as dn
from dasknorm import containers

dd = import_optional("dask.dataframe")

# -- NumPy ----------------------------------------------------------------------------------------

OUT = {
    "f2": "f2", "f4": "f4", "f8": "f8", ">f4": "f4", ">f8": "f8", "?": "f4", "i1": "f4",
    "u1": "f4", "i2": "f4", "u2": "f4", "i4": "f8", "u4": "f8", "i8": "f8", "u8": "f8",
    ">i2": "f4", ">i8": "f8",
}  # fmt: skip


@pytest.mark.parametrize("dtype", OUT)
def test_dtypes_of_what_comes_out(dtype: str) -> None:
    """A float keeps its dtype, small integers become float32, wide ones float64, in any array."""
    x = np.array([[0, 1], [1, 0]], dtype=dtype)
    stats = dn.adapt(x)
    for item in (x, da.from_array(x, chunks=1), np.ma.MaskedArray(x, x == 9)):
        z = stats.normalize(item)
        assert z.dtype == np.asarray(z).dtype == OUT[dtype]
        assert np.asarray(z).tolist() == [[-1, 1], [1, -1]]
        assert stats.inverse(z).dtype == OUT[dtype]


@pytest.mark.parametrize("asked", ["f2", "f4", "f8", ">f4", float, np.float32])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "i8"])
def test_a_dtype_asked_for(dtype: str, asked: Any) -> None:
    """dtype= sets the dtype of the result, in native byte order, for every container."""
    x = np.array([0, 2, 4], dtype=dtype)
    expected = np.dtype(asked).newbyteorder("=")
    for data in (x, da.from_array(x, 2), pd.Series(x), xr.DataArray(x)):
        stats = dn.adapt(data)
        z = stats.normalize(data, dtype=asked)
        assert z.dtype == np.asarray(z).dtype == expected
        assert stats.inverse(z, dtype=asked).dtype == expected


@pytest.mark.parametrize("asked", ["i4", "c16", "O", "M8[s]", np.longdouble, "S1"])
def test_a_dtype_that_holds_no_z(asked: Any) -> None:
    """dtype= must be float16, float32 or float64."""
    stats = dn.adapt(np.arange(3.0))
    for act in (stats.normalize, stats.inverse):
        with pytest.raises(TypeError, match="dtype must be float16, float32 or float64"):
            act(np.arange(3.0), dtype=asked)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "i8", "?"])
def test_masked_arrays(dtype: str) -> None:
    """Masked values take no part, whatever stands under the mask, and stay masked."""
    values = np.array([0, 1, 1, 0, 1], dtype=dtype)
    x = np.ma.MaskedArray(values, [False, False, False, False, True])
    stats = dn.adapt(x)
    assert (stats.count, stats.mean, stats.std) == (4.0, 0.5, 0.5)
    z = stats.normalize(x)
    assert isinstance(z, np.ma.MaskedArray)
    assert z.tolist() == [-1.0, 1.0, 1.0, -1.0, None]
    z[0] = np.ma.masked
    assert x.mask.tolist() == [False, False, False, False, True]
    lazy = dn.adapt(da.from_array(x, chunks=2, asarray=False))
    assert lazy == stats


def test_masked_arrays_with_nan_and_large() -> None:
    """NaN and mask are both missing, in blocks that are read by slabs too."""
    rng = np.random.default_rng(0)
    values = rng.normal(5.0, 2.0, (700, 500))
    values[::7] = np.nan
    x = np.ma.MaskedArray(values, rng.random(values.shape) < 0.3)
    stats = dn.adapt(x)
    plain = np.where(x.mask, np.nan, values)
    np.testing.assert_allclose(stats.mean, np.nanmean(plain, axis=0), rtol=1e-13)
    np.testing.assert_allclose(stats.variance, np.nanvar(plain, axis=0), rtol=1e-12)
    np.testing.assert_array_equal(stats.count, (~np.isnan(plain)).sum(axis=0))


def test_numbers_and_subclasses() -> None:
    """A bare number, NumPy's numbers and 0-d arrays are arrays of no dimensions."""
    stats = dn.adapt([1.0, 3.0])
    for five in (5, 5.0, np.float64(5), np.array(5.0), da.from_array(np.array(5.0))):
        assert float(stats.normalize(five)) == 3.0
    assert stats.normalize(np.float32(5)).dtype == "f4"
    assert dn.adapt(np.array(5.0)).mean == 5.0
    matrix = np.arange(4.0).reshape(2, 2).view(np.matrix) if hasattr(np, "matrix") else None
    if matrix is not None:
        np.testing.assert_array_equal(dn.adapt(matrix).mean, [1.0, 2.0])


def test_default_axes_of_arrays() -> None:
    """A 1-D array is one feature; of two or more axes, the last one is kept."""
    x = np.arange(24.0).reshape(2, 3, 4)
    assert dn.adapt(x[0, 0]).mean.shape == ()
    assert dn.adapt(x[0]).mean.shape == (4,)
    assert dn.adapt(x).mean.shape == (4,)
    assert dn.adapt(x, keep=()).mean.shape == ()
    assert dn.adapt(x, over=()).mean.shape == (2, 3, 4)
    assert dn.adapt(x, keep=(2, 0)).mean.shape == (2, 4)
    assert dn.adapt(x, over=[0, -1]).mean.shape == (3,)
    np.testing.assert_array_equal(dn.adapt(x, keep=(0, 1)).mean, x.mean(axis=2))


def test_stats_of_fewer_axes_go_along_the_last() -> None:
    """Statistics of a last axis normalize arrays of any rank that end in it."""
    stats = dn.adapt(np.array([[0.0, 10.0], [2.0, 30.0]]))
    block = np.ones((5, 3, 2))
    np.testing.assert_array_equal(stats.normalize(block)[2, 1], stats.normalize(block[0, 0]))
    np.testing.assert_array_equal(stats.normalize(np.array([1.0, 20.0])), [0.0, 0.0])


# -- memory ---------------------------------------------------------------------------------------


NAMES = [f"c{i}" for i in range(10)]


def columns(x: np.ndarray) -> dict[str, np.ndarray]:
    """Return columns by their names."""
    return dict(zip(NAMES, x.T, strict=True))


def mixed(x: np.ndarray) -> pd.DataFrame:
    """Return a frame of which half is in float32."""
    frame = pd.DataFrame(x[:, :5], columns=NAMES[:5])
    for name in NAMES[5:]:
        frame[name] = columns(x)[name].astype("f4")
    return frame


#: How to make containers of 32 MB each, of an array of 400,000 rows.
LARGE: dict[str, Callable[[np.ndarray], Any]] = {
    "numpy": lambda x: x,
    "fortran": np.asfortranarray,
    "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "big-endian": lambda x: x.astype(">f8"),
    "masked": lambda x: np.ma.MaskedArray(x, x > 3),
    "frame": lambda x: pd.DataFrame(x, columns=NAMES),
    "frame-by-columns": lambda x: pd.DataFrame({k: v.copy() for k, v in columns(x).items()}),
    "frame-mixed": mixed,
    "frame-of-many-blocks": lambda x: pd.concat(
        [pd.Series(column, name=name) for name, column in columns(x).items()], axis=1
    ),
    "frame-nullable": lambda x: pd.DataFrame(x, columns=NAMES).astype("Float64"),
    "dataset": lambda x: xr.Dataset({k: ("t", v) for k, v in columns(x).items()}),
}


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=needs_version("pandas", "3", "to look at a column copies it"))
        if kind in ("frame-mixed", "frame-nullable")
        else kind
        for kind in LARGE
    ],
)
def test_nothing_is_copied_whole(kind: str) -> None:
    """Adapting allocates less than a fifth of the data; normalizing little beyond its result."""
    data = LARGE[kind](np.random.default_rng(0).normal(size=(400_000, 10)))
    size = 32_000_000
    stats = dn.adapt(data)  # compiles, and fills caches
    peak, _ = measure_peak(lambda: dn.adapt(data))
    assert peak < 0.2 * size
    stats.normalize(data)
    peak, _ = measure_peak(lambda: stats.normalize(data))
    assert peak < 1.45 * size


# -- how containers are found ---------------------------------------------------------------------


def test_libraries_are_imported_when_their_objects_turn_up() -> None:
    """Importing and adapting to an array imports neither Dask DataFrames nor Numba."""
    code = f"""{WITHOUT_COMPILER}
import numpy, dasknorm
dasknorm.adapt(numpy.ones((3, 2))).normalize(numpy.ones((3, 2)))
print([name for name in ("dask.dataframe", "distributed", "zarr") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_subclass_is_taken_by_the_container_of_its_class() -> None:
    """Subclasses of arrays and DataFrames are accepted."""

    class Frame(pd.DataFrame):
        pass

    assert containers.container_of(Frame()).name == "pandas.DataFrame"
    assert dn.adapt(Frame({"a": [1.0, 3.0]})).mean["a"] == 2.0
    assert containers.container_of(np.ma.masked_array([1])).name == "numpy.ndarray"


def test_containers_by_name() -> None:
    """A container is found by the name it has in a Stats; an unknown one is an error."""
    for data in (np.ones(3), pd.Series([1.0]), xr.DataArray([1.0]), xr.Dataset({"x": 1.0})):
        container = containers.container_of(data)
        assert containers.container_named(container.name).name == container.name
    with pytest.raises(TypeError, match="no container is registered as 'no:Thing'"):
        containers.container_named("no:Thing")


@pytest.mark.parametrize("data", [None, "text", {"a": [1.0]}, {1.0}, object(), range(3), b"x"])
def test_what_is_no_container(data: Any) -> None:
    """Objects that hold no array of numbers are refused by kind."""
    with pytest.raises(TypeError, match="cannot take numbers from a builtins"):
        dn.adapt(data)


@needs("pyarrow")
def test_dask_frames_are_read_as_pandas() -> None:
    """Results of a Dask DataFrame equal those of a pandas DataFrame, and normalize both."""
    frame = pd.DataFrame({"a": [1.0, 3.0, 5.0], "b": [1, 2, 6]})
    lazy = dd.from_pandas(frame, npartitions=2)
    one, two = dn.adapt(frame), dn.adapt(lazy)
    pd.testing.assert_series_equal(one.mean, two.mean)
    pd.testing.assert_series_equal(one.std, two.std)
    pd.testing.assert_frame_equal(two.normalize(frame), one.normalize(lazy).compute())
    assert dn.adapt(lazy["a"]).mean == dn.adapt(frame["a"]).mean == 3.0
