"""Generate LLVM code for loops over formulas that are written once in plain arithmetic.

Used by kernels. Formulas are not changed here, but where they are defined.

`Traced` values record the arithmetic of a formula as LLVM instructions. Nothing here may be
compiled with ``fastmath``, which would undo the error-free transforms.

This is 300 lines that a plain ``@njit`` loop would not need. They pay by a shorter first call, as
Numba took 8 s for twenty small functions, and by speed. On one thread of an x86-64 machine with
AVX2, plain ``@njit`` loops and these gave, in GB/s: float32 3.4 and 4.8, float32 with 1 % missing
2.9 and 8.1, float64 5.6 and 5.8, int16 1.1 and 2.7. ``python -m benchmarks.kernels njit`` measures
these generated runs and a plain loop of which Numba may reassociate the sums; without missing
values that loop can be as fast. Once it is everywhere, this file can be replaced by plain loops.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba calls the functions below with types and values of its own.

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import cgutils
from numba.core import types as numba_types
from numba.core.base import BaseContext
from numba.core.types import Type
from numba.core.typing import Signature
from numba.extending import intrinsic

from dasknorm.kernels.arithmetic import Form, Number, OneFloat, TwoFloats

types: Any = numba_types  # made at run time, and so not known to a type checker

MAX_LANES = 512  # a power of two of float64: a lane's 20 fields lie 4 KB apart, 80 KB in all
# Of each lane: its shift (a, b), sums of a block and of a tile with their rests, its record.
FIELDS = [
    *("a", "b", "n", "n_missing", "w", "s", "e", "q", "e_sum", "q_sum", "e_rest", "q_rest"),
    *("n_sum", "n_rest"),
    *("count", "mean", "mean_rest", "m2", "m2_rest", "missing"),
]

ANY_ORDER = ("reassoc", "nsz")
WHOLE_BITS = 0x4330000000000000  # the bits of 2.0**52, whose last bit is worth 1
DOUBLE = ir.DoubleType()

Formula = Callable[..., Number]


class Traced:
    """A float64 of a compiled loop; arithmetic with it becomes instructions."""

    def __init__(self, builder: ir.IRBuilder, value: ir.Value, is_integer: bool = False) -> None:
        self.builder = builder
        self.value = value
        self.is_integer = is_integer  # of the data, and so never missing

    def _apply(self, instruction: str, other: Number) -> "Traced":
        return Traced(
            self.builder, getattr(self.builder, instruction)(self.value, _value_of(other))
        )

    def __add__(self, other: Number) -> "Traced":
        return self._apply("fadd", other)

    def __sub__(self, other: Number) -> "Traced":
        return self._apply("fsub", other)

    def __mul__(self, other: Number) -> "Traced":
        return self._apply("fmul", other)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: Number) -> "Traced":
        return -self + other  # the same float64 as other - self

    def __truediv__(self, other: Number) -> "Traced":
        return self._apply("fdiv", other)

    def __neg__(self) -> "Traced":
        return Traced(self.builder, self.builder.fneg(self.value))

    def _compare(self, operator: str, other: Number) -> "Traced":
        return Traced(
            self.builder, self.builder.fcmp_ordered(operator, self.value, _value_of(other))
        )

    def __gt__(self, other: Number) -> "Traced":
        return self._compare(">", other)

    def __lt__(self, other: Number) -> "Traced":
        return self._compare("<", other)

    def same(self, other: Number) -> "Traced":
        """Return whether two values are equal; NaN does not even equal itself."""
        return self._compare("==", other)

    def __and__(self, other: "Traced") -> "Traced":
        return Traced(self.builder, self.builder.and_(self.value, other.value))

    def product_less(self, other: "Traced", rounded: "Traced") -> "Traced":
        """Return self * other - rounded, rounded once."""
        value = _fused(self.builder, "llvm.fma", self.value, other.value, (-rounded).value)
        return Traced(self.builder, value)


def _value_of(number: Number) -> ir.Value:
    return number.value if isinstance(number, Traced) else ir.Constant(DOUBLE, number)


def choose(condition: Number, yes: Number, no: Number) -> Number:
    """Return yes where condition, else no: without a jump, which would prevent vectors."""
    if condition is True or (
        not isinstance(yes, Traced) and not isinstance(no, Traced) and yes == no
    ):
        return yes
    value = condition.builder.select(condition.value, _value_of(yes), _value_of(no))
    return Traced(condition.builder, value)


def is_present(x: Sequence[Number]) -> Number:
    """Return whether a value of the data is not NaN; for an integer that is True beforehand."""
    return x[0].is_integer or x[0].same(x[0])


def is_finite(x: Sequence[Number]) -> Number:
    """Return whether a value of the data is neither NaN nor infinite."""
    return x[0].is_integer or (x[0] - x[0]).same(0.0)


def add_product(total: Traced, a: Traced, b: Traced) -> Traced:
    """Return total + a * b, rounded once if the machine does that in one instruction."""
    builder = total.builder
    return Traced(builder, _fused(builder, "llvm.fmuladd", a.value, b.value, total.value))


def add_in_any_order(total: Traced, term: Traced, factor: Number = 1.0) -> Traced:
    """Return total + term * factor, in any order of a sum, so that LLVM may keep it in lanes."""
    builder = total.builder
    if isinstance(factor, Traced):
        value = _fused(builder, "llvm.fmuladd", term.value, factor.value, total.value, ANY_ORDER)
    else:
        value = builder.fadd(total.value, term.value, flags=ANY_ORDER)
    return Traced(builder, value)


def _fused(
    builder: ir.IRBuilder,
    name: str,
    a: ir.Value,
    b: ir.Value,
    total: ir.Value,
    flags: tuple[str, ...] = (),
) -> ir.Value:
    """Return a * b + total: rounded once (llvm.fma), or if that is as fast (llvm.fmuladd)."""
    kind = ir.FunctionType(DOUBLE, [DOUBLE] * 3)
    function = builder.module.declare_intrinsic(name, [DOUBLE], kind)
    return builder.call(function, [a, b, total], fastmath=flags)


def _form_of(kind: Type) -> Form:
    return TwoFloats if isinstance(kind, types.Integer) and kind.bitwidth == 64 else OneFloat


def _parts(
    context: BaseContext, builder: ir.IRBuilder, value: ir.Value, kind: Type
) -> tuple[Traced, Number]:
    """Return a value of the data as the two float64 that a `Form` works on."""
    if _form_of(kind) is OneFloat:
        is_integer = isinstance(kind, types.Integer)
        return Traced(builder, context.cast(builder, value, kind, types.float64), is_integer), 0.0
    upper = builder.lshr(value, value.type(32))
    lower = builder.and_(value, value.type(0xFFFFFFFF))
    if not kind.signed:  # type: ignore[attr-defined]
        return _from_word(builder, upper), _from_word(builder, lower)
    upper = builder.xor(upper, value.type(1 << 31))  # 2**31 more, whatever the sign
    return _from_word(builder, upper, 1 << 31), _from_word(builder, lower)


def _from_word(builder: ir.IRBuilder, word: ir.Value, more: int = 0) -> Traced:
    """Convert a word to float64: make it the last bits of 2**52, and subtract 2**52."""
    # Many machines with vectors have no instruction for this.
    bits = builder.or_(word, word.type(WHOLE_BITS))
    number = Traced(builder, builder.bitcast(bits, DOUBLE)) - float(2**52 + more)
    number.is_integer = True
    return number


def float32_from_half(builder: ir.IRBuilder, half: ir.Value) -> ir.Value:
    """Return the float32 of the bits of a float16, by instructions that every machine has."""
    # The exponent is moved by 112, and by 112 more for infinities and NaN. A subnormal gets an
    # exponent, which is subtracted again.
    word, real = ir.IntType(32), ir.FloatType()
    bits = builder.shl(builder.zext(half, word), word(13))
    sign = builder.and_(builder.shl(bits, word(3)), word(1 << 31))
    bits = builder.and_(bits, word(0x7FFF << 13))
    exponent = builder.and_(bits, word(0x7C00 << 13))
    usual = builder.add(bits, word(112 << 23))
    largest = builder.icmp_unsigned("==", exponent, word(0x7C00 << 13))
    usual = builder.select(largest, builder.add(usual, word(112 << 23)), usual)
    tiny = builder.bitcast(builder.add(bits, word(113 << 23)), real)
    tiny = builder.bitcast(builder.fsub(tiny, real(2.0**-14)), word)
    is_subnormal = builder.icmp_unsigned("==", exponent, word(0))
    return builder.bitcast(builder.or_(builder.select(is_subnormal, tiny, usual), sign), real)


class Call(NamedTuple):
    """What Numba passes to a function that generates the code of a call."""

    context: BaseContext
    builder: ir.IRBuilder
    signature: Signature
    args: Sequence[ir.Value]

    def data(self, i: int) -> ir.Value:
        """Return the address of the first element of an argument that is an array."""
        array = self.context.make_array(self.signature.args[i])
        return array(self.context, self.builder, self.args[i]).data

    def rows(self, array: int, count: int) -> list[ir.Value]:
        """Return addresses of rows, given an array, a start and a step from one argument on."""
        addresses: list[ir.Value] = []
        for i in range(count):
            start, offset = (addresses[-1], array + 2) if i else (self.data(array), array + 1)
            addresses.append(self.builder.gep(start, [self.args[offset]], inbounds=True))
        return addresses

    def load(self, address: ir.Value) -> Traced:
        """Return the float64 at an address."""
        return Traced(self.builder, self.builder.load(address))

    def load_parts(self, address: ir.Value, kind: Type) -> tuple[Traced, Number]:
        """Return the value of the data at an address."""
        return _parts(self.context, self.builder, self.builder.load(address), kind)

    def inputs(self, count: int) -> list[Traced]:
        """Return the float64 of the last argument, which is a tuple."""
        values = self.args[-1]
        return [Traced(self.builder, self.builder.extract_value(values, i)) for i in range(count)]

    def result(self, kind: Type, result: Number) -> ir.Value:
        """Return the result of a formula as Numba's value: a float64 or a tuple of them."""
        if not isinstance(result, tuple):
            return result.value
        return self.context.make_tuple(self.builder, kind, [_value_of(part) for part in result])


