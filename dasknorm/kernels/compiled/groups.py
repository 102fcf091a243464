"""Compiled loops by group: values in any order, each added to the sums of its own group, or mapped.

Sums are taken around the first value of a group, or the one of most weight, and are compensated
(Neumaier 1974; Ogita, Rump & Oishi 2005), so that it is of no account how far that value is from
the mean: what is lost by taking the square of a sum from a sum of squares is there in the rests.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types the functions below, by what they are called with.

from typing import Any

from dasknorm.kernels import doubledouble
from dasknorm.kernels.compiled.affine import BACK, OVER, back, over, times
from dasknorm.kernels.compiled.codegen import straight
from dasknorm.kernels.compiled.primitives import apart, entry, mean_of, merge_into, origin, two_sum

__all__ = ["SUMS", "N", "add", "anchor", "map_values", "settle"]

SUMS = 9
"""Of each group: its shift in two parts; count, sum and squares with their rests; what is lost."""

A, B, N, N_REST, E, E_REST, Q, Q_REST, LOST = range(SUMS)


def _settled(n: Any, n_rest: Any, e: Any, e_rest: Any, q: Any, q_rest: Any) -> Any:
    """Count, how far the mean is from the shift, and m2."""
    count, count_rest = doubledouble.quick_two_sum(n, n_rest)
    e, e_rest = doubledouble.quick_two_sum(e, e_rest)
    step, step_rest = doubledouble.divided(e, e_rest, count)
    step, step_rest = doubledouble.quick_two_sum(step, step_rest - step * (count_rest / count))
    h, h_rest = doubledouble.product(e, e_rest, step, step_rest)
    q, q_rest = doubledouble.quick_two_sum(q, q_rest)
    m2, m2_rest = doubledouble.add(q, q_rest, -h, -h_rest)
    return count, step, step_rest, m2, m2_rest


settled = straight(_settled, 5)
two_product = straight(doubledouble.two_product, 2)
plus = straight(doubledouble.add, 2)


@entry
def anchor(sums, x, codes, weights):
    """Take for the shift of each group its value of most weight, which is left in N.

    The first one may weigh next to nothing, and be as far from the mean as can be.
    """
    for i in range(len(codes)):
        if codes[i] < 0 or x[i] != x[i]:
            continue
        own = sums[codes[i]]
        if weights[i] > own[N]:
            own[N] = weights[i]
            own[A], own[B] = origin(x[i])


@entry
def add(sums, x, codes, weights):
    """Add values to the sums of their groups; a code below 0 is no group's.

    With weights, the groups have their shifts already.
    """
    for i in range(len(codes)):
        if codes[i] < 0:
            continue
        own = sums[codes[i]]
        value = x[i]
        w = 1.0 if weights is None else weights[i]
        if value != value:
            own[LOST] += w
            continue
        if w == 0.0:
            continue
        if weights is None and own[N] == 0.0:
            own[A], own[B] = origin(value)
        d, d_rest = apart(value, own[A], own[B])
        wd, wd_rest = d, d_rest
        if weights is not None:
            wd, wd_rest = two_product(d, w)
            wd_rest += d_rest * w
        square, square_rest = two_product(wd, d)
        own[N], rest = two_sum(own[N], w)
        own[N_REST] += rest
        own[E], rest = two_sum(own[E], wd)
        own[E_REST] += rest + wd_rest
        own[Q], rest = two_sum(own[Q], square)
        own[Q_REST] += rest + (square_rest + (wd * d_rest + wd_rest * d))


@entry
def settle(records, sums, kind):
    """Merge the sums of each group into its record; `kind` is of the dtype of the values."""
    for group in range(len(records)):
        own = sums[group]
        if own[N] == 0.0:
            records[group, 5] += own[LOST]
            continue
        count, step, step_rest, m2, m2_rest = settled(
            own[N], own[N_REST], own[E], own[E_REST], own[Q], own[Q_REST]
        )
        mean, mean_rest = mean_of(kind, own[A], own[B], step)
        mean, mean_rest = plus(mean, mean_rest, step_rest, 0.0)
        if m2 < 0.0:
            m2 = m2_rest = 0.0
        merge_into(records[group], count, mean, mean_rest, m2, m2_rest, own[LOST])


@entry
def map_values(out, x, what, affine, codes):
    """Map values with the shift and scale of their groups; codes below 0 count from the end."""
    for i in range(len(codes)):
        shift, rest, scale = affine[codes[i], 0], affine[codes[i], 1], affine[codes[i], 2]
        if what == OVER:
            out[i] = over(x[i], shift, rest, scale)
        elif what == BACK:
            out[i] = back(x[i], shift, rest, scale)
        else:
            out[i] = times(x[i], shift, rest, scale)
