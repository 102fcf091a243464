"""What is done to lanes, the positions of a row side by side: formulas, and loops made of them.

A loop is called as ``loop(t, width, x, start, step)``: t holds the fields of all lanes, and rows
begin at x[start], x[start + step] and so on.
"""

# mypy: disable-error-code="no-untyped-def"

from typing import Any

from dasknorm.kernels.compiled.codegen import lane_loop, weighted_lane_loop
from dasknorm.kernels.compiled.tracer import choose, finite, is_there, with_product
from dasknorm.kernels.doubledouble import merged, two_sum

__all__ = [
    "MANY",
    "by_row_first",
    "by_row_of_many",
    "by_row_second",
    "clear",
    "close",
    "first",
    "flush",
    "flush_weights",
    "move",
    "only",
    "present",
    "present_of_many",
    "second",
    "second_of_many",
    "start",
    "weighted_first",
    "weighted_second",
]

MANY = 8  # rows read at a time: sums are loaded and stored once for all of them


def _first(way: Any, a: Any, b: Any, n: Any, s: Any, x: Any) -> Any:
    """One row of a first reading, and its values as shifts where no row before had a finite one.

    Shifts are 0 until then, and adding sets them, four times as fast as choosing.
    """
    valid, new = finite(x), n.same(0.0)
    a, b = (
        old + choose(valid, choose(new, part, 0.0), 0.0)
        for old, part in zip((a, b), x, strict=True)
    )
    return a, b, n + choose(valid, 1.0, 0.0), s + choose(valid, way.difference(*x, a, b), 0.0)


def _pairwise(terms: list[Any]) -> Any:
    half = len(terms) // 2
    return terms[0] if not half else _pairwise(terms[:half]) + _pairwise(terms[half:])


def _move(way: Any, a: Any, b: Any, n: Any, s: Any) -> Any:
    """From the first reading to the second: shift by the mean if it is finite; empty the sums."""
    step = s / choose(n > 0.0, n, 1.0)
    step = choose((step - step).same(0.0), step, 0.0)
    return *way.moved(a, b, step), *(0.0,) * 10


def _second(way: Any, e: Any, q: Any, a: Any, b: Any, *rows: Any) -> Any:
    """One row, or several, of the second reading; NaN where a value is missing."""
    return _summed(e, q, [way.difference(*x, a, b) for x in rows])


def _second_of_present(way: Any, e: Any, q: Any, lost: Any, a: Any, b: Any, *rows: Any) -> Any:
    """The same of what is there, and how many are not; shifts are finite."""
    d = [way.difference(*x, a, b) for x in rows]
    ok = [each.same(each) for each in d]
    absent = _pairwise([choose(each, 0.0, 1.0) for each in ok])
    d = [choose(one, each, 0.0) for one, each in zip(ok, d, strict=True)]
    return *_summed(e, q, d), lost + absent


def _summed(e: Any, q: Any, d: list[Any]) -> Any:
    squares = [
        with_product(left * left, right, right)
        for left, right in zip(d[::2], d[1::2], strict=False)
    ]
    return e + _pairwise(d), q + _pairwise(squares or [d[0] * d[0]])


def _flush(way: Any, e: Any, q: Any, e_sum: Any, q_sum: Any, e_rest: Any, q_rest: Any) -> Any:
    """Add the plain sums of a block of rows to the error-free ones."""
    e_sum, e = two_sum(e_sum, e)
    q_sum, q = two_sum(q_sum, q)
    return 0.0, 0.0, e_sum, q_sum, e_rest + e, q_rest + q


def _close(
    way: Any, a: Any, b: Any, n: Any, lost: Any, e: Any, q: Any, e_rest: Any, q_rest: Any, *old: Any
) -> Any:
    """Merge the tile, by the corrected two-pass formula, into what the lane remembers."""
    *former, missing = old
    e = e + e_rest
    divisor = choose(n > 0.0, n, 1.0)
    m2 = (q + q_rest) - e * e / divisor
    m2 = choose(m2 < 0.0, 0.0, m2)
    new = (n, *way.mean(a, b, e / divisor), m2, 0.0)
    nothing, first = n.same(0.0), former[0].same(0.0)
    both = merged(*former, *new)
    return (
        both[0],
        *(
            choose(nothing, o, choose(first, t, m))
            for o, t, m in zip(former[1:], new[1:], both[1:], strict=True)
        ),
        missing + lost,
    )


def _weighted_difference(way: Any, a: Any, b: Any, w: Any, x: Any) -> Any:
    return choose(_both(is_there(x), w > 0.0), way.difference(*x, a, b), 0.0)