def traced_function(formula: Formula, outputs: int) -> Formula:
    """Return a formula on float64 as a function for compiled loops."""

    @intrinsic
    def function(typingctx, *args):
        kind = types.UniTuple(types.float64, outputs)

        def generate(*arguments):
            call = Call(*arguments)
            return call.result(kind, formula(*call.inputs(len(args))))

        return kind(types.UniTuple(types.float64, len(args))), generate

    return function


def value_function(name: str, inputs: int, outputs: int, takes_value: bool = True) -> Formula:
    """Return a method of the `Form` of the first argument as a function; without a name, parts."""

    @intrinsic
    def function(typingctx, x, *args):
        kind = types.UniTuple(types.float64, outputs) if outputs > 1 else types.float64

        def generate(*arguments):
            call = Call(*arguments)
            values = _parts(call.context, call.builder, call.args[0], x) if takes_value else ()
            numbers = call.inputs(inputs)
            return call.result(
                kind, getattr(_form_of(x), name)(*values, *numbers) if name else values
            )

        return kind(x, types.UniTuple(types.float64, inputs)), generate

    return function


def sum_loop(formula: Formula, sums: int) -> Formula:
    """Return a loop over values and weights for sums of ``formula(*sums, a, b, value, weight)``."""

    @intrinsic
    def loop(typingctx, x, start, w, w_start, size, a, b):
        kind = types.UniTuple(types.float64, sums)

        def generate(*arguments):
            call = Call(*arguments)
            builder = call.builder
            (x_row,), (w_row,) = call.rows(0, 1), call.rows(2, 1)
            totals = [cgutils.alloca_once_value(builder, DOUBLE(0.0)) for _ in range(sums)]
            shift = [Traced(builder, value) for value in call.args[5:]]
            with cgutils.for_range(builder, call.args[4]) as values:
                value, weight = (
                    call.load_parts(builder.gep(row, [values.index]), array.dtype)
                    for row, array in ((x_row, x), (w_row, w))
                )
                former = [call.load(total) for total in totals]
                results = formula(_form_of(x.dtype), *former, *shift, value, weight[0])
                for total, result in zip(totals, results, strict=True):
                    builder.store(result.value, total)
            return call.context.make_tuple(builder, kind, [builder.load(t) for t in totals])

        return kind(x, types.intp, w, types.intp, types.intp, a, b), generate

    return loop


