"""What compiled loops share: formulas on float64, reassociating sums, the merge, the gather."""

# mypy: disable-error-code="no-untyped-def"
# Numba types the functions below, by what they are called with.

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit
from numba.core import cgutils, types
from numba.extending import intrinsic

from dasknorm.kernels import doubledouble
from dasknorm.kernels.compiled.codegen import of_value, straight
from dasknorm.kernels.compiled.tracer import float32_of_half

__all__ = [
    *(
        "apart",
        "compiled",
        "difference",
        "entry",
        "exact",
        "fold_flat",
        "gather",
        "gather_rows",
        "is_near",
    ),
    *("lane_add", "mean_of", "merge_into", "merge_tile", "moved", "origin", "pick", "prefetch"),
    *("runs_together", "towards", "two_sum"),
]


CACHE_LINE = 64


def entry(function: Callable[..., Any]) -> Any:
    """Compile a loop that is called from Python, and keep the machine code on disk.

    Compiling takes one to two seconds a dtype; from disk, it takes hundredths. Numba keeps the code
    beside this file, or in the user's cache folder; where it can write neither, it compiles anew.
    """
    options = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # "cannot cache function: no locator available"
        return njit(**options)(function)


#: For loops called from loops only: without wrappers for Python they compile in half the time.
compiled = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)

#: The same for large loops called at one place, which LLVM would else go through at every level.
inlined = njit(nogil=True, error_model="numpy", inline="always")

merged = straight(doubledouble.merged, 5)
two_sum = straight(doubledouble.two_sum, 2)
origin = of_value("", 0, 2)
exact = of_value("exact", 0, 2)
difference = of_value("difference", 2, 1)
apart = of_value("apart", 2, 2)
moved = of_value("moved", 3, 2, takes_value=False)
mean_of = of_value("mean", 3, 2, takes_value=False)


@intrinsic
def lane_add(typingctx, a, b):
    """a + b in any order of a sum, so that LLVM may keep it in lanes."""

    def codegen(context, builder, signature, args):
        return builder.fadd(*args, flags=("reassoc", "nsz"))

    return a(a, a), codegen


@intrinsic
def pick(typingctx, condition, yes, no):
    """yes if condition else no, without a jump, which would keep a loop from vectors."""

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
            place = builder.gep(first, [builder.mul(line.index, line.index.type(CACHE_LINE))])
            builder.call(function, [place, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(x, types.intp, types.intp), codegen


@compiled
def is_near(count, e, q):
    """Whether sums around a shift are good ones: it is at most one standard deviation off.

    At most half of q is then taken away from it, so that its error counts twice at most.
    """
    return e * e <= 0.5 * q * count and q < np.inf


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


@intrinsic
def _as_kind(typingctx, x, out):
    """An element as it is; of 16 bits where float32 is wanted, as the float16 that they are."""
    half = x == types.uint16 and out.dtype == types.float32

    def codegen(context, builder, signature, args):
        return float32_of_half(builder, args[0]) if half else args[0]

    return (types.float32 if half else x)(x, out), codegen


@compiled
def gather(out, flat, start, stride):
    """Copy elements that lie a stride apart into a contiguous row."""
    if stride == 1:
        touching = flat[start : start + len(out)]
        for i in range(len(out)):
            out[i] = _as_kind(touching[i], out)
    else:
        for i in range(len(out)):
            out[i] = _as_kind(flat[start + i * stride], out)


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


@compiled
def towards(first, a, b, step):
    """A shift moved by a step, unless that is infinite or NaN."""
    return moved(first, a, b, step if step - step == 0.0 else 0.0)


@compiled
def merge_tile(record, first, a, b, count, lost, e, q, q_rest):
    """Merge sums around a shift by the corrected two-pass formula."""
    divisor = count if count > 0.0 else 1.0
    m2 = (q + q_rest) - e * e / divisor
    mean, mean_rest = mean_of(first, a, b, e / divisor)
    merge_into(record, count, mean, mean_rest, 0.0 if m2 < 0.0 else m2, 0.0, lost)


@compiled
def runs_together(target, p, run, most):
    """Count the runs from one on that follow each other, are of one record, and fit in a tile."""
    some = 1
    while (
        p + some < len(target.places)
        and target.places[p + some] == target.places[p]
        and (some + 1) * run <= most
    ):
        some += 1
    return some
