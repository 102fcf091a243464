"""Polars: DataFrames and Series as Arrow tables, LazyFrames in batches.

Used by users: `containers` imports this module with the first such object.
"""

# mypy: disable-error-code="override"
# A container is only given objects of the type that it is registered for.

from collections.abc import Hashable, Iterator, Mapping
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
from dasknorm.containers.object_columns import describe_objects, format_selection, make_error
from dasknorm.containers.pandas import Frame
from dasknorm.fields import Field, Fields, States
from dasknorm.statistics.base import Records, Reducer

try:
    from dasknorm.blocks.arrow_tables import ArrowSource
    from dasknorm.containers.pyarrow import check_plain_keys, make_arrow_field, parse_row_weights
except ModuleNotFoundError as error:
    raise ImportError(
        "polars frames are read through Arrow: pip install 'dasknorm[polars]'"
    ) from error

BATCH_BYTES = 4 * slabs.SLAB_BYTES
"""Bytes of a batch of a LazyFrame: enough for some cores, less than polars reads in advance."""


@register(pl.DataFrame)
class Frames(Frame):
    """The numeric columns of a DataFrame, matched by name; results are a DataFrame of one row."""

    name = combined_name = "polars.DataFrame"

    def fields(self, data: pl.DataFrame, selection: Selection = NO_SELECTION) -> Fields:
        columns = _select_columns(data.schema, selection)
        read = data.select(_exact_names(*columns, *selection.by))
        return {None: make_arrow_field(read.to_arrow(), columns, selection)}

    def rebuild(self, data: pl.DataFrame, fields: Fields) -> pl.DataFrame:
        block = fields[None].data
        return data.with_columns(_columns_from_arrow(block.frame.select(list(block.columns))))

    def make_results(self, values: Fields) -> Any:
        field = values[None]
        if not field.dims:
            return field.data[()]
        if field.group_dim is not None:
            return _ungroup(super().make_results(values))
        names = [str(name) for name in field.labels["columns"]]
        return pl.DataFrame(dict(zip(names, np.asarray(field.data), strict=True)))

    def parse_values(self, values: pl.DataFrame) -> tuple[str, Fields]:
        if values.height != 1:
            raise TypeError(
                "give the numbers for columns as a frame of one row, such as df.mean(), "
                f"got {values.height} rows"
            )
        numbers = values.cast(pl.Float64).fill_null(np.nan).to_numpy()[0].copy()
        labels: dict[Hashable, pd.Index] = {"columns": pd.Index(values.columns)}
        return self.name, {None: Field(numbers, ("columns",), labels, ("columns",))}

    def check_excluded(self, data: pl.DataFrame, selection: Selection) -> pl.DataFrame:
        schema = dict(data.collect_schema())
        numeric = _numeric_columns(schema)
        for name, kind in schema.items():
            is_excluded = name not in numeric and selection.includes(name)
            if kind == pl.Object and isinstance(data, pl.DataFrame):
                is_excluded = is_excluded and bool(describe_objects(data[name].to_list(), name))
            if is_excluded and (reason := _describe_type(kind, name)):
                raise make_error(
                    name, kind, reason, format_selection(filter(selection.includes, numeric))
                )
        return data

    def excluded_dtypes(self, data: pl.DataFrame) -> dict[Hashable, object]:
        schema = dict(data.collect_schema())
        numeric = _numeric_columns(schema)
        return {name: kind for name, kind in schema.items() if name not in numeric}

    def parse_weights(self, data: pl.DataFrame, weights: object) -> object:
        if isinstance(weights, pl.Expr):
            # With the rows, a single number broadcasts to all of them.
            weights = data.with_columns(weights.alias("weight")).get_column("weight")
        return super().parse_weights(data, parse_row_weights(weights))

    def mask_dtype(self, data: pl.DataFrame, where: object) -> object:
        if not isinstance(where, pl.Expr):
            return super().mask_dtype(data, where)
        rows = data.to_frame() if isinstance(data, pl.Series) else data
        return rows.lazy().select(where.alias("where")).collect_schema()["where"]


