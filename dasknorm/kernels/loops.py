"""What every compiled loop shares: formulas as straight-line code, the reassociating add, the merge.

The formulas are written once, in plain arithmetic (`doubledouble`, `shifts`). To have them in a loop they
are called once on values that write down what is done to them: that takes Numba no time at all, where
its own way through ten functions took 2 s of a first call.

Nothing here may be compiled with ``fastmath``, which would undo the error-free transforms. Only
`lane_add` lets the order of a sum go.
"""

import itertools
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import njit
from numba.core import cgutils, types
from numba.extending import intrinsic

from dasknorm.kernels import doubledouble
from dasknorm.kernels.shifts import Narrow, Wide

__all__ = [
    "FIELDS", "LANES", "choose", "compiled", "difference", "entry", "exact", "fold_flat", "gather", "gather_rows", "lane_add", "lane_loop", "mean_of", "merge_into", "merged",
    "moved", "origin", "pick", "rough_difference", "square_add", "two_sum", "with_product",
]  # fmt: skip

LANES = 512
FIELDS = "a b n lost w s e q e_sum q_sum e_rest q_rest count mean mean_rest m2 m2_rest missing".split()

_OPTIONS = {"nogil": True, "error_model": "numpy"}

#: For loops called from Python.
entry = njit(**_OPTIONS)

#: For loops called from loops only: without wrappers for Python they compile in half the time.
compiled = njit(**_OPTIONS, no_cpython_wrapper=True, no_cfunc_wrapper=True)


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
        values = [v.value if isinstance(v, _Traced) else ir.Constant(ir.DoubleType(), v) for v in (yes, no)]
        return _Traced(self.builder, self.builder.select(self.value, *values))

    def plus_product(self, a: "_Traced", b: "_Traced") -> "_Traced":
        """self + a * b."""
        return _Traced(self.builder, _multiply_add(self.builder, a.value, b.value, self.value))

    def __and__(self, other: "_Traced") -> "_Traced":
        return _Traced(self.builder, self.builder.and_(self.value, other.value))


def choose(condition: Any, yes: Any, no: Any) -> Any:
    """yes where condition, else no, in a formula of compiled loops: without a jump, which would keep them from vectors."""
    return condition.chosen(yes, no)


def with_product(total: Any, a: Any, b: Any) -> Any:
    """total + a * b in a formula of compiled loops, rounded once where the machine does that in one instruction."""
    return total.plus_product(a, b)


def _multiply_add(builder: ir.IRBuilder, a: ir.Value, b: ir.Value, total: ir.Value, flags: tuple[str, ...] = ()) -> Any:
    double = ir.DoubleType()
    function = builder.module.declare_intrinsic("llvm.fmuladd", [double], ir.FunctionType(double, [double] * 3))
    return builder.call(function, [a, b, total], fastmath=flags)


def _returned(context: Any, builder: ir.IRBuilder, kind: Any, result: Any) -> Any:
    """A formula's result as Numba's value: a float64 or a tuple of them."""
    if not isinstance(result, tuple):
        return result.value
    zero = ir.Constant(ir.DoubleType(), 0.0)
    return context.make_tuple(builder, kind, [r.value if isinstance(r, _Traced) else zero for r in result])


def _straight(formula: Callable[..., Any], outputs: int) -> Any:
    """A formula on float64 as a function for compiled loops."""

    @intrinsic
    def function(typingctx, *args):  # type: ignore[no-untyped-def]
        kind = types.UniTuple(types.float64, outputs)

        def codegen(context, builder, signature, packed):  # type: ignore[no-untyped-def]
            values = [_Traced(builder, builder.extract_value(packed[0], i)) for i in range(len(args))]
            return _returned(context, builder, kind, formula(*values))

        return kind(types.UniTuple(types.float64, len(args))), codegen

    return function


def _parts(context: Any, builder: ir.IRBuilder, value: ir.Value, kind: Any) -> tuple[_Traced, Any]:
    """A value of the data as the two float64 that `shifts` works on."""
    if _way(kind) is Narrow:
        return _Traced(builder, context.cast(builder, value, kind, types.float64)), 0.0
    word = ir.IntType(32)
    upper = builder.trunc(builder.lshr(value, ir.Constant(value.type, 32)), word)
    high = (builder.sitofp if kind.signed else builder.uitofp)(upper, ir.DoubleType())
    low = builder.uitofp(builder.trunc(value, word), ir.DoubleType())
    return _Traced(builder, high), _Traced(builder, low)


def _way(kind: Any) -> type[Narrow] | type[Wide]:
    return Wide if isinstance(kind, types.Integer) and kind.bitwidth == 64 else Narrow


def _of_value(name: str, inputs: int, outputs: int, takes_value: bool = True) -> Any:
    """A formula of `shifts` as a function of a value of the data, whose dtype chooses the way, and of float64."""

    @intrinsic
    def function(typingctx, x, *args):  # type: ignore[no-untyped-def]
        kind = types.UniTuple(types.float64, outputs) if outputs > 1 else types.float64

        def codegen(context, builder, signature, packed):  # type: ignore[no-untyped-def]
            values = _parts(context, builder, packed[0], x) if takes_value else ()
            others = [_Traced(builder, builder.extract_value(packed[1], i)) for i in range(inputs)]
            result = getattr(_way(x), name)(*values, *others) if name else values
            return _returned(context, builder, kind, result)

        return kind(x, types.UniTuple(types.float64, inputs)), codegen

    return function


