"""Test the invariants of statistics and containers, including those of other packages.

Used by users, in the tests of their packages. A stricter check can reject existing extensions.

Each check raises AssertionError with the invariant that does not hold.
"""

import copy
import math
import pickle
from collections.abc import Hashable, Iterator
from typing import TypeVar

import dask
import numpy as np
from dask.base import tokenize

from dasknorm import kernels
from dasknorm.api.adapt import adapt
from dasknorm.api.stats import Stats
from dasknorm.blocks import float_dtype
from dasknorm.blocks.tables import Table
from dasknorm.chunks import is_lazy
from dasknorm.containers import Container, Selection, container_of
from dasknorm.errors import MismatchError
from dasknorm.fields import Axes, Field, Fields
from dasknorm.statistics import Statistic
from dasknorm.statistics.base import Records

__all__ = ["check_container", "check_statistic"]

T = TypeVar("T")


def check_statistic(statistic: Statistic, *, rtol: float = 1e-12, positive: bool = False) -> None:
    """Test the invariants of `Statistic` for one statistic.

    Parameters
    ----------
    statistic : Statistic
        The statistic, with the settings to test.
    rtol : float, default 1e-12
        Largest difference between results for different splits and orders of merging, relative to
        the largest absolute value of the data.
    positive : bool, default False
        Whether to use positive data only, for example for a logarithm.

    Raises
    ------
    AssertionError
        If an invariant does not hold; the message is the invariant.

    Examples
    --------
    >>> from dasknorm import Moments
    >>> check_statistic(Moments(ddof=1))
    """
    copied = pickle.loads(pickle.dumps(statistic))
    assert copied == statistic, "a statistic equals its pickled copy"
    assert tokenize(copied) == tokenize(statistic), "equal statistics make equal graph names"
    for block in _blocks():
        block = np.abs(block) + block.dtype.type(1) if positive else block
        _check_parts(statistic, block, rtol * max(1.0, float(np.nanmax(np.abs(block)))))
    _check_constant(statistic, positive)
    _check_identity(statistic)


def check_container(data: object, *, over: Axes = None) -> None:
    """Test the invariants of `Container` and of `Stats` for the container of `data`.

    Parameters
    ----------
    data : object of a registered type
        Data with finite or missing values that are not all equal.
    over : axes, optional
        The dimensions to reduce.

    Raises
    ------
    AssertionError
        If an invariant does not hold; the message is the invariant.

    Examples
    --------
    >>> import pandas as pd
    >>> check_container(pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [0, 0, 1], "c": list("xyz")}))
    """
    container, is_data_lazy = container_of(data), _any_lazy(data)
    without_computing = {"scheduler": _fail} if is_data_lazy else {}
    original = copy.deepcopy(_values(data))
    with dask.config.set(scheduler=_fail):
        fields = container.fields(data)
        rebuilt = container.rebuild(data, fields)
        lazy = adapt(data, over=over, compute=False) if is_data_lazy else None
    assert type(rebuilt) is type(data), "rebuild returns an object of the same type"
    _check_selection(container, data)
    _assert_equal(_values(rebuilt), original, 0, "rebuild(x, fields(x)) equals x")
    stats = adapt(data, over=over)
    if lazy is not None:
        for name, state in lazy.compute().states.items():
            invariant = "compute=False and compute=True give the same statistics"
            _assert_alike(state.statistic, state.data, stats.states[name].data, 0.0, invariant)
    with dask.config.set(without_computing):
        z = stats.normalize(data)
    scores = copy.deepcopy(_values(z))
    _assert_equal(_values(data), original, 0, "the input is not changed")
    with dask.config.set(without_computing):
        restored = stats.inverse(z)
    assert type(z) is type(data), "normalize returns an object of the same type"
    assert _any_lazy(z) == is_data_lazy, "normalize is lazy if the data are"
    atol = _tolerance(fields, original)
    _assert_equal(_values(restored), original, atol, "inverse(normalize(x)) is x")
    _assert_equal(_values(z), scores, 0, "the input is not changed")
    predefined = Stats.from_values(mean=stats.mean, variance=stats.variance, count=stats.count)
    invariant = "parse_values(make_results(values)) has the values"
    _assert_equal(_values(predefined.normalize(data)), scores, 1e-6, invariant)


def _check_selection(container: Container[T], data: T) -> None:
    try:
        container.fields(data, Selection(("no column has this name",)))
    except (MismatchError, TypeError):
        return
    raise AssertionError("fields(x, selection) selects columns, or raises an error")


def _blocks() -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 3))
    with_missing = np.where(rng.random((60, 3)) < 0.3, np.nan, values)
    for block in (values, with_missing, 1e6 + values):
        yield block
        yield block.astype("f4")
    yield rng.integers(-5, 1000, (60, 3)).astype("i2")


