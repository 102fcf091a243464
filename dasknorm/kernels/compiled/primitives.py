"""Functions that compiled loops share: formulas, reassociating sums, the merge, the gather.

Used by kernels. Change a function here together with its counterpart in `in_numpy`.
"""

# mypy: disable-error-code="no-untyped-def, call-arg"
# Numba infers the types of the functions below from their arguments, and passes the typing context
# to intrinsics.

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir
from numba import njit
from numba.core import cgutils, types
from numba.extending import intrinsic

from dasknorm.kernels import arithmetic
from dasknorm.kernels.compiled.codegen import float32_from_half, traced_function, value_function

CACHE_LINE = 64  # bytes

R = TypeVar("R")


def entry(function: Callable[..., R]) -> Callable[..., R]:
    """Compile a loop that is called from Python, and keep the machine code on disk."""
    # Compiling takes one to two seconds a dtype; from disk, it takes hundredths.
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # "cannot cache function: no locator available"
        return njit(**options)(function)


#: For loops called from loops only: without wrappers for Python they compile in half the time.
compiled = njit(  # type: ignore[call-overload]  # Numba's stub lacks the last two options
    nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True
)

#: For large loops called at one place, which LLVM would otherwise optimize at every level.
inlined = njit(nogil=True, error_model="numpy", inline="always")

merge_moments = traced_function(arithmetic.merge_moments, 5)
two_sum = traced_function(arithmetic.two_sum, 2)
origin = value_function("", 0, 2)
exact = value_function("exact", 0, 2)
difference = value_function("difference", 2, 1)
exact_difference = value_function("exact_difference", 2, 2)
move_shift = value_function("move_shift", 3, 2, takes_value=False)
mean_from = value_function("mean", 3, 2, takes_value=False)


@intrinsic
def lane_add(typingctx, a, b):
    """Return a + b in any order of a sum, so that LLVM may keep it in lanes."""

    def codegen(context, builder, signature, args):
        return builder.fadd(*args, flags=("reassoc", "nsz"))

    return a(a, a), codegen


@intrinsic
def select(typingctx, condition, yes, no):
    """Return yes if condition, else no: without a jump, which would prevent vectors."""

    def codegen(context, builder, signature, args):
        return builder.select(*args)

    return types.float64(types.boolean, types.float64, types.float64), codegen


@intrinsic
def prefetch(typingctx, x, start, size):
    """Ask for the memory of elements that will be needed soon; they need not exist."""

    def codegen(context, builder, signature, args):
        data = context.make_array(x)(context, builder, args[0]).data
        byte = ir.IntType(8).as_pointer()
        first = builder.bitcast(builder.gep(data, [args[1]]), byte)
        lines = builder.sdiv(args[2], args[2].type(CACHE_LINE * 8 // x.dtype.bitwidth))
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        with cgutils.for_range(builder, lines) as line:
            address = builder.gep(first, [builder.mul(line.index, line.index.type(CACHE_LINE))])
            builder.call(function, [address, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(x, types.intp, types.intp), codegen


@compiled
def is_near(count, e, q):
    """Return whether a shift is at most one standard deviation from the mean."""
    # At most half of q is then subtracted from it, so that its error counts twice at most.
    return e * e <= 0.5 * q * count and q < np.inf


@compiled
def merge_into(record, count, mean, mean_rest, m2, m2_rest, missing):
    """Merge a summary into a record, a row of six float64."""
    record[5] += missing
    if count == 0.0:
        return
    if record[0] != 0.0:
        count, mean, mean_rest, m2, m2_rest = merge_moments(
            record[0], record[1], record[2], record[3], record[4],
            count, mean, mean_rest, m2, m2_rest,
        )  # fmt: skip
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


@intrinsic
def _convert(typingctx, x, out):
    """Return an element as it is; 16 bits for a float32 array are a float16, and converted."""
    half = x == types.uint16 and out.dtype == types.float32

    def codegen(context, builder, signature, args):
        return float32_from_half(builder, args[0]) if half else args[0]

    return (types.float32 if half else x)(x, out), codegen


@compiled
def gather(out, flat, start, stride):
    """Copy elements that lie a stride apart into a contiguous row."""
    if stride == 1:
        adjacent = flat[start : start + len(out)]
        for i in range(len(out)):
            out[i] = _convert(adjacent[i], out)
    else:
        for i in range(len(out)):
            out[i] = _convert(flat[start + i * stride], out)


@compiled
def gather_rows(out, flat, start, rows, repeats, kept, run, strides):
    """Copy rows of (repeats, kept, run) elements into one row; repeats are rows too."""
    step = strides[2]
    line = kept
    if run == 1:  # the kept axis is the innermost then, and copied by one loop
        step = strides[1]
        run = kept
        line = 1
    position = 0
    for i in range(rows * repeats):
        for k in range(line):
            row = start + i * strides[0] + k * strides[1]
            gather(out[position : position + run], flat, row, step)
            position += run


@compiled
def move_if_finite(first, a, b, step):
    """Return a shift moved by a step, unless that is infinite or NaN."""
    return move_shift(first, a, b, step if step - step == 0.0 else 0.0)


@compiled
def merge_tile(record, first, a, b, count, missing, e, q, q_rest):
    """Merge sums around a shift by the corrected two-pass formula."""
    divisor = count if count > 0.0 else 1.0
    m2 = (q + q_rest) - e * e / divisor
    mean, mean_rest = mean_from(first, a, b, e / divisor)
    merge_into(record, count, mean, mean_rest, 0.0 if m2 < 0.0 else m2, 0.0, missing)


@compiled
def count_joined_runs(target, p, run, tile):
    """Count the runs from p on that follow each other, are of one record, and fit in a tile."""
    joined = 1
    while (
        p + joined < len(target.places)
        and target.places[p + joined] == target.places[p]
        and (joined + 1) * run <= tile
    ):
        joined += 1
    return joined
