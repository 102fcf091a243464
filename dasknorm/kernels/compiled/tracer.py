"""Values of a compiled loop that write down what plain arithmetic does to them.

A formula (`doubledouble`, `shifts`) is called once on such values, by `weaving`, and has then
become instructions. That takes Numba hardly any time, where its own way through twenty functions
took 8 s of a first call. Nothing here may be compiled with ``fastmath``, which would undo the
error-free transforms.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types the functions below, by what they are called with.

from typing import Any

from llvmlite import ir
from numba.core import types as _types

from dasknorm.kernels.shifted import Narrow, Wide

__all__ = [
    "Traced",
    "choose",
    "finite",
    "float32_of_half",
    "in_any_order",
    "is_there",
    "parts",
    "way_of",
    "with_product",
]

types: Any = _types  # made at run time, and so not known to a type checker

ANY_ORDER = ("reassoc", "nsz")
WHOLE_BITS = 0x4330000000000000  # of 2.0**52, whose last bit is worth 1


class Traced:
    """A float64 of a compiled loop; arithmetic with it becomes instructions."""

    def __init__(self, builder: ir.IRBuilder, value: ir.Value, whole: bool = False) -> None:
        self.builder = builder
        self.value = value
        self.whole = whole  # an integer of the data, which is never missing

    def _with(self, instruction: str, other: Any) -> "Traced":
        value = other.value if isinstance(other, Traced) else ir.Constant(ir.DoubleType(), other)
        return Traced(self.builder, getattr(self.builder, instruction)(self.value, value))

    def __add__(self, other: Any) -> "Traced":
        return self._with("fadd", other)

    def __sub__(self, other: Any) -> "Traced":
        return self._with("fsub", other)

    def __mul__(self, other: Any) -> "Traced":
        return self._with("fmul", other)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: Any) -> "Traced":
        result: Traced = -self + other
        return result  # the same float64 as other - self

    def __truediv__(self, other: Any) -> "Traced":
        return self._with("fdiv", other)

    def __neg__(self) -> "Traced":
        return Traced(self.builder, self.builder.fneg(self.value))

    def _compared(self, how: str, other: Any) -> "Traced":
        value = other.value if isinstance(other, Traced) else ir.Constant(ir.DoubleType(), other)
        return Traced(self.builder, self.builder.fcmp_ordered(how, self.value, value))

    def __gt__(self, other: Any) -> "Traced":
        return self._compared(">", other)

    def __lt__(self, other: Any) -> "Traced":
        return self._compared("<", other)

    def same(self, other: Any) -> "Traced":
        """Whether two values are equal; a NaN is not, not even to itself."""
        return self._compared("==", other)

    def chosen(self, yes: Any, no: Any) -> "Traced":
        """One of two values."""
        values = [
            v.value if isinstance(v, Traced) else ir.Constant(ir.DoubleType(), v) for v in (yes, no)
        ]
        return Traced(self.builder, self.builder.select(self.value, *values))

    def plus_product(self, a: "Traced", b: "Traced") -> "Traced":
        """self + a * b."""
        return Traced(
            self.builder, fused(self.builder, "llvm.fmuladd", a.value, b.value, self.value)
        )

    def product_less(self, other: "Traced", rounded: "Traced") -> "Traced":
        """self * other - rounded, itself rounded once."""
        value = fused(self.builder, "llvm.fma", self.value, other.value, (-rounded).value)
        return Traced(self.builder, value)

    def __and__(self, other: "Traced") -> "Traced":
        return Traced(self.builder, self.builder.and_(self.value, other.value))


def choose(condition: Any, yes: Any, no: Any) -> Any:
    """yes where condition, else no: without a jump, which would keep a loop from vectors."""
    if condition is True or (
        not isinstance(yes, Traced) and not isinstance(no, Traced) and yes == no
    ):
        return yes
    return condition.chosen(yes, no)


def is_there(x: Any) -> Any:
    """Whether a value of the data is not NaN, known beforehand of a whole number."""
    return x[0].whole or x[0].same(x[0])


def finite(x: Any) -> Any:
    """Whether a value of the data is neither NaN nor infinite."""
    return x[0].whole or (x[0] - x[0]).same(0.0)


def with_product(total: Any, a: Any, b: Any) -> Any:
    """total + a * b, rounded once where the machine does that in one instruction."""
    return total.plus_product(a, b)


def fused(
    builder: ir.IRBuilder,
    name: str,
    a: ir.Value,
    b: ir.Value,
    total: ir.Value,
    flags: tuple[str, ...] = (),
) -> Any:
    """a * b + total: rounded once (llvm.fma), or where that is as fast (llvm.fmuladd)."""
    double = ir.DoubleType()
    function = builder.module.declare_intrinsic(
        name, [double], ir.FunctionType(double, [double] * 3)
    )
    return builder.call(function, [a, b, total], fastmath=flags)


def parts(context: Any, builder: ir.IRBuilder, value: ir.Value, kind: Any) -> tuple[Traced, Any]:
    """A value of the data as the two float64 that `shifts` works on."""
    if way_of(kind) is Narrow:
        whole = isinstance(kind, types.Integer)
        return Traced(builder, context.cast(builder, value, kind, types.float64), whole), 0.0
    upper = builder.lshr(value, value.type(32))
    lower = builder.and_(value, value.type(0xFFFFFFFF))
    if not kind.signed:
        return _whole(builder, upper), _whole(builder, lower)
    upper = builder.xor(upper, value.type(1 << 31))  # 2**31 more, whatever the sign
    return _whole(builder, upper, 1 << 31), _whole(builder, lower)


def _whole(builder: ir.IRBuilder, word: ir.Value, more: int = 0) -> Traced:
    """A whole number below 2**32 as float64: the last bits of 2**52, which is taken away again.

    Instructions for this are missing from many machines with vectors.
    """
    bits = builder.or_(word, word.type(WHOLE_BITS))
    number = Traced(builder, builder.bitcast(bits, ir.DoubleType())) - float(2**52 + more)
    number.whole = True
    return number


def float32_of_half(builder: ir.IRBuilder, half: ir.Value) -> ir.Value:
    """The float32 of the bits of a float16, by instructions that every machine has.

    The exponent is moved by 112; of infinities and NaN by 112 more, and of what has none it is
    made one, which is taken away again.
    """
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
    least = builder.icmp_unsigned("==", exponent, word(0))
    return builder.bitcast(builder.or_(builder.select(least, tiny, usual), sign), real)


def way_of(kind: Any) -> type[Narrow] | type[Wide]:
    return Wide if isinstance(kind, types.Integer) and kind.bitwidth == 64 else Narrow


def in_any_order(total: Any, term: Any, factor: Any = 1.0) -> Any:
    """total + term * factor, added in any order of a sum, so that LLVM may keep it in lanes."""
    builder = total.builder
    if isinstance(factor, Traced):
        value = fused(builder, "llvm.fmuladd", term.value, factor.value, total.value, ANY_ORDER)
    else:
        value = builder.fadd(total.value, term.value, flags=ANY_ORDER)
    return Traced(builder, value)