def _check_parts(statistic: Statistic, block: np.ndarray, atol: float) -> None:
    original = block.copy()
    whole = statistic.summarize(block, (0,))
    assert np.array_equal(block, original, equal_nan=block.dtype.kind == "f"), (
        "blocks are not changed"
    )
    assert whole.dtype == statistic.dtype, "summarize gives records of its dtype"
    assert whole.shape == (1, 3), "summarize keeps the rank, with size 1 along merged axes"
    parts = [statistic.summarize(part, (0,)) for part in np.split(block, (1, 1, 8, 30))]
    invariant = "merge(summarize(a) ++ summarize(b)) == summarize(a ++ b)"
    _assert_alike(statistic, _merge(statistic, *parts), whole, atol, invariant)
    added = np.zeros_like(whole)
    for part in np.split(block, (1, 1, 8, 30)):
        statistic.add(added, part, (0,))
    _assert_alike(statistic, added, whole, atol, "add(s, a) is merge(s ++ summarize(a))")
    invariant = "merge(b ++ a) == merge(a ++ b)"
    _assert_alike(statistic, _merge(statistic, *parts[::-1]), whole, atol, invariant)
    a, b, c = parts[0], parts[2], _merge(statistic, *parts[3:])
    left = _merge(statistic, _merge(statistic, a, b), c)
    right = _merge(statistic, a, _merge(statistic, b, c))
    invariant = "merge(merge(a ++ b) ++ c) == merge(a ++ merge(b ++ c))"
    _assert_alike(statistic, left, right, atol, invariant)


def _check_identity(statistic: Statistic) -> None:
    records = statistic.summarize(1.0 + np.arange(12.0).reshape(4, 3), (0,))
    zeros = np.zeros((1, 3), statistic.dtype)
    for merged in (_merge(statistic, zeros, records), _merge(statistic, records, zeros)):
        assert merged.tobytes() == records.tobytes(), "merge(zeros ++ s) == s, bit for bit"
    empty = statistic.summarize(np.zeros((0, 3)), (0,))
    assert empty.tobytes() == zeros.tobytes(), "no samples are summarized as zeros"


def _check_constant(statistic: Statistic, positive: bool) -> None:
    map_block = statistic.kernel(kernels.standardize)
    for constant in (0.1, 1e8 / 3 if positive else -1e8 / 3, 2.0**53):
        blocks = [np.full((n, 2), constant) for n in (1, 7, 1000)]
        parts = [statistic.summarize(block, (0,)) for block in blocks]
        affine = statistic.affine(_merge(statistic, *parts))
        assert (affine["scale"] > 0).all(), "the scale of constant data is positive"
        z = map_block(blocks[1], affine, np.dtype("f8"))
        if statistic.is_centred:
            assert (z == 0).all(), "constant data normalize to 0"
        alone = map_block(blocks[1], statistic.affine(parts[1]), np.dtype("f8"))
        assert (z == alone).all(), "constant data normalize to one number, however many"


def _merge(statistic: Statistic, *records: Records) -> Records:
    return statistic.merge(np.concatenate(records), (0,))


def _assert_alike(
    statistic: Statistic, a: Records, b: Records, atol: float, invariant: str
) -> None:
    for name in statistic.result_names:
        scale = atol if name != "variance" else atol * max(1.0, atol * 1e12)
        left, right = statistic.result(a, name), statistic.result(b, name)
        assert np.allclose(left, right, rtol=1e-12, atol=scale, equal_nan=True), (
            f"{invariant}: {name}"
        )


def _fail(*args: object, **kwargs: object) -> None:
    raise AssertionError("nothing computes while a graph is built")


def _any_lazy(data: object) -> bool:
    return any(is_lazy(field.data) for field in container_of(data).fields(data).values())


def _values(data: object) -> dict[Hashable, np.ndarray]:
    """Return the numbers of a container as float64, with NaN for missing values."""
    values = {}
    for name, field in container_of(data).fields(data).items():
        array = field.data
        if isinstance(array, Table):
            array = array.with_frame(array.frame.compute()) if is_lazy(array.frame) else array
            array = array.to_numpy()
        (array,) = dask.compute(array)
        values[name] = np.ma.filled(np.ma.asarray(array).astype("f8"), np.nan)
    return values


def _tolerance(fields: Fields, values: dict[Hashable, np.ndarray]) -> float:
    """Return two ulp of the largest value, in the coarsest dtype of the fields."""
    largest = max(float(np.nanmax(np.abs(v), initial=1.0)) for v in values.values())
    coarsest = max(np.finfo(float_dtype(kind)).eps for f in fields.values() for kind in _dtypes(f))
    return math.ldexp(largest, 1) * float(coarsest)


def _dtypes(field: Field) -> list[np.dtype]:
    return list(getattr(field.data, "dtypes", [field.data.dtype]))


def _assert_equal(
    values: dict[Hashable, np.ndarray],
    expected: dict[Hashable, np.ndarray],
    atol: float,
    invariant: str,
) -> None:
    assert values.keys() == expected.keys(), invariant
    for name in expected:
        is_close = np.allclose(values[name], expected[name], rtol=0, atol=atol, equal_nan=True)
        assert is_close, invariant
