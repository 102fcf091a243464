"""Formulas and loops over lanes: adjacent elements of a row that are processed together.

Used by kernels.compiled.rows. Formulas may be changed freely; fields are those of `codegen.FIELDS`.

A loop is called as ``loop(t, width, x, start, step)``: t holds the fields of all lanes
(`codegen.FIELDS`), and rows begin at x[start], x[start + step] and so on. Weighted loops of rows
are called as ``loop(t, width, x, start, step, w, w_start, w_step)``. Why this is not plain
``@njit`` code is measured in `codegen`.
"""

from dasknorm.kernels.arithmetic import Form, Number, merge_moments, two_sum
from dasknorm.kernels.compiled.codegen import (
    add_product,
    choose,
    is_finite,
    is_present,
    lane_loop,
    weighted_lane_loop,
)

ROWS_AT_ONCE = 8  # sums are loaded and stored once for so many rows; 8 terms add pairwise


def _guess(form: Form, a: Number, b: Number, n: Number, s: Number, x: Number) -> Number:
    """Add a row of the first reading; a lane's first finite value becomes its shift."""
    # Shifts are 0 before, and adding sets them: four times as fast as choosing.
    valid, is_new = is_finite(x), n.same(0.0)
    a, b = (
        shift + choose(valid, choose(is_new, part, 0.0), 0.0)
        for shift, part in zip((a, b), x, strict=True)
    )
    return (
        a,
        b,
        n + choose(valid, 1.0, 0.0),
        s + choose(valid, form.difference(x[0], x[1], a, b), 0.0),
    )


def _weighted_guess(
    form: Form, a: Number, b: Number, n: Number, s: Number, w: Number, x: Number
) -> Number:
    weight, is_new = choose(is_finite(x), w, 0.0), n.same(0.0)
    valid = weight > 0.0
    a, b = (
        shift + choose(valid, choose(is_new, part, 0.0), 0.0)
        for shift, part in zip((a, b), x, strict=True)
    )
    return a, b, n + weight, s + w * choose(valid, form.difference(x[0], x[1], a, b), 0.0)


def _guess_of_weight(form: Form, a: Number, b: Number, n: Number, s: Number, row: Number) -> Number:
    x, w = row
    return _weighted_guess(form, a, b, n, s, w, x)


def _move(form: Form, a: Number, b: Number, n: Number, s: Number) -> Number:
    """Prepare the second reading: shift by the mean if it is finite, and clear the sums."""
    step = s / choose(n > 0.0, n, 1.0)
    step = choose((step - step).same(0.0), step, 0.0)
    return *form.move_shift(a, b, step), *(0.0,) * 10


def _add_rows(form: Form, e: Number, q: Number, a: Number, b: Number, *rows: Number) -> Number:
    """Add one row or several of the second reading; NaN if a value is missing."""
    return _add_differences(e, q, [form.difference(x[0], x[1], a, b) for x in rows])


def _add_present_rows(
    form: Form, e: Number, q: Number, n_missing: Number, a: Number, b: Number, *rows: Number
) -> Number:
    """Add rows to the sums, skipping missing values and counting them; shifts must be finite."""
    differences = [form.difference(x[0], x[1], a, b) for x in rows]
    valid = [d.same(d) for d in differences]
    absent = _sum_pairwise([choose(is_valid, 0.0, 1.0) for is_valid in valid])
    differences = [choose(is_valid, d, 0.0) for is_valid, d in zip(valid, differences, strict=True)]
    return *_add_differences(e, q, differences), n_missing + absent


def _add_differences(e: Number, q: Number, differences: list[Number]) -> Number:
    squares = [
        add_product(left * left, right, right)
        for left, right in zip(differences[::2], differences[1::2], strict=False)
    ] or [differences[0] * differences[0]]
    return e + _sum_pairwise(differences), q + _sum_pairwise(squares)


def _sum_pairwise(terms: list[Number]) -> Number:
    half = len(terms) // 2
    return terms[0] if not half else _sum_pairwise(terms[:half]) + _sum_pairwise(terms[half:])


def _add_weighted_row(
    form: Form, e: Number, q: Number, n: Number, n_missing: Number,
    a: Number, b: Number, w: Number, x: Number,
) -> Number:  # fmt: skip
    d = _weighted_difference(form, a, b, w, x)
    wd = w * d
    weight = choose(is_present(x), w, 0.0)
    return e + wd, add_product(q, wd, d), n + weight, n_missing + (w - weight)


def _add_rows_of_weight(
    form: Form, e: Number, q: Number, n: Number, n_missing: Number,
    a: Number, b: Number, *rows: Number,
) -> Number:  # fmt: skip
    """Add rows, each of one weight."""
    valid = [is_present(x) for x, _ in rows]
    d = [_weighted_difference(form, a, b, w, x) for x, w in rows]
    weights = [choose(is_valid, w, 0.0) for is_valid, (_, w) in zip(valid, rows, strict=True)]
    wd = [w * difference for difference, (_, w) in zip(d, rows, strict=True)]
    squares = [add_product(wd[i] * d[i], wd[i + 1], d[i + 1]) for i in range(0, len(rows) - 1, 2)]
    absent = [w - weight for weight, (_, w) in zip(weights, rows, strict=True)]
    return (
        e + _sum_pairwise(wd),
        q + _sum_pairwise(squares or [wd[0] * d[0]]),
        n + _sum_pairwise(weights),
        n_missing if valid[0] is True else n_missing + _sum_pairwise(absent),
    )