@register(pl.Series)
class SeriesOfOne(Frames):
    """A Series is a DataFrame of one column; its results are numbers."""

    name = "polars.Series"

    def fields(self, data: pl.Series, selection: Selection = NO_SELECTION) -> Fields:
        return super().fields(data.to_frame(), selection)

    def check_excluded(self, data: pl.Series, selection: Selection) -> pl.Series:
        super().check_excluded(data.to_frame(), selection)
        return data

    def excluded_dtypes(self, data: pl.Series) -> dict[Hashable, object]:
        return super().excluded_dtypes(data.to_frame())

    def rebuild(self, data: pl.Series, fields: Fields) -> pl.Series:
        return super().rebuild(data.to_frame(), fields).to_series()

    def missing_names(self, fields: Fields, states: States) -> list[Hashable]:
        return []

    def make_results(self, values: Fields) -> Any:
        return values[None].data.reshape(())[()]

    def parse_weights(self, data: pl.Series, weights: object) -> object:
        return super().parse_weights(data.to_frame(), weights)

    def parse_values(self, values: pl.Series) -> tuple[str, Fields]:
        raise TypeError("give the numbers for columns as a frame of one row, such as df.mean()")


@register(pl.LazyFrame)
class LazyFrames(Frames):
    """A query: adapted in one pass of polars' streaming engine, and normalized lazily.

    No batch stays in memory. ``compute=False`` has no effect.
    """

    def fields(self, data: pl.LazyFrame, selection: Selection = NO_SELECTION) -> Fields:
        schema = data.collect_schema()
        columns = _select_columns(schema, selection)
        empty = pl.DataFrame(schema=schema).select(_exact_names(*columns, *selection.by))
        field = make_arrow_field(empty.to_arrow(), columns, selection)
        kinds = dict(zip(columns, field.data.dtypes, strict=True))
        return {None: replace(field, data=replace(field.data, source=Query(data, kinds)))}

    def rebuild(self, data: pl.LazyFrame, fields: Fields) -> pl.LazyFrame:
        return fields[None].data.frame

    def parse_values(self, values: pl.LazyFrame) -> tuple[str, Fields]:
        return super().parse_values(values.collect())

    def parse_weights(self, data: pl.LazyFrame, weights: object) -> pl.Expr:
        if not isinstance(weights, pl.Expr):
            raise TypeError(
                "weights of a LazyFrame are an expression, such as pl.col('weight'); "
                f"got {type(weights).__name__}"
            )
        return weights

    def mask_weights(self, weights: pl.Expr, mask: pl.Expr) -> pl.Expr:
        return pl.when(mask).then(weights).otherwise(0)


