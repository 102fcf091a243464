"""What every compiled loop shares: formulas as straight-line code, the reassociating add, the merge.

The formulas are written once, in plain arithmetic (`doubledouble`, `shifts`). To have them in a loop they
are called once on values that write down what is done to them: that takes Numba no time at all, where
its own way through ten functions took 2 s of a first call.

Nothing here may be compiled with ``fastmath``, which would undo the error-free transforms. Only
`lane_add` lets the order of a sum go.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import njit
from numba.core import types
from numba.extending import intrinsic

from dasknorm.kernels import doubledouble
from dasknorm.kernels.shifts import Narrow, Wide

__all__ = [
    "compiled", "difference", "entry", "exact", "fold_flat", "gather", "gather_rows", "lane_add", "mean_of", "merge_into", "merged",
    "moved", "origin", "pick", "square_add", "two_sum",
]  # fmt: skip

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

    return types.float64(types.float64, types.float64), codegen


@intrinsic
def square_add(typingctx, q, d):  # type: ignore[no-untyped-def]
    """q + d * d in any order of a sum, in one instruction where the machine has it."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        double = ir.DoubleType()
        function = builder.module.declare_intrinsic("llvm.fmuladd", [double], ir.FunctionType(double, [double] * 3))
        total, factor = args
        return builder.call(function, [factor, factor, total], fastmath=("reassoc", "nsz"))

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


@compiled
def gather(out, flat, start, stride):  # type: ignore[no-untyped-def]
    """Copy elements that lie a stride apart into a contiguous row."""
    for i in range(len(out)):
        out[i] = flat[start + i * stride]


@compiled
def gather_rows(out, flat, start, sizes, strides):  # type: ignore[no-untyped-def]
    """Copy (rows, repeats, kept, run) elements, lying anyhow, into one row."""
    at = 0
    for i in range(sizes[0]):
        for p in range(sizes[1]):
            for k in range(sizes[2]):
                base = start + i * strides[0] + p * strides[1] + k * strides[2]
                for r in range(sizes[3]):
                    out[at] = flat[base + r * strides[3]]
                    at += 1