merged = _straight(doubledouble.merged, 5)
two_sum = _straight(doubledouble.two_sum, 2)
origin = _of_value("", 0, 2)
exact = _of_value("exact", 0, 2)
difference = _of_value("difference", 2, 1)
moved = _of_value("moved", 3, 2, takes_value=False)
mean_of = _of_value("mean", 3, 2, takes_value=False)


@intrinsic
def lane_add(typingctx, a, b):  # type: ignore[no-untyped-def]
    """a + b in any order of a sum, so that LLVM may keep it in lanes."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.fadd(*args, flags=("reassoc", "nsz"))

    return a(a, a), codegen


@intrinsic
def rough_difference(typingctx, x, shift):  # type: ignore[no-untyped-def]
    """x less another value, in float64; for float32 in float32, which is enough to come near a mean."""
    kind = x if x == types.float32 else types.float64

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        if kind == types.float32:
            return builder.fsub(*args)
        values = (_parts(context, builder, arg, x) for arg in args)
        return _way(x).difference(*itertools.chain(*values)).value

    return kind(x, x), codegen


@intrinsic
def square_add(typingctx, q, d):  # type: ignore[no-untyped-def]
    """q + d * d in any order of a sum, in one instruction where the machine has it."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        total, factor = args
        return _multiply_add(builder, factor, factor, total, ("reassoc", "nsz"))

    return types.float64(types.float64, types.float64), codegen


@intrinsic
def pick(typingctx, condition, yes, no):  # type: ignore[no-untyped-def]
    """yes if condition else no, without a jump, which would keep a loop from vectors."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.select(*args)

    return types.float64(types.boolean, types.float64, types.float64), codegen


@compiled
def merge_into(record, count, mean, mean_rest, m2, m2_rest, missing):  # type: ignore[no-untyped-def]
    """Merge a summary into a record, a row of six float64."""
    record[5] += missing
    if count == 0.0:
        return
    if record[0] != 0.0:
        count, mean, mean_rest, m2, m2_rest = merged(
            record[0], record[1], record[2], record[3], record[4], count, mean, mean_rest, m2, m2_rest
        )
    record[0] = count
    record[1] = mean
    record[2] = mean_rest
    record[3] = m2
    record[4] = m2_rest


@entry
def fold_flat(into, part):  # type: ignore[no-untyped-def]
    """Merge record by record; both are (n, 6) and contiguous."""
    for i in range(len(into)):
        merge_into(into[i], part[i, 0], part[i, 1], part[i, 2], part[i, 3], part[i, 4], part[i, 5])


def lane_loop(formula: Callable[..., Any], reads: str, writes: str, rows: int = 0) -> Any:
    """A loop over lanes: some fields of each become a formula of some fields and of rows of data.

    In a compiled loop it is called as ``loop(t, width, x, start, step)``; rows begin at
    x[start], x[start + step] and so on. Fields lie a constant LANES apart in t: distances known to LLVM need no
    check for overlap, and beyond eight such checks it gives up on vectors.
    """

    @intrinsic
    def loop(typingctx, t, width, x, start, step):  # type: ignore[no-untyped-def]
        way = _way(x.dtype)

        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            fields, data = (context.make_array(signature.args[i])(context, builder, args[i]).data for i in (0, 2))
            starts = [builder.gep(data, [args[3]], inbounds=True)]
            for _ in range(1, rows):
                starts.append(builder.gep(starts[-1], [args[4]], inbounds=True))
            with cgutils.for_range(builder, args[1]) as lanes:
                j = lanes.index

                def place(field: str) -> Any:
                    return builder.gep(fields, [builder.add(j, j.type(FIELDS.index(field) * LANES))], inbounds=True)

                inputs = [_Traced(builder, builder.load(place(field))) for field in reads.split()]
                values = [builder.load(builder.gep(row, [j], inbounds=True)) for row in starts[:rows]]
                results = formula(way, *inputs, *(_parts(context, builder, value, x.dtype) for value in values))
                for field, result in zip(writes.split(), results, strict=True):
                    value = result.value if isinstance(result, _Traced) else ir.Constant(ir.DoubleType(), result)
                    builder.store(value, place(field))
            return context.get_dummy_value()

        return types.void(t, types.intp, x, types.intp, types.intp), codegen

    return loop


@compiled
def gather(out, flat, start, stride):  # type: ignore[no-untyped-def]
    """Copy elements that lie a stride apart into a contiguous row."""
    for i in range(len(out)):
        out[i] = flat[start + i * stride]


@compiled
def gather_rows(out, flat, start, rows, repeats, kept, run, strides):  # type: ignore[no-untyped-def]
    """Copy rows of (repeats, kept, run) elements, lying anyhow, into one row; repeats are rows too."""
    at = 0
    for i in range(rows * repeats):
        for k in range(kept):
            base = start + i * strides[0] + k * strides[1]
            for r in range(run):
                out[at] = flat[base + r * strides[2]]
                at += 1
