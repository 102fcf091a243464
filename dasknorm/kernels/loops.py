"""What compiled loops share: formulas on float64, reassociating sums, the merge, the gather."""

# mypy: disable-error-code="no-untyped-def"
# Numba types the functions below, by what they are called with.

import itertools
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import njit
from numba.core import types
from numba.extending import intrinsic

from dasknorm.kernels import doubledouble
from dasknorm.kernels.tracing import multiply_add, of_value, parts, straight, way_of

__all__ = [
    *("compiled", "difference", "entry", "exact", "fold_flat", "gather", "gather_rows", "lane_add"),
    *("mean_of", "merge_into", "moved", "origin", "pick", "prefetch", "rough_difference"),
    *("square_add", "two_sum"),
]


def entry(function: Callable[..., Any]) -> Any:
    """Compile a loop that is called from Python, and keep the machine code on disk.

    Compiling takes one to two seconds a dtype; from disk, it takes hundredths. Numba keeps the code
    beside this file, or in the user's cache folder; where it can write neither, it compiles anew.
    """
    options = {"nogil": True, "error_model": "numpy"}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # "cannot cache function: no locator available"
        return njit(**options)(function)


#: For loops called from loops only: without wrappers for Python they compile in half the time.
compiled = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)

merged = straight(doubledouble.merged, 5)
two_sum = straight(doubledouble.two_sum, 2)
origin = of_value("", 0, 2)
exact = of_value("exact", 0, 2)
difference = of_value("difference", 2, 1)
moved = of_value("moved", 3, 2, takes_value=False)
mean_of = of_value("mean", 3, 2, takes_value=False)


@intrinsic
def lane_add(typingctx, a, b):
    """a + b in any order of a sum, so that LLVM may keep it in lanes."""

    def codegen(context, builder, signature, args):
        return builder.fadd(*args, flags=("reassoc", "nsz"))

    return a(a, a), codegen


@intrinsic
def rough_difference(typingctx, x, shift):
    """x less another value, in float64; for float32 in float32: enough to come near a mean."""
    kind = x if x == types.float32 else types.float64

    def codegen(context, builder, signature, args):
        if kind == types.float32:
            return builder.fsub(*args)
        values = (parts(context, builder, arg, x) for arg in args)
        return way_of(x).difference(*itertools.chain(*values)).value

    return kind(x, x), codegen


@intrinsic
def square_add(typingctx, q, d):
    """q + d * d in any order of a sum, in one instruction where the machine has it."""

    def codegen(context, builder, signature, args):
        total, factor = args
        return multiply_add(builder, factor, factor, total, ("reassoc", "nsz"))

    return types.float64(types.float64, types.float64), codegen


@intrinsic
def pick(typingctx, condition, yes, no):
    """yes if condition else no, without a jump, which would keep a loop from vectors."""

    def codegen(context, builder, signature, args):
        return builder.select(*args)

    return types.float64(types.boolean, types.float64, types.float64), codegen


@intrinsic
def prefetch(typingctx, x, i):
    """Ask for the cache line of an element that will be needed soon; it need not exist."""

    def codegen(context, builder, signature, args):
        data = context.make_array(x)(context, builder, args[0]).data
        place = builder.bitcast(builder.gep(data, [args[1]]), ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, word, word, word])
        function = builder.module.declare_intrinsic("llvm.prefetch", [place.type], kind)
        builder.call(function, [place, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(x, types.intp), codegen


@compiled
def merge_into(record, count, mean, mean_rest, m2, m2_rest, missing):
    """Merge a summary into a record, a row of six float64."""
    record[5] += missing
    if count == 0.0:
        return
    if record[0] != 0.0:
        count, mean, mean_rest, m2, m2_rest = merged(
            record[0],
            record[1],
            record[2],
            record[3],
            record[4],
            count,
            mean,
            mean_rest,
            m2,
            m2_rest,
        )
    record[0] = count
    record[1] = mean
    record[2] = mean_rest
    record[3] = m2
    record[4] = m2_rest


@entry
def fold_flat(into, part):
    """Merge record by record; both are (n, 6) and contiguous."""
    for i in range(len(into)):
        merge_into(into[i], part[i, 0], part[i, 1], part[i, 2], part[i, 3], part[i, 4], part[i, 5])


@compiled
def gather(out, flat, start, stride):
    """Copy elements that lie a stride apart into a contiguous row."""
    for i in range(len(out)):
        out[i] = flat[start + i * stride]


@compiled
def gather_rows(out, flat, start, rows, repeats, kept, run, strides):
    """Copy rows of (repeats, kept, run) elements into one row; repeats are rows too."""
    step = strides[2]
    line = kept
    if run == 1:  # kept positions are the innermost then, and copied by one loop
        step = strides[1]
        run = kept
        line = 1
    at = 0
    for i in range(rows * repeats):
        for k in range(line):
            gather(out[at : at + run], flat, start + i * strides[0] + k * strides[1], step)
            at += run
