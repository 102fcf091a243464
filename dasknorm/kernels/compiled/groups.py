"""Compiled sums by group: values in any order, each added to the sums of its group.

Used by kernels.block_moments. The sums may be changed freely.

Sums are taken around the first value of a group, or the value of most weight, and are compensated
(Neumaier 1974; Ogita, Rump & Oishi 2005), so that it does not matter how far that value is from the
mean: the digits lost by subtracting the square of a sum from a sum of squares are in the rests.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba infers the types of the functions below from their arguments.

from dasknorm.kernels import arithmetic
from dasknorm.kernels.arithmetic import Number
from dasknorm.kernels.compiled.codegen import traced_function
from dasknorm.kernels.compiled.primitives import (
    entry,
    exact_difference,
    mean_from,
    merge_into,
    origin,
    two_sum,
)

SUMS = 9  # of a group: its shift in two parts; count, sum and squares with their rests; missing
A, B, N, N_REST, E, E_REST, Q, Q_REST, MISSING = range(SUMS)


def _summary(
    n: Number, n_rest: Number, e: Number, e_rest: Number, q: Number, q_rest: Number
) -> Number:
    """Return count, the difference of the mean from the shift, and m2."""
    count, count_rest = arithmetic.quick_two_sum(n, n_rest)
    e, e_rest = arithmetic.quick_two_sum(e, e_rest)
    step, step_rest = arithmetic.divide(e, e_rest, count)
    step, step_rest = arithmetic.quick_two_sum(step, step_rest - step * (count_rest / count))
    h, h_rest = arithmetic.multiply(e, e_rest, step, step_rest)
    q, q_rest = arithmetic.quick_two_sum(q, q_rest)
    m2, m2_rest = arithmetic.add(q, q_rest, -h, -h_rest)
    return count, step, step_rest, m2, m2_rest


summary = traced_function(_summary, 5)
two_product = traced_function(arithmetic.two_product, 2)
plus = traced_function(arithmetic.add, 2)


@entry
def choose_shifts(sums, x, codes, weights):
    """Make the value of most weight in each group its shift, and leave that weight in N."""
    for i in range(len(codes)):
        if codes[i] < 0 or x[i] != x[i]:
            continue
        group = sums[codes[i]]
        if weights[i] > group[N]:
            group[N] = weights[i]
            group[A], group[B] = origin(x[i])


@entry
def add(sums, x, codes, weights):
    """Add values to the sums of their groups; with weights, the groups have shifts already."""
    for i in range(len(codes)):
        if codes[i] < 0:
            continue
        group = sums[codes[i]]
        value = x[i]
        w = 1.0 if weights is None else weights[i]
        if value != value:
            group[MISSING] += w
            continue
        if w == 0.0:
            continue
        if weights is None and group[N] == 0.0:
            group[A], group[B] = origin(value)
        d, d_rest = exact_difference(value, group[A], group[B])
        wd, wd_rest = d, d_rest
        if weights is not None:
            wd, wd_rest = two_product(d, w)
            wd_rest += d_rest * w
        square, square_rest = two_product(wd, d)
        group[N], error = two_sum(group[N], w)
        group[N_REST] += error
        group[E], error = two_sum(group[E], wd)
        group[E_REST] += error + wd_rest
        group[Q], error = two_sum(group[Q], square)
        group[Q_REST] += error + (square_rest + (wd * d_rest + wd_rest * d))


@entry
def add_to_records(records, sums, example):
    """Merge the sums of each group into its record; `example` has the dtype of the values."""
    for i in range(len(records)):
        group = sums[i]
        if group[N] == 0.0:
            records[i, 5] += group[MISSING]
            continue
        count, step, step_rest, m2, m2_rest = summary(
            group[N], group[N_REST], group[E], group[E_REST], group[Q], group[Q_REST]
        )
        mean, mean_rest = mean_from(example, group[A], group[B], step)
        mean, mean_rest = plus(mean, mean_rest, step_rest, 0.0)
        if m2 < 0.0:
            m2 = m2_rest = 0.0
        merge_into(records[i], count, mean, mean_rest, m2, m2_rest, group[MISSING])