def _weighted_difference(form: Form, a: Number, b: Number, w: Number, x: Number) -> Number:
    valid = is_present(x)
    has_weight = w > 0.0 if valid is True else valid & (w > 0.0)
    return choose(has_weight, form.difference(x[0], x[1], a, b), 0.0)


def _flush(
    form: Form, e: Number, q: Number, e_sum: Number, q_sum: Number, e_rest: Number, q_rest: Number
) -> Number:
    """Add the plain sums of a block of rows to the error-free ones."""
    e_sum, e = two_sum(e_sum, e)
    q_sum, q = two_sum(q_sum, q)
    return 0.0, 0.0, e_sum, q_sum, e_rest + e, q_rest + q


def _flush_weights(form: Form, n: Number, n_sum: Number, n_rest: Number) -> Number:
    """Add plain sums of weights to the error-free ones; their error would move the mean."""
    n_sum, n = two_sum(n_sum, n)
    return 0.0, n_sum, n_rest + n


def _merge_tile(
    form: Form, a: Number, b: Number, n: Number, n_missing: Number,
    e: Number, q: Number, e_rest: Number, q_rest: Number, *record: Number,
) -> Number:  # fmt: skip
    """Merge the tile into the record of its lane, by the corrected two-pass formula."""
    *former, missing = record
    e = e + e_rest
    divisor = choose(n > 0.0, n, 1.0)
    m2 = (q + q_rest) - e * e / divisor
    m2 = choose(m2 < 0.0, 0.0, m2)
    tile = (n, *form.mean(a, b, e / divisor), m2, 0.0)
    tile_is_empty, record_is_empty = n.same(0.0), former[0].same(0.0)
    merged = merge_moments(*former, *tile)
    return (
        merged[0],
        *(
            choose(tile_is_empty, from_record, choose(record_is_empty, from_tile, from_both))
            for from_record, from_tile, from_both in zip(
                former[1:], tile[1:], merged[1:], strict=True
            )
        ),
        missing + n_missing,
    )


def _set_single_row(form: Form, x: Number) -> Number:
    """Take a row alone in its tile: shifts are its values, and sums 0, or NaN if infinite."""
    valid = is_present(x)
    zero_or_nan = choose(valid, x[0] - x[0], 0.0)
    high, low = (choose(valid, part, 0.0) for part in x)
    return (
        *(high, low, choose(valid, 1.0, 0.0), choose(valid, 0.0, 1.0), zero_or_nan),
        *(0.0, 0.0, 0.0),
    )


SUMS, BLOCK_SUMS, WEIGHTED_SUMS = "a b n s", "e q n_missing", "e q n n_missing"
TOTALS, WEIGHT_TOTALS = "e q e_sum q_sum e_rest q_rest", "n n_sum n_rest"
RECORD_FIELDS = "count mean mean_rest m2 m2_rest missing"

clear = lane_loop(lambda form: (0.0,) * 4, "", SUMS)
clear_block = lane_loop(lambda form: (0.0, 0.0), "", "e q")
guess = lane_loop(_guess, SUMS, SUMS, 1)
weighted_guess = lane_loop(_weighted_guess, f"{SUMS} w", SUMS, 1)
guess_of_weight = weighted_lane_loop(_guess_of_weight, SUMS, SUMS, 1)
move = lane_loop(_move, SUMS, "a b n n_missing e q e_sum q_sum e_rest q_rest n_sum n_rest")
add_row = lane_loop(_add_rows, "e q a b", "e q", 1)
add_rows = lane_loop(_add_rows, "e q a b", "e q", ROWS_AT_ONCE)
add_present_row = lane_loop(_add_present_rows, f"{BLOCK_SUMS} a b", BLOCK_SUMS, 1)
add_present_rows = lane_loop(_add_present_rows, f"{BLOCK_SUMS} a b", BLOCK_SUMS, ROWS_AT_ONCE)
add_weighted_row = lane_loop(_add_weighted_row, f"{WEIGHTED_SUMS} a b w", WEIGHTED_SUMS, 1)
add_row_of_weight = weighted_lane_loop(
    _add_rows_of_weight, f"{WEIGHTED_SUMS} a b", WEIGHTED_SUMS, 1
)
add_rows_of_weight = weighted_lane_loop(
    _add_rows_of_weight, f"{WEIGHTED_SUMS} a b", WEIGHTED_SUMS, ROWS_AT_ONCE
)
flush = lane_loop(_flush, TOTALS, TOTALS)
flush_weights = lane_loop(_flush_weights, WEIGHT_TOTALS, WEIGHT_TOTALS)
merge_tile = lane_loop(
    _merge_tile, f"a b n n_missing e_sum q_sum e_rest q_rest {RECORD_FIELDS}", RECORD_FIELDS
)
set_single_row = lane_loop(_set_single_row, "", "a b n n_missing e_sum q_sum e_rest q_rest", 1)