def lane_loop(formula: Formula, reads: str, writes: str, rows: int = 0) -> Formula:
    """Return a loop over lanes that sets fields of each by a formula of fields and rows of data."""
    # Fields are a constant MAX_LANES apart in t: LLVM needs no check for overlap at constant
    # distances, and beyond eight such checks it makes no vectors.

    @intrinsic
    def loop(typingctx, t, width, x, start, step):
        def generate(*arguments):
            call = Call(*arguments)
            _write_lanes(call, formula, (reads, writes), call.rows(2, rows))
            return call.context.get_dummy_value()

        return types.void(t, types.intp, x, types.intp, types.intp), generate

    return loop


def weighted_lane_loop(formula: Formula, reads: str, writes: str, rows: int) -> Formula:
    """Return a `lane_loop` of rows with one weight each: w[w_start], w[w_start + w_step] ..."""

    @intrinsic
    def loop(typingctx, t, width, x, start, step, w, w_start, w_step):
        def generate(*arguments):
            call = Call(*arguments)
            data = call.rows(2, rows)
            weights = [call.load_parts(address, w.dtype)[0] for address in call.rows(5, rows)]
            _write_lanes(call, formula, (reads, writes), data, weights)
            return call.context.get_dummy_value()

        index = types.intp
        return types.void(t, index, x, index, index, w, index, index), generate

    return loop


def _write_lanes(
    call: Call,
    formula: Formula,
    names: tuple[str, str],
    rows: list[ir.Value],
    weights: list[Traced] | None = None,
) -> None:
    """Write the loop itself, given the addresses of its rows."""
    reads, writes = (fields.split() for fields in names)
    builder, kind = call.builder, call.signature.args[2].dtype
    table = call.data(0)
    with cgutils.for_range(builder, call.args[1]) as lanes:
        j = lanes.index

        def locate(field: str) -> ir.Value:
            index = builder.add(j, j.type(FIELDS.index(field) * MAX_LANES))
            return builder.gep(table, [index], inbounds=True)

        inputs = {field: call.load(locate(field)) for field in reads}
        values = [call.load_parts(builder.gep(row, [j], inbounds=True), kind) for row in rows]
        pairs = values if weights is None else zip(values, weights, strict=True)
        results = formula(_form_of(kind), *inputs.values(), *pairs)
        for field, result in zip(writes, results, strict=True):
            if result is not inputs.get(field):
                builder.store(_value_of(result), locate(field))