def _both(one: Any, other: Any) -> Any:
    return other if one is True else one & other


def _weighted_first(way: Any, a: Any, b: Any, n: Any, s: Any, w: Any, x: Any) -> Any:
    valid, new = choose(finite(x), w, 0.0), n.same(0.0)
    there = valid > 0.0
    a, b = (
        old + choose(there, choose(new, part, 0.0), 0.0)
        for old, part in zip((a, b), x, strict=True)
    )
    return a, b, n + valid, s + w * choose(there, way.difference(*x, a, b), 0.0)


def _weighted_second(
    way: Any, e: Any, q: Any, n: Any, lost: Any, a: Any, b: Any, w: Any, x: Any
) -> Any:
    d = _weighted_difference(way, a, b, w, x)
    wd = w * d
    valid = choose(is_there(x), w, 0.0)
    return e + wd, with_product(q, wd, d), n + valid, lost + (w - valid)


def _only(way: Any, x: Any) -> Any:
    """A row alone in its tile: shifts are its values, and sums 0, or NaN of what is infinite."""
    there = is_there(x)
    nought = choose(there, x[0] - x[0], 0.0)
    high, low = (choose(there, part, 0.0) for part in x)
    return (
        *(high, low, choose(there, 1.0, 0.0), choose(there, 0.0, 1.0), nought),
        *(0.0, 0.0, 0.0),
    )


only = lane_loop(_only, "", "a b n lost e_sum q_sum e_rest q_rest", 1)


def _flush_weights(way: Any, n: Any, n_sum: Any, n_rest: Any) -> Any:
    """Add plain sums of weights to those free of error: a mean moves by what they are off."""
    n_sum, n = two_sum(n_sum, n)
    return 0.0, n_sum, n_rest + n


def _by_row_first(way: Any, a: Any, b: Any, n: Any, s: Any, row: Any) -> Any:
    x, w = row
    return _weighted_first(way, a, b, n, s, w, x)


def _by_row_second(way: Any, e: Any, q: Any, n: Any, lost: Any, a: Any, b: Any, *rows: Any) -> Any:
    """Several rows, each of one weight."""
    found = [is_there(x) for x, _ in rows]
    d = [_weighted_difference(way, a, b, w, x) for x, w in rows]
    valid = [choose(there, w, 0.0) for there, (_, w) in zip(found, rows, strict=True)]
    wd = [w * each for each, (_, w) in zip(d, rows, strict=True)]
    squares = [with_product(wd[i] * d[i], wd[i + 1], d[i + 1]) for i in range(0, len(rows) - 1, 2)]
    absent = [w - one for one, (_, w) in zip(valid, rows, strict=True)]
    return (
        e + _pairwise(wd),
        q + _pairwise(squares or [wd[0] * d[0]]),
        n + _pairwise(valid),
        lost if found[0] is True else lost + _pairwise(absent),
    )


clear = lane_loop(lambda way: (0.0,) * 4, "", "a b n s")
first = lane_loop(_first, "a b n s", "a b n s", 1)
move = lane_loop(_move, "a b n s", "a b n lost e q e_sum q_sum e_rest q_rest n_sum n_rest")
second = lane_loop(_second, "e q a b", "e q", 1)
second_of_many = lane_loop(_second, "e q a b", "e q", MANY)
present = lane_loop(_second_of_present, "e q lost a b", "e q lost", 1)
present_of_many = lane_loop(_second_of_present, "e q lost a b", "e q lost", MANY)
start = lane_loop(lambda way: (0.0, 0.0), "", "e q")
flush = lane_loop(_flush, "e q e_sum q_sum e_rest q_rest", "e q e_sum q_sum e_rest q_rest")
close = lane_loop(
    _close,
    "a b n lost e_sum q_sum e_rest q_rest count mean mean_rest m2 m2_rest missing",
    "count mean mean_rest m2 m2_rest missing",
)
weighted_first = lane_loop(_weighted_first, "a b n s w", "a b n s", 1)
weighted_second = lane_loop(_weighted_second, "e q n lost a b w", "e q n lost", 1)
flush_weights = lane_loop(_flush_weights, "n n_sum n_rest", "n n_sum n_rest")
by_row_first = weighted_lane_loop(_by_row_first, "a b n s", "a b n s", 1)
by_row_second = weighted_lane_loop(_by_row_second, "e q n lost a b", "e q n lost", 1)
by_row_of_many = weighted_lane_loop(_by_row_second, "e q n lost a b", "e q n lost", MANY)