@dataclass(frozen=True)
class Query(ColumnSource):
    """The columns of a LazyFrame, which is read in batches, and the dtypes of those selected."""

    frame: Any
    kinds: dict[str, np.dtype]

    @property
    def rows(self) -> float:
        return float("nan")

    def dtypes(self, columns: pd.Index) -> list[object]:
        return [self.kinds[name] for name in columns]

    def to_numpy(self, columns: pd.Index) -> np.ndarray:
        batches = self.batches(Table(self, columns))
        return np.concatenate([batch.to_numpy() for batch, _ in batches])

    def batches(
        self, table: Table, weights: pl.Expr | None = None
    ) -> Iterator[tuple[Table, np.ndarray | None]]:
        """Yield tables of the needed columns, and the weights of their rows."""
        row_bytes = sum(self.kinds[name].itemsize for name in table.columns)
        weight = "weight of " + "".join(table.columns)  # longer than any name, and so unique
        columns = _exact_names(*table.read_columns)
        query = self.frame.select(
            columns, *([] if weights is None else [weights.cast(pl.Float64).alias(weight)])
        )
        rows = max(1, BATCH_BYTES // row_bytes)
        for batch in query.collect_batches(chunk_size=rows, engine="streaming"):
            whole = batch.rechunk()  # the chunks depend on the number of cores
            values = None if weights is None else whole[weight].fill_null(np.nan).to_numpy()
            source = ArrowSource(whole.select(columns).to_arrow())
            yield replace(table, source=source), None if values is None else values[:, None]

    def summarize(
        self, table: Table, reducer: Reducer, weights: pl.Expr | None
    ) -> Records | GroupRecords:
        shape = 1, len(table.columns)
        groups = GroupRecords.empty(reducer.shape(shape), reducer.statistic)
        total = reducer.empty(shape)
        for batch, batch_weights in self.batches(table, weights):
            part = summarize(batch, reducer, batch_weights)
            if isinstance(part, GroupRecords):
                groups.join(part, reducer.statistic)
            else:
                reducer.join(total, part)
        return groups if table.keys else total

    def transform(self, table: Table, affine: Any, kernel: Kernel, dtype: np.dtype | None) -> Table:
        # By our kernel, in batches: an expression would round wide integers to floats before it
        # subtracts the mean, and have other last digits than a DataFrame in memory.
        mapped = []
        for i, (name, kind) in enumerate(self.kinds.items()):
            out = dtype or float_dtype(kind)
            function = partial(_map, name, table.keys, _select_map(affine, i), kernel, out)
            expression = pl.map_batches(
                [_exact_names(name), *map(_exact_names, table.keys)],
                function,
                return_dtype=_FLOAT_TYPES[out.name],
                is_elementwise=True,
            )
            mapped.append(expression.alias(name))
        return table.with_frame(self.frame.with_columns(mapped))


def _map(
    name: str, keys: tuple[Hashable, ...], affine: Any, kernel: Kernel, dtype: np.dtype, series: Any
) -> Any:
    """Transform a batch of one column, given with the columns of its keys."""
    source = ArrowSource(pl.DataFrame(list(series)).to_arrow())
    result = transform(Table(source, pd.Index([name]), keys), affine, kernel, dtype)
    return _columns_from_arrow(result.frame.select([name]))[0]


def _select_map(affine: Any, column: int) -> Any:
    """Return the affine maps of one column."""
    if isinstance(affine, np.ndarray):
        return affine[..., column : column + 1] if affine.shape[-1] > 1 else affine
    return replace(affine, affine=_select_map(affine.affine, column))


def _exact_names(*names: Any) -> Any:
    """Return the columns with exactly these names; polars expands ``*`` and ``^x$``."""
    return by_name(*names, require_all=True)


def _select_columns(schema: Any, selection: Selection) -> list[str]:
    """Return the selected columns; TypeError for numbers that Arrow does not have."""
    kinds = dict(schema)
    numeric = _numeric_columns(kinds)
    selection.check_keys(list(kinds))
    check_plain_keys({key: kinds[key] for key in selection.by if kinds[key].is_nested()})
    columns = selection.select_columns(kinds, numeric)
    if wide_columns := [name for name in columns if kinds[name] in _WIDE_TYPES]:
        raise TypeError(
            f"columns {wide_columns} have 128 bits, which no float holds; cast them first, for "
            f"example pl.col({wide_columns[0]!r}).cast(pl.Float64)"
        )
    return columns


def _numeric_columns(schema: Mapping[str, Any]) -> list[str]:
    return [n for n, kind in schema.items() if kind.is_numeric() or kind == pl.Boolean]


def _describe_type(kind: Any, name: str) -> str:
    """Return how to convert a type to numbers if it is not numeric; empty if it has no numbers."""
    if kind == pl.Object:
        return f"cast it with pl.col({name!r}).map_elements(float, return_dtype=pl.Float64)"
    if not _has_numbers(kind):
        return ""
    if isinstance(kind, pl.Struct):
        return f"df.unnest({name!r}) makes a column of each field"
    if isinstance(kind, pl.Array):
        return f"pl.col({name!r}).arr.to_struct() and unnest make a column of each element"
    return (
        f"df.explode({name!r}) makes a row of each element; pl.col({name!r}).list.mean() one number"
    )


def _has_numbers(kind: Any) -> bool:
    if isinstance(kind, pl.Struct):
        return any(_has_numbers(field.dtype) for field in kind.fields)
    if isinstance(kind, (pl.List, pl.Array)):
        return _has_numbers(kind.inner)
    return bool(kind.is_numeric())


def _ungroup(results: pd.DataFrame | pd.Series) -> pl.DataFrame:
    """Return grouped pandas results with the groups in columns; NaN stays NaN."""
    if isinstance(results, pd.Series):
        results = results.to_frame("value" if "value" not in results.index.names else "values")
    return pl.from_pandas(results.reset_index(), nan_to_null=False)


def _columns_from_arrow(table: Any) -> Any:
    frame: Any = pl.from_arrow(table, rechunk=False)
    return frame.get_columns()


_WIDE_TYPES = [getattr(pl, name) for name in ("Int128", "UInt128") if hasattr(pl, name)]

_FLOAT_TYPES = {"float32": pl.Float32, "float64": pl.Float64}
if hasattr(pl, "Float16"):
    _FLOAT_TYPES["float16"] = pl.Float16
