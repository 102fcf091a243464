"""What every compiled loop shares: the reassociating add, differences from a shift, and the merge.

No function here, nor any that calls one, may be compiled with ``fastmath``: its flags would follow
the error-free transforms into whatever calls them later. Only `lane_add` lets the order of a sum go.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import float64, int32, njit, uint32, uint64
from numba.core import types
from numba.extending import intrinsic, overload, register_jitable

from dasknorm.kernels import doubledouble
from dasknorm.kernels.doubledouble import add, merged, two_sum

__all__ = ["compiled", "difference", "fold_flat", "gather", "lane_add", "mean_of", "merge_into", "moved", "origin"]

_HALF = 4294967296.0  # 2**32

compiled = njit(nogil=True, error_model="numpy")

for _name in ("quick_two_sum", "two_sum", "two_product", "add", "scaled", "divided", "product", "merged"):
    register_jitable(getattr(doubledouble, _name))


@intrinsic
def lane_add(typingctx, a, b):  # type: ignore[no-untyped-def]
    """a + b in any order of a sum, so that LLVM may keep it in lanes."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.fadd(*args, flags=("reassoc", "nsz"))

    return types.float64(types.float64, types.float64), codegen


def _is_wide(x: Any) -> bool:
    return isinstance(x, types.Integer) and x.bitwidth == 64


def high(x: Any) -> Any:
    """The upper 32 bits of a 64-bit integer."""


def low(x: Any) -> Any:
    """The lower 32 bits of a 64-bit integer."""


@overload(high)
def _high(x):  # type: ignore[no-untyped-def]
    if x == types.uint64:
        return lambda x: float64(uint32(x >> uint64(32)))
    return lambda x: float64(int32(x >> 32))


@overload(low)
def _low(x):  # type: ignore[no-untyped-def]
    return lambda x: float64(uint32(uint64(x) & uint64(0xFFFFFFFF)))


def origin(x: Any) -> Any:
    """A value as a shift: two float64, the second one used by 64-bit integers only."""


def difference(x: Any, a: Any, b: Any) -> Any:
    """x less a shift, rounded once."""



def mean_of(x: Any, a: Any, b: Any, step: Any) -> Any:
    """A shift plus a step as a double-double; x says the dtype."""


@overload(origin)
def _origin(x):  # type: ignore[no-untyped-def]
    if _is_wide(x):
        return lambda x: (high(x), low(x))
    return lambda x: (float64(x), 0.0)


@overload(difference)
def _difference(x, a, b):  # type: ignore[no-untyped-def]
    if _is_wide(x):
        return lambda x, a, b: (high(x) - a) * _HALF + (low(x) - b)
    return lambda x, a, b: float64(x) - a


def moved(x: Any, a: Any, b: Any, step: Any) -> Any:
    """A shift moved by a step; x says the dtype."""


@overload(moved)
def _moved(x, a, b, step):  # type: ignore[no-untyped-def]
    if _is_wide(x):

        def whole(x, a, b, step):  # type: ignore[no-untyped-def]
            upper = np.floor(step / _HALF)
            return a + upper, b + np.rint(step - upper * _HALF)

        return whole
    return lambda x, a, b, step: (a + step, 0.0)


@overload(mean_of)
def _mean_of(x, a, b, step):  # type: ignore[no-untyped-def]
    if _is_wide(x):

        def wide(x, a, b, step):  # type: ignore[no-untyped-def]
            start, rest = two_sum(a * _HALF, b)
            return add(start, rest, step, 0.0)

        return wide
    return lambda x, a, b, step: two_sum(a, step)


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


@compiled
def fold_flat(into, part):  # type: ignore[no-untyped-def]
    """Merge record by record; both are (n, 6) and contiguous."""
    for i in range(len(into)):
        merge_into(into[i], part[i, 0], part[i, 1], part[i, 2], part[i, 3], part[i, 4], part[i, 5])


@compiled
def gather(out, flat, start, stride):  # type: ignore[no-untyped-def]
    """Copy elements that lie a stride apart into a contiguous row."""
    for i in range(len(out)):
        out[i] = flat[start + i * stride]
