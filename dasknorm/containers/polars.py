"""Polars: eager frames and series through Arrow's memory, lazy frames a batch at a time."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from polars.selectors import by_name

from dasknorm.blocks import Kernel, float_dtype, slabs, summarize, transform
from dasknorm.blocks.groups import GroupRecords
from dasknorm.blocks.tables import ColumnSource, Table
from dasknorm.containers import NO_SELECTION, Selection, register
from dasknorm.containers.pandas import Frame
from dasknorm.fields import Field, Fields, States
from dasknorm.statistics.base import Records
from dasknorm.statistics.reducer import Reducer

try:
    from dasknorm.blocks.arrow_tables import ArrowSource
    from dasknorm.containers.pyarrow import field_of, refuse_nested_keys, weights_of
except ModuleNotFoundError as error:
    raise ImportError(
        "polars frames are read through Arrow: pip install 'dasknorm[polars]'"
    ) from error

__all__ = ["Frames", "LazyFrames", "Query", "SeriesOfOne"]

BATCH_BYTES = 4 * slabs.SLAB_BYTES
"""Of a batch of a lazy frame: enough for some cores, and little beside what polars reads ahead."""


@register(pl.DataFrame)
class Frames(Frame):
    """The numeric columns of a frame, matched by name; readings are a frame of one row."""

    name = several = "polars.DataFrame"

    def fields(self, data: Any, selection: Selection = NO_SELECTION) -> dict[Hashable, Field]:
        columns = _columns(data.schema, selection)
        read = data.select(_named(*columns, *selection.by))
        return {None: field_of(read.to_arrow(), columns, selection)}

    def rebuild(self, data: Any, fields: Fields) -> Any:
        block = fields[None].data
        return data.with_columns(_of_arrow(block.frame.select(list(block.columns))))

    def report(self, values: Fields) -> Any:
        field = values[None]
        if not field.dims:
            return field.data[()]
        if field.group_dim is not None:
            return _of_groups(super().report(values))
        names = [str(name) for name in field.labels["columns"]]
        return pl.DataFrame(dict(zip(names, np.asarray(field.data), strict=True)))

    def given(self, values: Any) -> tuple[str, dict[Hashable, Field]]:
        if values.height != 1:
            raise TypeError(
                "give the numbers for columns as a frame of one row, such as df.mean(), "
                f"got {values.height} rows"
            )
        numbers = values.cast(pl.Float64).fill_null(np.nan).to_numpy()[0].copy()
        labels: dict[Hashable, pd.Index] = {"columns": pd.Index(values.columns)}
        return self.name, {None: Field(numbers, ("columns",), labels, ("columns",))}

    def weights(self, data: Any, weights: Any) -> Any:
        if isinstance(weights, pl.Expr):
            # Beside the rows, and not by itself: one number is then one for each of them.
            weights = data.with_columns(weights.alias("weight")).get_column("weight")
        return super().weights(data, weights_of(weights))

    def mask_dtype(self, data: Any, where: Any) -> Any:
        if not isinstance(where, pl.Expr):
            return super().mask_dtype(data, where)
        rows = data.to_frame() if isinstance(data, pl.Series) else data
        return rows.lazy().select(where.alias("where")).collect_schema()["where"]


@register(pl.Series)
class SeriesOfOne(Frames):
    """A series is a frame of one column; its readings are numbers."""

    name = "polars.Series"

    def fields(self, data: Any, selection: Selection = NO_SELECTION) -> dict[Hashable, Field]:
        return super().fields(data.to_frame(), selection)

    def rebuild(self, data: Any, fields: Fields) -> Any:
        return super().rebuild(data.to_frame(), fields).to_series()

    def lacking(self, fields: Fields, states: States) -> list[Hashable]:
        return []

    def report(self, values: Fields) -> Any:
        return values[None].data.reshape(())[()]

    def weights(self, data: Any, weights: Any) -> Any:
        return super().weights(data.to_frame(), weights)

    def given(self, values: Any) -> tuple[str, dict[Hashable, Field]]:
        raise TypeError("give the numbers for columns as a frame of one row, such as df.mean()")


@register(pl.LazyFrame)
class LazyFrames(Frames):
    """A query: adapted in one pass of polars' streaming engine, and normalized as a query again.

    Of the batches that are read, none is kept; ``compute=False`` computes all the same.
    """

    def fields(self, data: Any, selection: Selection = NO_SELECTION) -> dict[Hashable, Field]:
        schema = data.collect_schema()
        columns = _columns(schema, selection)
        empty = pl.DataFrame(schema=schema).select(_named(*columns, *selection.by))
        field = field_of(empty.to_arrow(), columns, selection)
        kinds = dict(zip(columns, field.data.dtypes, strict=True))
        return {None: replace(field, data=replace(field.data, source=Query(data, kinds)))}

    def rebuild(self, data: Any, fields: Fields) -> Any:
        return fields[None].data.frame

    def given(self, values: Any) -> tuple[str, dict[Hashable, Field]]:
        return super().given(values.collect())

    def weights(self, data: Any, weights: Any) -> Any:
        if not isinstance(weights, pl.Expr):
            raise TypeError(
                "weights of a LazyFrame are an expression, such as pl.col('weight'); "
                f"got {type(weights).__name__}"
            )
        return weights

    def masked(self, weights: Any, mask: Any) -> Any:
        return pl.when(mask).then(weights).otherwise(0)


@dataclass(frozen=True)
class Query(ColumnSource):
    """The columns of a lazy frame, which is read in batches.

    Parameters
    ----------
    frame : polars.LazyFrame
    kinds : dict of str to numpy.dtype
        The dtype of each selected column's numbers.
    """

    frame: Any
    kinds: dict[str, np.dtype[Any]]

    @property
    def rows(self) -> float:
        return float("nan")

    def dtypes(self, columns: pd.Index) -> list[Any]:
        return [self.kinds[name] for name in columns]

    def to_numpy(self, columns: pd.Index) -> np.ndarray:
        batches = self.batches(Table(self, columns))
        return np.concatenate([batch.to_numpy() for batch, _ in batches])

    def batches(
        self, table: Table, weights: Any = None
    ) -> Iterator[tuple[Table, np.ndarray | None]]:
        """Yield tables of the needed columns, and the weights of their rows."""
        row_bytes = sum(kind.itemsize for kind in table.dtypes)
        weight = "weight of " + "".join(table.columns)  # longer than any name, and so unique
        wanted = _named(*table.read_columns)
        query = self.frame.select(
            wanted, *([] if weights is None else [weights.cast(pl.Float64).alias(weight)])
        )
        rows = max(1, BATCH_BYTES // row_bytes)
        for batch in query.collect_batches(chunk_size=rows, engine="streaming"):
            whole = batch.rechunk()  # where chunks end depends on how many cores there are
            values = None if weights is None else whole[weight].fill_null(np.nan).to_numpy()
            source = ArrowSource(whole.select(wanted).to_arrow())
            yield replace(table, source=source), None if values is None else values[:, None]

    def summarize(self, table: Table, reducer: Reducer, weights: Any) -> Records | GroupRecords:
        shape = 1, len(table.columns)
        groups = GroupRecords.none(reducer.shape(shape), reducer.statistic)
        total = reducer.empty(shape)
        for batch, batch_weights in self.batches(table, weights):
            part = summarize(batch, reducer, batch_weights)
            if isinstance(part, GroupRecords):
                groups.join(part, reducer.statistic)
            else:
                reducer.join(total, part)
        return groups if table.keys else total

    def transform(
        self, table: Table, affine: Any, kernel: Kernel, dtype: np.dtype[Any] | None
    ) -> Table:
        # By our own kernel, a batch at a time: an expression would round wide integers to floats
        # before it takes the mean away, and have other last digits than a frame in memory.
        mapped = []
        for at, (name, kind) in enumerate(self.kinds.items()):
            out = dtype or float_dtype(kind)
            function = partial(
                _map,
                name=name,
                keys=table.keys,
                affine=_taken(affine, at),
                kernel=kernel,
                dtype=out,
            )
            expression = pl.map_batches(
                [_named(name), *map(_named, table.keys)],
                function,
                return_dtype=_KINDS[out.name],
                is_elementwise=True,
            )
            mapped.append(expression.alias(name))
        return table.with_frame(self.frame.with_columns(mapped))


def _map(
    series: Any,
    *,
    name: str,
    keys: tuple[Hashable, ...],
    affine: Any,
    kernel: Kernel,
    dtype: np.dtype[Any],
) -> Any:
    """Map a batch of one column, given with those of its keys."""
    source = ArrowSource(pl.DataFrame(list(series)).to_arrow())
    result = transform(Table(source, pd.Index([name]), keys), affine, kernel, dtype)
    return _of_arrow(result.frame.select([name]))[0]


def _taken(affine: Any, at: int) -> Any:
    """Return the maps of one column."""
    if isinstance(affine, np.ndarray):
        return affine[..., at : at + 1] if affine.shape[-1] > 1 else affine
    return replace(affine, affine=_taken(affine.affine, at))


def _named(*names: Any) -> Any:
    """Return the columns that have just these names; polars takes a ``*``, or ``^x$``, for more."""
    return by_name(*names, require_all=True)


def _columns(schema: Any, selection: Selection) -> list[str]:
    """Return the columns that take part; TypeError for numbers that Arrow does not have."""
    kinds = dict(schema)
    numeric = [n for n, kind in kinds.items() if kind.is_numeric() or kind == pl.Boolean]
    selection.check_keys(list(kinds))
    refuse_nested_keys({key: kinds[key] for key in selection.by if kinds[key].is_nested()})
    columns = selection.select_columns(kinds, numeric)
    if wide := [name for name in columns if kinds[name] in _WIDE]:
        raise TypeError(
            f"columns {wide} have 128 bits, which no float holds; cast them first, for example "
            f"pl.col({wide[0]!r}).cast(pl.Float64)"
        )
    return columns


def _of_groups(readings: Any) -> Any:
    """Return pandas' readings by group with the groups in columns; NaN stays NaN."""
    if isinstance(readings, pd.Series):
        readings = readings.to_frame("value" if "value" not in readings.index.names else "values")
    return pl.from_pandas(readings.reset_index(), nan_to_null=False)


def _of_arrow(table: Any) -> Any:
    frame: Any = pl.from_arrow(table, rechunk=False)
    return frame.get_columns()


_WIDE = [getattr(pl, name) for name in ("Int128", "UInt128") if hasattr(pl, name)]

_KINDS = {"float32": pl.Float32, "float64": pl.Float64}
if hasattr(pl, "Float16"):
    _KINDS["float16"] = pl.Float16
