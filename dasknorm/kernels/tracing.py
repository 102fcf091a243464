"""Formulas written once in plain arithmetic, turned into the instructions of compiled loops.

A formula (`doubledouble`, `shifts`) is called once, on values that write down what is done to them.
That takes Numba hardly any time, where its own way through twenty functions took 8 s of a first
call. Nothing here may be compiled with ``fastmath``, which would undo the error-free transforms.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types the functions below, by what they are called with.

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.core import types as _types
from numba.extending import intrinsic

from dasknorm.kernels.shifts import Narrow, Wide

__all__ = [
    "FIELDS",
    "LANES",
    "choose",
    "lane_loop",
    "multiply_add",
    "of_value",
    "parts",
    "straight",
    "way_of",
    "with_product",
]

types: Any = _types  # made at run time, and so not known to a type checker

LANES = 512
FIELDS = [
    *("a", "b", "n", "lost", "w", "s", "e", "q", "e_sum", "q_sum", "e_rest", "q_rest"),
    *("count", "mean", "mean_rest", "m2", "m2_rest", "missing"),
]


class _Traced:
    """A float64 of a compiled loop; arithmetic with it becomes instructions."""

    def __init__(self, builder: ir.IRBuilder, value: ir.Value) -> None:
        self.builder = builder
        self.value = value

    def _with(self, instruction: str, other: Any) -> "_Traced":
        value = other.value if isinstance(other, _Traced) else ir.Constant(ir.DoubleType(), other)
        return _Traced(self.builder, getattr(self.builder, instruction)(self.value, value))

    def __add__(self, other: Any) -> "_Traced":
        return self._with("fadd", other)

    def __sub__(self, other: Any) -> "_Traced":
        return self._with("fsub", other)

    def __mul__(self, other: Any) -> "_Traced":
        return self._with("fmul", other)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: Any) -> "_Traced":
        return -self + other  # the same float64 as other - self

    def __truediv__(self, other: Any) -> "_Traced":
        return self._with("fdiv", other)

    def __neg__(self) -> "_Traced":
        return _Traced(self.builder, self.builder.fneg(self.value))

    def _compared(self, how: str, other: Any) -> "_Traced":
        value = other.value if isinstance(other, _Traced) else ir.Constant(ir.DoubleType(), other)
        return _Traced(self.builder, self.builder.fcmp_ordered(how, self.value, value))

    def __gt__(self, other: Any) -> "_Traced":
        return self._compared(">", other)

    def __lt__(self, other: Any) -> "_Traced":
        return self._compared("<", other)

    def same(self, other: Any) -> "_Traced":
        """Whether two values are equal; a NaN is not, not even to itself."""
        return self._compared("==", other)

    def chosen(self, yes: Any, no: Any) -> "_Traced":
        """One of two values."""
        values = [
            v.value if isinstance(v, _Traced) else ir.Constant(ir.DoubleType(), v)
            for v in (yes, no)
        ]
        return _Traced(self.builder, self.builder.select(self.value, *values))

    def plus_product(self, a: "_Traced", b: "_Traced") -> "_Traced":
        """self + a * b."""
        return _Traced(self.builder, multiply_add(self.builder, a.value, b.value, self.value))

    def __and__(self, other: "_Traced") -> "_Traced":
        return _Traced(self.builder, self.builder.and_(self.value, other.value))


def choose(condition: Any, yes: Any, no: Any) -> Any:
    """yes where condition, else no: without a jump, which would keep a loop from vectors."""
    return condition.chosen(yes, no)


def with_product(total: Any, a: Any, b: Any) -> Any:
    """total + a * b, rounded once where the machine does that in one instruction."""
    return total.plus_product(a, b)


def multiply_add(
    builder: ir.IRBuilder, a: ir.Value, b: ir.Value, total: ir.Value, flags: tuple[str, ...] = ()
) -> Any:
    double = ir.DoubleType()
    function = builder.module.declare_intrinsic(
        "llvm.fmuladd", [double], ir.FunctionType(double, [double] * 3)
    )
    return builder.call(function, [a, b, total], fastmath=flags)


def _returned(context: Any, builder: ir.IRBuilder, kind: Any, result: Any) -> Any:
    """A formula's result as Numba's value: a float64 or a tuple of them."""
    if not isinstance(result, tuple):
        return result.value
    zero = ir.Constant(ir.DoubleType(), 0.0)
    return context.make_tuple(
        builder, kind, [r.value if isinstance(r, _Traced) else zero for r in result]
    )


def straight(formula: Callable[..., Any], outputs: int) -> Any:
    """A formula on float64 as a function for compiled loops."""

    @intrinsic
    def function(typingctx, *args):
        kind = types.UniTuple(types.float64, outputs)

        def codegen(context, builder, signature, packed):
            values = [
                _Traced(builder, builder.extract_value(packed[0], i)) for i in range(len(args))
            ]
            return _returned(context, builder, kind, formula(*values))

        return kind(types.UniTuple(types.float64, len(args))), codegen

    return function


def parts(context: Any, builder: ir.IRBuilder, value: ir.Value, kind: Any) -> tuple[_Traced, Any]:
    """A value of the data as the two float64 that `shifts` works on."""
    if way_of(kind) is Narrow:
        return _Traced(builder, context.cast(builder, value, kind, types.float64)), 0.0
    word = ir.IntType(32)
    upper = builder.trunc(builder.lshr(value, ir.Constant(value.type, 32)), word)
    high = (builder.sitofp if kind.signed else builder.uitofp)(upper, ir.DoubleType())
    low = builder.uitofp(builder.trunc(value, word), ir.DoubleType())
    return _Traced(builder, high), _Traced(builder, low)


def way_of(kind: Any) -> type[Narrow] | type[Wide]:
    return Wide if isinstance(kind, types.Integer) and kind.bitwidth == 64 else Narrow


def of_value(name: str, inputs: int, outputs: int, takes_value: bool = True) -> Any:
    """A formula of `shifts`, the way chosen by the dtype of the first argument."""

    @intrinsic
    def function(typingctx, x, *args):
        kind = types.UniTuple(types.float64, outputs) if outputs > 1 else types.float64

        def codegen(context, builder, signature, packed):
            values = parts(context, builder, packed[0], x) if takes_value else ()
            others = [_Traced(builder, builder.extract_value(packed[1], i)) for i in range(inputs)]
            result = getattr(way_of(x), name)(*values, *others) if name else values
            return _returned(context, builder, kind, result)

        return kind(x, types.UniTuple(types.float64, inputs)), codegen

    return function


def lane_loop(formula: Callable[..., Any], reads: str, writes: str, rows: int = 0) -> Any:
    """A loop over lanes: some fields of each become a formula of some fields and of rows of data.

    In a compiled loop it is called as ``loop(t, width, x, start, step)``; rows begin at
    x[start], x[start + step] and so on. Fields lie a constant LANES apart in t: distances known to
    LLVM need no check for overlap, and beyond eight such checks it gives up on vectors.
    """

    @intrinsic
    def loop(typingctx, t, width, x, start, step):
        way = way_of(x.dtype)

        def codegen(context, builder, signature, args):
            fields, data = (
                context.make_array(signature.args[i])(context, builder, args[i]).data
                for i in (0, 2)
            )
            starts = [builder.gep(data, [args[3]], inbounds=True)]
            for _ in range(1, rows):
                starts.append(builder.gep(starts[-1], [args[4]], inbounds=True))
            with cgutils.for_range(builder, args[1]) as lanes:
                j = lanes.index

                def place(field: str) -> Any:
                    return builder.gep(
                        fields, [builder.add(j, j.type(FIELDS.index(field) * LANES))], inbounds=True
                    )

                inputs = [_Traced(builder, builder.load(place(field))) for field in reads.split()]
                values = [
                    builder.load(builder.gep(row, [j], inbounds=True)) for row in starts[:rows]
                ]
                results = formula(
                    way, *inputs, *(parts(context, builder, value, x.dtype) for value in values)
                )
                for field, result in zip(writes.split(), results, strict=True):
                    value = (
                        result.value
                        if isinstance(result, _Traced)
                        else ir.Constant(ir.DoubleType(), result)
                    )
                    builder.store(value, place(field))
            return context.get_dummy_value()

        return types.void(t, types.intp, x, types.intp, types.intp), codegen

    return loop
