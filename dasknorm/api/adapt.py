"""Compute statistics in one pass over data (`adapt`).

Used by users, `accessors`, `cli`, `layer`, `sklearn` and `testing`. The work is done in `Request`
and `shards`; this module checks the arguments and the result.
"""

import math
from collections.abc import Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from importlib.util import find_spec
from os import PathLike
from typing import Literal

from dasknorm import chunks
from dasknorm.api import shards
from dasknorm.api.request import Request
from dasknorm.api.stats import Stats
from dasknorm.chunks.progress import Meter, track_progress
from dasknorm.containers.batches import find_batches
from dasknorm.containers.per_variable import StatisticSpec
from dasknorm.fields import Axes, States, checks
from dasknorm.fields.lags import Lag
from dasknorm.fields.selection import Selection


def adapt(
    data: object,
    statistic: StatisticSpec = None,
    *,
    keep: Axes = None,
    over: Axes = None,
    columns: Hashable | Sequence[Hashable] | None = None,
    by: Hashable | Sequence[Hashable] | None = None,
    weights: object = None,
    where: object = None,
    lag: Lag = None,
    compute: bool = True,
    retries: int = shards.RETRIES,
    expect_count: float | Literal["all"] | None = None,
    checkpoint: str | PathLike[str] | None = None,
    progress: bool | Meter = False,
) -> Stats:
    """Compute the statistics of data in one pass that reads each chunk once.

    Parameters
    ----------
    data : array, DataFrame, Series, DataArray, Dataset, DataTree, or iterable of batches
        NumPy, masked or Dask array; pandas, Dask or polars DataFrame, Arrow table; xarray object;
        in memory or lazy. Or an iterable of such batches, such as a file read in parts, an Arrow
        stream or a PyTorch ``DataLoader``; if a batch is a tuple, its first element is used.

        A list or tuple of numbers, however nested, is one array. A list or tuple of arrays with
        two or more dimensions, of DataFrames or of xarray objects is an iterable of batches. A
        list of one-dimensional arrays or Series raises an error, because it may be either: write
        ``np.stack(rows)`` for one array, or ``iter(batches)`` for batches.

        Missing values (NaN, NA, null, masked, and numbers that the attributes ``_FillValue`` and
        ``missing_value`` of an xarray object declare) are skipped.
    statistic : Statistic, list of them, or dict by variable or column, default Moments()
        What to compute. A list computes all its statistics in one pass, and the first one
        normalizes. A dict gives variables, or columns of a DataFrame, statistics of their own:
        ``{"rain": Transformed("log1p"), ...: Extrema()}``, where ``...`` stands for all others
        (default Moments()).
    keep, over : axis or sequence of axes, optional
        Names or positions of the dimensions to keep, or of the dimensions to reduce; give one of
        the two, or neither. The default keeps the last axis of an array with two or more axes,
        each column of a DataFrame, and each variable of an xarray object. A variable with none of
        the named dimensions is reduced over all its dimensions: one mean and standard deviation.
    columns : label or list of labels, optional
        The columns of a DataFrame to include; other columns pass through unchanged. The default
        is all numeric columns.
    by : label or list of labels, optional
        Group keys: columns of a DataFrame or levels of its index; for an xarray object,
        coordinates along one dimension, or parts of a date such as ``"time.month"``, or
        ``"time.monthday"`` for the month and day. Statistics are computed per group, and each row
        is normalized with its group. A row with a missing key belongs to no group.
    weights : array_like, or {"area", "coslat", "gaussian", "days"} or a list of them, optional
        Non-negative weights that broadcast to the data: by name and label in xarray, by NumPy's
        rules for arrays, one per row for DataFrames (a Dask Series for a Dask DataFrame). A
        string computes weights from the latitudes of an xarray object: the area of a cell between
        its edges, the cosine, or the weights of Gaussian quadrature; or, for monthly data, the
        number of days of each month. A list of strings is the product of their weights.
    where : array_like of bool, optional
        True for the values to include; aligned to the data like weights. Other values are not
        counted and not inspected.
    lag : mapping of dimension to lag or list of lags, optional
        Also compute, in the same pass, the statistics of tendencies along a dimension:
        ``{"time": 1}`` for one step, ``{"time": ["6h", "24h"]}``, or a calendar frequency of
        xarray, ``{"time": "MS"}`` (month start). Differences across gaps in the coordinate (steps
        longer than 1.5 times the median step) are excluded. `Stats.tendency` returns the
        statistics. Weights must not vary along the dimension.
    compute : bool, default True
        If False, the statistics stay lazy, and ``dask.compute`` computes several of them
        together. Compute before normalizing: lazy statistics keep every chunk in memory. The
        parameters below need ``compute=True``.
    retries : int, default 2
        How often a chunk that cannot be read is tried again within its task, on any scheduler:
        after 0.1 seconds, then after twice the time before.
    expect_count : float or "all", optional
        The number of values (with weights: their sum) that each output element must have;
        ``"all"`` means every value. Zarr silently reads a missing chunk file as the fill value;
        if that is NaN, this argument detects it.
    checkpoint : path-like, optional
        A ``.nc``, ``.zarr`` or ``.json`` file for intermediate results. The work is split into up
        to 32 shards, and the file is replaced after each. A call with the same data and arguments
        resumes there, and its result has the same bits. Remove the file to start again.
    progress : bool, default False
        Show a progress bar with the chunks and bytes read, in a terminal or a notebook.

    Returns
    -------
    Stats

    Raises
    ------
    TypeError
        If the data contain no numbers, if a list is ambiguous, or if a column of objects, lists
        or structs holds numbers and `columns` does not leave it out.
    ValueError
        If a dimension is unknown, there are no values, the data contain infinities or the fill
        values of netCDF, or the count differs from `expect_count`.
    ChunkError
        If a chunk cannot be read, or crashes the workers that read it; the error names it.
    MismatchError
        If the checkpoint belongs to other data or arguments, or batches have different units.

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
    request = Request(statistic, keep, over, selection, weights, where, lag)
    if (batches := find_batches(data)) is not None:
        unsupported = (weights, where, checkpoint)
        if any(a is not None for a in unsupported) or expect_count == "all" or not compute:
            raise ValueError(
                "weights=, where=, checkpoint=, expect_count='all' and compute=False are not "
                "supported for an iterable of batches"
            )
        return _adapt_batches(batches, request, expect_count)
    work = request.prepare(data)
    if not compute:
        if checkpoint is not None or expect_count is not None:
            raise ValueError("checkpoint= and expect_count= need compute=True")
        states = {key: replace(s, data=chunks.to_dask(s.data)) for key, s in work.states.items()}
        return Stats(states, work.container, work.attrs)
    expected = _expected_counts(work.states, expect_count)
    saved = None
    if checkpoint is not None:
        saved = shards.Checkpoint(checkpoint, work.container, work.attrs)
    with _metered(progress) as meter:
        states = shards.compute_states(work.states, retries=retries, meter=meter, checkpoint=saved)
    counts = checks.count_values(states)
    checks.check_not_empty(states, counts, is_masked=where is not None)
    checks.check_counts(states, expected)
    checks.check_plausible(states)
    if weights is None:
        checks.check_spread(states, counts)
    return Stats(states, work.container, work.attrs)


def compute_stats(data: object, request: Request) -> Stats:
    """Return statistics like `adapt`, without warnings about features that have no values yet."""
    work = request.prepare(data)
    return Stats(shards.compute_states(work.states), work.container, work.attrs)


def _adapt_batches(
    batches: Iterator[object], request: Request, expect_count: float | Literal["all"] | None
) -> Stats:
    for first in batches:
        stats = compute_stats(first, request).update(batches)
        counts = checks.count_values(stats.states)
        checks.check_not_empty(stats.states, counts)
        checks.check_spread(stats.states, counts)
        checks.check_counts(stats.states, _expected_counts(stats.states, expect_count))
        return stats
    raise ValueError("the iterable yielded no batches: it is empty or already exhausted")


def _expected_counts(
    work: States, expect_count: float | Literal["all"] | None
) -> dict[Hashable, float]:
    """Return the count that each output element of each state to be computed must have."""
    if expect_count is None:
        return {}
    if not isinstance(expect_count, str):
        return dict.fromkeys(work, float(expect_count))
    if expect_count != "all":
        raise ValueError(f"expect_count must be a number or 'all', got {expect_count!r}")
    counts = {}
    for name, state in work.items():
        reduction = state.data
        counts[name] = float(math.prod(reduction.data.shape[axis] for axis in reduction.axes))
        is_weighted = reduction.weights is not None
        if is_weighted or reduction.is_grouped or math.isnan(counts[name]):
            raise ValueError(
                "expect_count='all' is not supported for weighted or masked data: pass the "
                "expected sum of weights"
                if is_weighted
                else "expect_count='all' needs a known number of values: pass it as a number"
            )
    return counts


def _metered(progress: bool | Meter) -> AbstractContextManager[Meter | None]:
    if isinstance(progress, Meter):
        return nullcontext(progress)
    if progress and find_spec("rich") is None:
        raise ImportError("progress=True needs rich: pip install 'dasknorm[cli]'")
    return track_progress("adapt") if progress else nullcontext()
