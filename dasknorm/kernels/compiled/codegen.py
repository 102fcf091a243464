"""Formulas written once in plain arithmetic, woven into functions and loops that Numba compiles.

Nothing here may be compiled with ``fastmath``, which would undo the error-free transforms.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types the functions below, by what they are called with.

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.core import types as _types
from numba.extending import intrinsic

from dasknorm.kernels.compiled.tracer import Traced, parts, way_of

__all__ = ["FIELDS", "LANES", "lane_loop", "of_value", "straight", "sum_loop", "weighted_lane_loop"]

types: Any = _types  # made at run time, and so not known to a type checker

LANES = 512
FIELDS = [
    *("a", "b", "n", "lost", "w", "s", "e", "q", "e_sum", "q_sum", "e_rest", "q_rest"),
    *("n_sum", "n_rest"),
    *("count", "mean", "mean_rest", "m2", "m2_rest", "missing"),
]


def _returned(context: Any, builder: ir.IRBuilder, kind: Any, result: Any) -> Any:
    """A formula's result as Numba's value: a float64 or a tuple of them."""
    if not isinstance(result, tuple):
        return result.value
    zero = ir.Constant(ir.DoubleType(), 0.0)
    return context.make_tuple(
        builder, kind, [r.value if isinstance(r, Traced) else zero for r in result]
    )


def straight(formula: Callable[..., Any], outputs: int) -> Any:
    """A formula on float64 as a function for compiled loops."""

    @intrinsic
    def function(typingctx, *args):
        kind = types.UniTuple(types.float64, outputs)

        def codegen(context, builder, signature, packed):
            values = [
                Traced(builder, builder.extract_value(packed[0], i)) for i in range(len(args))
            ]
            return _returned(context, builder, kind, formula(*values))

        return kind(types.UniTuple(types.float64, len(args))), codegen

    return function


def of_value(name: str, inputs: int, outputs: int, takes_value: bool = True) -> Any:
    """A formula of `shifts`, the way chosen by the dtype of the first argument."""

    @intrinsic
    def function(typingctx, x, *args):
        kind = types.UniTuple(types.float64, outputs) if outputs > 1 else types.float64

        def codegen(context, builder, signature, packed):
            values = parts(context, builder, packed[0], x) if takes_value else ()
            others = [Traced(builder, builder.extract_value(packed[1], i)) for i in range(inputs)]
            result = getattr(way_of(x), name)(*values, *others) if name else values
            return _returned(context, builder, kind, result)

        return kind(x, types.UniTuple(types.float64, inputs)), codegen

    return function


def sum_loop(formula: Callable[..., Any], sums: int) -> Any:
    """A loop over values that lie one after the other, and as many weights: sums of a formula.

    In a compiled loop it is called as ``loop(x, start, w, w_start, size, a, b)``; the formula gets
    the sums so far, a shift, a value and a weight, and may leave what it does not need.
    """

    @intrinsic
    def loop(typingctx, x, start, w, w_start, size, a, b):
        kind = types.UniTuple(types.float64, sums)

        def codegen(context, builder, signature, args):
            x_here, w_here = (
                builder.gep(
                    context.make_array(signature.args[i])(context, builder, args[i]).data,
                    [args[i + 1]],
                    inbounds=True,
                )
                for i in (0, 2)
            )
            totals = [cgutils.alloca_once_value(builder, ir.DoubleType()(0.0)) for _ in range(sums)]
            shift = [Traced(builder, value) for value in args[5:]]
            with cgutils.for_range(builder, args[4]) as values:
                value, weight = (
                    parts(context, builder, builder.load(builder.gep(here, [values.index])), k)
                    for here, k in ((x_here, x.dtype), (w_here, w.dtype))
                )
                before = [Traced(builder, builder.load(total)) for total in totals]
                after = formula(way_of(x.dtype), *before, *shift, value, weight[0])
                for total, result in zip(totals, after, strict=True):
                    builder.store(result.value, total)
            return context.make_tuple(builder, kind, [builder.load(total) for total in totals])

        return kind(x, types.intp, w, types.intp, types.intp, a, b), codegen

    return loop


def lane_loop(formula: Callable[..., Any], reads: str, writes: str, rows: int = 0) -> Any:
    """A loop over lanes: some fields of each become a formula of some fields and of rows of data.

    In a compiled loop it is called as ``loop(t, width, x, start, step)``; rows begin at
    x[start], x[start + step] and so on. Fields lie a constant LANES apart in t: distances known to
    LLVM need no check for overlap, and beyond eight such checks it gives up on vectors.
    """

    @intrinsic
    def loop(typingctx, t, width, x, start, step):
        def codegen(context, builder, signature, args):
            data = _places(context, builder, signature, args, 2, rows)
            _write_lanes(context, builder, signature, args, formula, (reads, writes), data)
            return context.get_dummy_value()

        return types.void(t, types.intp, x, types.intp, types.intp), codegen

    return loop


def weighted_lane_loop(formula: Callable[..., Any], reads: str, writes: str, rows: int) -> Any:
    """The same of pairs: rows, and for each a weight from w[w_start], w[w_start + w_step]..."""

    @intrinsic
    def loop(typingctx, t, width, x, start, step, w, w_start, w_step):
        def codegen(context, builder, signature, args):
            data = _places(context, builder, signature, args, 2, rows)
            weights = [
                parts(context, builder, builder.load(place), w.dtype)[0]
                for place in _places(context, builder, signature, args, 5, rows)
            ]
            _write_lanes(context, builder, signature, args, formula, (reads, writes), data, weights)
            return context.get_dummy_value()

        index = types.intp
        return types.void(t, index, x, index, index, w, index, index), codegen

    return loop


def _places(
    context: Any, builder: ir.IRBuilder, signature: Any, args: Any, array: int, rows: int
) -> list[ir.Value]:
    """Pointers to rows, given an array, a start and a step from one argument on."""
    if not rows:
        return []
    data = context.make_array(signature.args[array])(context, builder, args[array]).data
    places = [builder.gep(data, [args[array + 1]], inbounds=True)]
    for _ in range(1, rows):
        places.append(builder.gep(places[-1], [args[array + 2]], inbounds=True))
    return places


def _write_lanes(
    context: Any,
    builder: ir.IRBuilder,
    signature: Any,
    args: Any,
    formula: Callable[..., Any],
    names: tuple[str, str],
    data: list[ir.Value],
    weights: list[Traced] | None = None,
) -> None:
    """The loop itself, given pointers to its rows."""
    reads, writes = (fields.split() for fields in names)
    kind = signature.args[2].dtype
    table = context.make_array(signature.args[0])(context, builder, args[0]).data
    with cgutils.for_range(builder, args[1]) as lanes:
        j = lanes.index

        def place(field: str) -> ir.Value:
            index = builder.add(j, j.type(FIELDS.index(field) * LANES))
            return builder.gep(table, [index], inbounds=True)

        inputs = {field: Traced(builder, builder.load(place(field))) for field in reads}
        values = [
            parts(context, builder, builder.load(builder.gep(row, [j], inbounds=True)), kind)
            for row in data
        ]
        pairs = values if weights is None else zip(values, weights, strict=True)
        results = formula(way_of(kind), *inputs.values(), *pairs)
        for field, result in zip(writes, results, strict=True):
            if result is not inputs.get(field):
                value = result.value if isinstance(result, Traced) else ir.DoubleType()(result)
                builder.store(value, place(field))
