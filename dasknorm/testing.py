"""The laws, for anyone who adds a statistic or a container.

Each check raises AssertionError with the law that was broken.
"""

import copy
import math
import pickle
from collections.abc import Iterator
from typing import Any

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


def check_statistic(statistic: Statistic, *, rtol: float = 1e-12, positive: bool = False) -> None:
    """Put a statistic to the laws of `Statistic`.

    Parameters
    ----------
    statistic : Statistic
        With the settings to try.
    rtol : float, default 1e-12
        How far readings may differ for another split or order of merging, relative to the
        largest absolute value of the data.
    positive : bool, default False
        Try it on positive data only, such as have a logarithm.

    Raises
    ------
    AssertionError
        If a law is broken; the message is the law.

    Examples
    --------
    >>> from dasknorm import Moments
    >>> check_statistic(Moments(ddof=1))
    """
    again = pickle.loads(pickle.dumps(statistic))
    assert again == statistic, "a statistic equals its pickled copy"
    assert tokenize(again) == tokenize(statistic), "equal statistics make equal graph names"
    for block in _blocks():
        block = np.abs(block) + block.dtype.type(1) if positive else block
        _check_parts(statistic, block, rtol * max(1.0, float(np.nanmax(np.abs(block)))))
    _check_constant(statistic, positive)
    _check_identity(statistic)


def check_container(data: Any, *, over: Axes = None) -> None:
    """Put the container that takes `data` to the laws of `Container` and of `Stats`.

    Parameters
    ----------
    data : any registered kind
        With finite or missing values, some of them different.
    over : axes, optional
        What to merge away.

    Raises
    ------
    AssertionError
        If a law is broken; the message is the law.

    Examples
    --------
    >>> import pandas as pd
    >>> check_container(pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [0, 0, 1], "c": list("xyz")}))
    """
    container = container_of(data)
    before = copy.deepcopy(_values(data))
    with dask.config.set(scheduler=_refuse):
        fields = container.fields(data)
        same = container.rebuild(data, fields)
        lazy = adapt(data, over=over, compute=False) if _any_lazy(data) else None
    assert type(same) is type(data), "rebuild gives the same kind of container"
    _check_selection(container, data)
    _assert_equal(_values(same), before, 0, "rebuild(x, fields(x)) equals x")
    stats = adapt(data, over=over)
    if lazy is not None:
        for name, state in lazy.compute().states.items():
            law = "compute=False and compute=True learn the same"
            _assert_alike(state.statistic, state.data, stats.states[name].data, 0.0, law)
    with dask.config.set(scheduler=_refuse) if _any_lazy(data) else dask.config.set({}):
        z = stats.normalize(data)
    scores = copy.deepcopy(_values(z))
    _assert_equal(_values(data), before, 0, "nothing that was given is changed")
    with dask.config.set(scheduler=_refuse) if _any_lazy(data) else dask.config.set({}):
        back = stats.inverse(z)
    assert type(z) is type(data), "normalize gives the same kind of container"
    assert _any_lazy(z) == _any_lazy(data), "normalize is lazy where the data are"
    _assert_equal(_values(back), before, _tolerance(fields, before), "inverse(normalize(x)) is x")
    _assert_equal(_values(z), scores, 0, "nothing that was given is changed")
    _check_given(stats, z, data)


def _check_selection(container: Container, data: Any) -> None:
    try:
        container.fields(data, Selection(("no column has this name",)))
    except (MismatchError, TypeError):
        return
    raise AssertionError("fields(x, selection) selects columns, or raises an error")


def _check_given(stats: Stats, z: Any, data: Any) -> None:
    given = Stats.from_values(mean=stats.mean, variance=stats.variance, count=stats.count)
    _assert_equal(
        _values(given.normalize(data)), _values(z), 1e-6, "given(report(values)) has the values"
    )


def _blocks() -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(60, 3))
    holes = np.where(rng.random((60, 3)) < 0.3, np.nan, plain)
    for block in (plain, holes, 1e6 + plain):
        yield block
        yield block.astype("f4")
    yield rng.integers(-5, 1000, (60, 3)).astype("i2")


def _check_parts(statistic: Statistic, block: np.ndarray, atol: float) -> None:
    before = block.copy()
    whole = statistic.summarize(block, (0,))
    assert np.array_equal(block, before, equal_nan=block.dtype.kind == "f"), (
        "blocks are not changed"
    )
    assert whole.dtype == statistic.dtype, "summarize gives records of its dtype"
    assert whole.shape == (1, 3), "summarize keeps the rank, with size 1 along merged axes"
    parts = [statistic.summarize(part, (0,)) for part in np.split(block, (1, 1, 8, 30))]
    law = "merge(summarize(a) ++ summarize(b)) == summarize(a ++ b)"
    _assert_alike(statistic, _merge(statistic, *parts), whole, atol, law)
    added = np.zeros_like(whole)
    for part in np.split(block, (1, 1, 8, 30)):
        statistic.add(added, part, (0,))
    _assert_alike(statistic, added, whole, atol, "add(s, a) is merge(s ++ summarize(a))")
    law = "merge(b ++ a) == merge(a ++ b)"
    _assert_alike(statistic, _merge(statistic, *parts[::-1]), whole, atol, law)
    a, b, c = parts[0], parts[2], _merge(statistic, *parts[3:])
    left = _merge(statistic, _merge(statistic, a, b), c)
    right = _merge(statistic, a, _merge(statistic, b, c))
    law = "merge(merge(a ++ b) ++ c) == merge(a ++ merge(b ++ c))"
    _assert_alike(statistic, left, right, atol, law)


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


def _assert_alike(statistic: Statistic, a: Records, b: Records, atol: float, law: str) -> None:
    for name in statistic.result_names:
        scale = atol if name != "variance" else atol * max(1.0, atol * 1e12)
        left, right = statistic.result(a, name), statistic.result(b, name)
        assert np.allclose(left, right, rtol=1e-12, atol=scale, equal_nan=True), f"{law}: {name}"


def _refuse(*args: Any, **kwargs: Any) -> None:
    raise AssertionError("nothing computes while a graph is built")


def _any_lazy(data: Any) -> bool:
    return any(is_lazy(field.data) for field in container_of(data).fields(data).values())


def _values(data: Any) -> dict[Any, np.ndarray]:
    """Return the numbers of a container as float64, missing values as NaN."""
    values = {}
    for name, field in container_of(data).fields(data).items():
        array = field.data
        if isinstance(array, Table):
            array = array.with_frame(array.frame.compute()) if is_lazy(array) else array
            array = array.to_numpy()
        (array,) = dask.compute(array)
        values[name] = np.ma.filled(np.ma.asarray(array).astype("f8"), np.nan)
    return values


def _tolerance(fields: Fields, values: dict[Any, np.ndarray]) -> float:
    """Two ulp of the largest of the values, in the coarsest dtype around."""
    largest = max(float(np.nanmax(np.abs(v), initial=1.0)) for v in values.values())
    coarsest = max(np.finfo(float_dtype(kind)).eps for f in fields.values() for kind in _dtypes(f))
    return math.ldexp(largest, 1) * float(coarsest)


def _dtypes(field: Field) -> list[Any]:
    return list(getattr(field.data, "dtypes", [field.data.dtype]))


def _assert_equal(
    got: dict[Any, np.ndarray], wanted: dict[Any, np.ndarray], atol: float, law: str
) -> None:
    assert got.keys() == wanted.keys(), law
    for name in wanted:
        assert np.allclose(got[name], wanted[name], rtol=0, atol=atol, equal_nan=True), law
