"""Adapting: statistics learned of data in one pass, and what that pass will cost, said before."""

from collections.abc import Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from importlib.util import find_spec
from os import PathLike
from typing import Any, Literal

from dasknorm import chunks
from dasknorm.api import plan as plans
from dasknorm.api import shards
from dasknorm.api.plan import Plan
from dasknorm.api.stats import Stats
from dasknorm.chunks.progress import Meter, metering
from dasknorm.containers import container_of
from dasknorm.containers.batches import batches, is_single_container
from dasknorm.containers.per_variable import StatisticSpec, fields_for
from dasknorm.fields import Axes, Field, checks
from dasknorm.fields.lags import Lag, lagged, lags_by_dim
from dasknorm.fields.matching import Kept, kept_axes
from dasknorm.fields.selection import Selection
from dasknorm.reports import provenance
from dasknorm.statistics import Statistic

__all__ = ["adapt", "learned", "plan"]


def adapt(
    data: Any,
    statistic: StatisticSpec = None,
    *,
    keep: Axes = None,
    over: Axes = None,
    columns: Hashable | Sequence[Hashable] | None = None,
    by: Hashable | Sequence[Hashable] | None = None,
    weights: Any = None,
    where: Any = None,
    lag: Lag = None,
    compute: bool = True,
    retries: int = shards.RETRIES,
    expect_count: float | Literal["all"] | None = None,
    checkpoint: str | PathLike[str] | None = None,
    progress: bool | Meter = False,
) -> Stats:
    """Learn the statistics of data in one pass, each chunk read once.

    Parameters
    ----------
    data : array, frame, DataArray, Dataset, DataTree, or iterable of batches
        NumPy, masked or Dask array; pandas, Dask or polars frame, Arrow table; xarray object; in
        memory or lazy. Or an iterable of such batches, as a file read in pieces or a PyTorch
        ``DataLoader``: of a batch that is a tuple, element 0 is taken. Missing values (NaN, NA,
        null, masked) are skipped.
    statistic : Statistic, list of them, or dict by variable or column, default Moments()
        What to learn. Of a list all are learned in the one pass, and the first normalizes; a dict
        gives variables, or columns of a frame, statistics of their own: ``{"rain":
        Transformed("log1p"), ...: Extrema()}``, where ``...`` is for those not named, by default
        Moments().
    keep, over : axis or sequence of axes, optional
        The dimensions (names, or positions) that keep statistics of their own, or those that are
        merged away; give one of the two, or neither: then the last axis of an array of two or
        more dimensions is kept, each column of a frame, and each variable of an xarray object.
        A variable with none of the dimensions that are named is taken whole: one mean and std.
    columns : label or list of labels, optional
        The columns of a frame that take part; the others ride along. By default all that are
        numeric.
    by : label or list of labels, optional
        Columns of a frame, or levels of its index; of an xarray object, coordinates along one
        dimension, or parts of a date, ``"time.month"``. Statistics are kept for each of the values
        that they have together, and each row is normalized with its own group's. A row where one
        of them is missing belongs to no group.
    weights : array_like, or {"area", "coslat", "gaussian"}, optional
        Non-negative weights that broadcast to the data: by name and label in xarray, by NumPy's
        rules for arrays, one a row for frames (a Dask Series beside a Dask frame). Of an xarray
        object a word weighs by its latitude: the area of a cell between its edges, the cosine, or
        the weights of Gaussian quadrature.
    where : array_like of bool, optional
        True where values take part, laid along the data as weights are; the others are not
        counted, and not looked at.
    lag : mapping of dimension to lag or list of lags, optional
        To learn, in the same pass, of the changes along a dimension as well: ``{"time": 1}`` for
        those of one step, ``{"time": ["6h", "24h"]}``. Steps across gaps in the labels, longer than
        one and a half of the middle one, are no changes. `Stats.tendency` returns what was learned
        of them. Weights must not vary along the dimension.
    compute : bool, default True
        If False, the statistics stay lazy; ``dask.compute`` turns several such Stats into ready
        ones together. Compute before normalizing: lazy statistics hold every chunk in memory.
        The parameters below are for computing now.
    retries : int, default 2
        How often a chunk that cannot be read is tried again, inside its task, on any scheduler;
        after 0.1 seconds, and twice as long before each further try.
    expect_count : float or "all", optional
        The number of values (with weights: their sum) that each kept position must have seen;
        ``"all"`` for every value there is. Zarr reads a chunk whose file is missing as fill values,
        without a word: where these are NaN, this is how to know.
    checkpoint : path-like, optional
        A ``.nc``, ``.zarr`` or ``.json`` file for what is learned so far. The work is cut in up to
        32 shards, and the file is replaced after each; a call with the same data and arguments
        goes on from there, and ends with the same bits. Remove it to begin anew.
    progress : bool, default False
        Show a bar, in a terminal or a notebook, with the chunks and bytes read.

    Returns
    -------
    Stats

    Raises
    ------
    TypeError
        If nothing in the data is numeric.
    ValueError
        If a dimension is not there, there are no samples, the data hold infinities, or something
        else was counted than expected.
    ChunkError
        If a chunk cannot be read, or kills the workers that read it; it says which.
    MismatchError
        If the checkpoint is of other data or arguments.

    Examples
    --------
    >>> import numpy as np
    >>> import dasknorm as dn
    >>> stats = dn.adapt(np.array([[0.0, 7.0], [2.0, 9.0]]))
    >>> stats.mean, stats.std
    (array([1., 8.]), array([1., 1.]))
    >>> stats.normalize(np.array([[2.0, 8.0]]))
    array([[1., 0.]])
    """
    if retries < 0:
        raise ValueError(f"retries must be at least 0, got {retries}")
    selection = Selection.from_arguments(columns, by)
    if not is_single_container(data):
        beside = (weights, where, checkpoint)
        if any(each is not None for each in beside) or expect_count == "all" or not compute:
            raise ValueError(
                "of an iterable of batches, which is read once and has an end nobody knows, there "
                "are no weights=, where=, checkpoint=, expect_count='all' or compute=False"
            )
        return _of_batches(data, statistic, keep, over, selection, expect_count)
    container, work, attrs = _work(data, statistic, keep, over, weights, where, selection, lag)
    if not compute:
        if checkpoint is not None or expect_count is not None:
            raise ValueError("checkpoint= and expect_count= need compute=True")
        lazy = {
            name: replace(field, data=chunks.to_dask(field.data)) for name, field in work.items()
        }
        return Stats(lazy, container, attrs)
    expected = checks.expected_counts(work, expect_count)
    saved = None
    if checkpoint is not None:
        saved = shards.Checkpoint(checkpoint, container, attrs)
    with _metered(progress) as meter:
        states = shards.compute_states(work, retries=retries, meter=meter, checkpoint=saved)
    checks.check_valid(states)
    checks.check_not_empty(states, is_masked=where is not None)
    checks.check_counts(states, expected)
    return Stats(states, container, attrs)


def _of_batches(
    data: Any,
    statistic: StatisticSpec,
    keep: Axes,
    over: Axes,
    selection: Selection,
    expect_count: float | None,
) -> Stats:
    stream = batches(data)
    for first in stream:
        container, work, attrs = _work(first, statistic, keep, over, None, None, selection)
        stats = Stats(shards.compute_states(work), container, attrs)
        checks.check_valid(stats.states)
        stats = stats.update(stream)
        checks.check_not_empty(stats.states)
        expected = checks.expected_counts(stats.states, expect_count)
        checks.check_counts(stats.states, expected)
        return stats
    raise ValueError("there was no batch to adapt on: the iterable is empty, or used up")


def learned(data: Any, statistic: Statistic, keep: Axes = None, weights: Any = None) -> Stats:
    """Return what `adapt` does, and no word about features without a value: others may follow."""
    container, work, attrs = _work(data, statistic, keep, None, weights, None, Selection())
    states = shards.compute_states(work)
    checks.check_valid(states)
    return Stats(states, container, attrs)


def plan(
    data: Any,
    statistic: StatisticSpec = None,
    *,
    keep: Axes = None,
    over: Axes = None,
    columns: Hashable | Sequence[Hashable] | None = None,
    by: Hashable | Sequence[Hashable] | None = None,
    weights: Any = None,
    where: Any = None,
    lag: Lag = None,
) -> Plan:
    """Say what `adapt` with these arguments would read, hold and send; nothing is read.

    Parameters are those of `adapt`. The graph is built as it would be, by which the tasks are
    counted; workers are those of the Dask client there is, else the threads of this process.

    Returns
    -------
    Plan

    Examples
    --------
    >>> import dask.array as da
    >>> import dasknorm as dn
    >>> found = dn.plan(da.zeros((1000, 100), chunks=(10, 100)))
    >>> found.bytes, found.chunks, found.state_bytes
    (800000, 100, 4800)
    """
    selection = Selection.from_arguments(columns, by)
    _, work, _ = _work(data, statistic, keep, over, weights, where, selection, lag)
    return plans.of(work)


def _work(
    data: Any,
    statistic: StatisticSpec,
    keep: Axes,
    over: Axes,
    weights: Any,
    where: Any,
    selection: Selection,
    lag: Lag = None,
) -> tuple[str, dict[Hashable, Field], dict[str, Any]]:
    """Return the kind of container, the states still to be computed, and their provenance."""
    container = container_of(data)
    fields = lagged(fields_for(container, data, selection, statistic), lag)
    kept: Kept = kept_axes(fields, keep, over)
    work = container.summarize(data, fields, kept, weights, where)
    attrs = provenance.of(
        fields, kept, weights, where, source=container.sources(data), lag=lags_by_dim(fields)
    )
    return container.name, work, attrs


def _metered(progress: bool | Meter) -> AbstractContextManager[Meter | None]:
    if isinstance(progress, Meter):
        return nullcontext(progress)
    if progress and find_spec("rich") is None:
        raise ImportError("progress=True needs rich: pip install 'dasknorm[cli]'")
    return metering("adapt") if progress else nullcontext()
