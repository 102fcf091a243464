"""Speed of the kernels on one thread: ``python -m benchmarks.kernels [MB] [word]...``

Every figure is GB of input a second, the best of some repeats. Those of NumPy and of a plain Numba
loop are in the same row, measured in the same minute, since machines and their neighbours differ
more than kernels do. Words select the rows whose name, dtype or table contains one of them.
"""

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from dasknorm.kernels import AFFINE, RECORD, moments, restore, standardize

REPEATS = 5
MEGABYTES = next((int(word) for word in sys.argv[1:] if word.isdigit()), 80)
WORDS = [word for word in sys.argv[1:] if not word.isdigit()]
WIDTHS = (1, 2, 5, 20, 100, 1000, 10_000)
ALL_DTYPES = ("f4", "f8", "f2", "i1", "i2", "i4", "i8")


class Case(NamedTuple):
    """A block, the axes to reduce, and weights."""

    name: str
    x: Any
    axes: tuple[int, ...]
    weights: Any = None


def speed(call: Callable[[], Any], nbytes: int) -> float:
    """Return GB a second of the best of some calls, without the first (which may compile)."""
    call()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return nbytes / min(times) / 1e9


def numbers(dtype: str) -> Any:
    """Return some megabytes of a dtype, a multiple of 60,000 values."""
    n = MEGABYTES * 1_000_000 // np.dtype(dtype).itemsize // 60_000 * 60_000
    return (np.random.default_rng(0).normal(size=n) * 20 + 60).astype(dtype)


def layouts(dtype: str) -> Iterator[Case]:
    """Yield whole blocks, in every order of kept and reduced axes."""
    x = numbers(dtype)
    yield Case("contiguous", x, (0,))
    yield Case("every 2nd", x[::2], (0,))
    for width in WIDTHS:
        yield Case(f"rows of {width}", x.reshape(-1, width), (0,))
    yield Case("Fortran, 5", x.reshape(5, -1).T, (0,))
    yield Case("Fortran, 1000", x.reshape(1000, -1).T, (0,))
    yield Case("kept leading, 20", x.reshape(-1, 20), (1,))
    yield Case("kept leading, 1000", x.reshape(-1, 1000), (1,))
    yield Case("kept middle, 20x100", x.reshape(-1, 20, 100), (0, 2))
    yield Case("kept middle, 5x3000", x.reshape(-1, 5, 3000), (0, 2))
    yield Case("merged middle", x.reshape(100, -1, 60), (1,))


def missing(dtype: str) -> Iterator[Case]:
    """Yield blocks with NaN: one in ten, one in a million, and half of the rows."""
    y = numbers(dtype)
    y[np.random.default_rng(1).integers(0, y.size, y.size // 10)] = np.nan
    yield Case("10% missing", y, (0,))
    for width in WIDTHS:
        yield Case(f"rows of {width}, 10%", y.reshape(-1, width), (0,))
    yield Case("kept leading, 1000, 10%", y.reshape(-1, 1000), (1,))
    yield Case("kept middle, 5x3000, 10%", y.reshape(-1, 5, 3000), (0, 2))
    z = numbers(dtype)
    z[:: z.size // 100] = np.nan
    yield Case("a few missing", z, (0,))
    yield Case("rows of 100, a few", z.reshape(-1, 100), (0,))
    z.reshape(-1, 100)[::2] = np.nan
    yield Case("rows of 100, half", z.reshape(-1, 100), (0,))


def weighted(dtype: str) -> Iterator[Case]:
    """Yield blocks with weights of a run, a row or an element."""
    x = numbers(dtype)
    rng = np.random.default_rng(2)
    grid = x[: x.size // (512 * 60) * (512 * 60)].reshape(-1, 5, 12, 512)
    latitude = rng.random((12, 1))
    yield Case("latitude, keep level", grid, (0, 2, 3), latitude)
    yield Case("latitude, keep none", grid, (0, 1, 2, 3), latitude)
    yield Case("latitude last", np.ascontiguousarray(grid.swapaxes(2, 3)), (0, 2, 3), latitude.T)
    yield Case("per run of 3000", x.reshape(-1, 3000), (0, 1), rng.random((x.size // 3000, 1)))
    for width in (5, 100, 1000):
        rows = x.reshape(-1, width)
        yield Case(f"per row of {width}", rows, (0,), rng.random((len(rows), 1)))
    yield Case("per element", x, (0,), rng.random(x.size))
    yield Case(
        "per element, rows of 100", x.reshape(-1, 100), (0,), rng.random((x.size // 100, 100))
    )
    yield Case("one for all", x, (0,), np.float64(2))
    y = x.copy()
    if y.dtype.kind == "f":
        y[rng.integers(0, y.size, y.size // 10)] = np.nan
        grid = y[: grid.size].reshape(grid.shape)
        yield Case("latitude, 10% missing", grid, (0, 2, 3), latitude)


def measure_moments(title: str, cases: Callable[[str], Iterator[Case]], dtypes: Any) -> None:
    """Print a row for each layout and dtype, with NumPy's sum, copy, and float64 mean + var."""
    print(
        f"\n{title:26}{'dtype':>6}{'GB/s':>7}{'sum':>7}{'copyto':>7}{'f8':>7}   x sum x copy   x f8"
    )
    for dtype in dtypes:
        for name, x, axes, weights in cases(dtype):
            if not chosen(title, name, dtype):
                continue

            def numpy_f8(x: Any = x, axes: Any = axes) -> None:
                np.mean(x, axes, dtype="f8")
                np.var(x, axes, dtype="f8")

            warm = np.zeros_like(x)
            total = "f8" if dtype == "f2" else None
            calls = (
                lambda x=x, axes=axes, weights=weights: moments(x, axes, weights),
                lambda x=x, axes=axes, total=total: np.sum(x, axes, dtype=total),
                lambda x=x, warm=warm: np.copyto(warm, x),
                numpy_f8,
            )
            kernel, *peers = (speed(call, x.nbytes) for call in calls)
            figures = "".join(f"{value:7.2f}" for value in (kernel, *peers))
            print(
                f"{name:26}{dtype:>6}{figures} " + "".join(f"{kernel / p:7.2f}" for p in peers),
                flush=True,
            )


def measure_states() -> None:
    """Measure records of a few values each merged into others, compared with a copy of them."""
    title = "per grid point"
    print(f"\n{title:26}{'dtype':>6}{'ms':>7}{'copyto':>7}   x copy of the state")
    for dtype in ("f4", "f8", "i2"):
        x = numbers(dtype)[: MEGABYTES * 60_000 // 60_000 * 60_000]
        for rows in (1, 2, 16):
            name = f"{rows} rows"
            if not chosen(title, name, dtype):
                continue
            block = np.broadcast_to(x, (rows, x.size)).copy()
            state = np.zeros((1, x.size), RECORD)
            copy = np.zeros_like(state)
            kernel = 1 / speed(lambda b=block, s=state: moments(b, (0,), out=s), 10**6)
            peer = 1 / speed(lambda s=state, o=copy: np.copyto(o, s), 10**6)
            print(f"{name:26}{dtype:>6}{kernel:7.1f}{peer:7.1f}{peer / kernel:9.2f}", flush=True)


def measure_maps() -> None:
    """Print a row for each layout, dtype and direction, with NumPy's copies, warm and fresh."""
    print(f"\n{'map':26}{'dtype':>6}{'GB/s':>7}{'copyto':>7}{'copy':>7}   x copyto  x copy")
    for dtype in ("f4", "f8"):
        for name, x, axes, _ in layouts(dtype):
            if not chosen("map", name, dtype):
                continue
            affine = np.zeros([1 if i in axes else n for i, n in enumerate(x.shape)], AFFINE)
            affine["scale"] = 3.0
            warm = np.zeros_like(x)
            for function in (standardize, restore):
                kernel = speed(
                    lambda f=function, x=x, affine=affine: f(x, affine, x.dtype), x.nbytes
                )
                peers = [
                    speed(lambda x=x, warm=warm: np.copyto(warm, x), x.nbytes),
                    speed(lambda x=x: x.copy("K"), x.nbytes),
                ]
                figures = "".join(f"{value:7.2f}" for value in (kernel, *peers))
                print(
                    f"{name if function is standardize else '  and back':26}{dtype:>6}{figures}    "
                    + "".join(f"{kernel / p:8.2f}" for p in peers),
                    flush=True,
                )


def njit_loop() -> Callable[[Any], tuple[float, float, float]]:
    """Return count, mean and m2 by the formula of the kernels, as a plain Numba loop.

    LLVM may reassociate the sums of a block only; blocks add up without error, and tiles merge.
    """
    from numba import njit

    tile, block, sample = 32768, 256, 8

    @njit(nogil=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})
    def sum_block(x: Any, shift: float) -> Any:
        e = q = 0.0
        for i in range(len(x)):
            d = x[i] - shift
            e += d
            q += d * d
        return float(len(x)), e, q

    @njit(nogil=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})
    def sum_present(x: Any, shift: float) -> Any:
        n = e = q = 0.0
        for i in range(len(x)):
            d = x[i] - shift
            if d == d:
                n += 1.0
                e += d
                q += d * d
        return n, e, q

    @njit(nogil=True, error_model="numpy")
    def two_sum(a: float, b: float) -> Any:
        total = a + b
        part = total - a
        return total, (a - (total - part)) + (b - part)

    @njit(nogil=True, error_model="numpy")
    def loop(x: Any) -> Any:
        count = mean = m2 = 0.0
        for start in range(0, len(x), tile):
            stop = min(start + tile, len(x))
            n, s, _ = sum_present(x[start : stop : (stop - start) // sample | 1], 0.0)
            shift = s / n if n else 0.0
            n = e = e_rest = q = q_rest = 0.0
            for i in range(start, stop, block):
                values = x[i : min(i + block, stop)]
                block_n, block_e, block_q = sum_block(values, shift)
                if block_e != block_e:
                    block_n, block_e, block_q = sum_present(values, shift)
                n += block_n
                e, rest = two_sum(e, block_e)
                e_rest += rest
                q, rest = two_sum(q, block_q)
                q_rest += rest
            if n:
                e += e_rest
                d = shift + e / n - mean
                mean += d * n / (count + n)
                m2 += (q + q_rest) - e * e / n + d * d * count * n / (count + n)
                count += n
        return count, mean, m2

    return loop


def measure_njit() -> None:
    """Measure runs by a plain Numba loop, to show whether `compiled.codegen` still pays."""
    title = "njit"
    print(f"\n{title:26}{'dtype':>6}{'GB/s':>7}{'njit':>7}   x njit")
    loop = njit_loop()
    for dtype, gaps in (("f4", 0), ("f4", 0.01), ("f8", 0), ("i2", 0)):
        name = f"{gaps:.0%} missing" if gaps else "contiguous"
        if not chosen(title, name, dtype):
            continue
        x = numbers(dtype)
        if gaps:
            x[np.random.default_rng(1).random(x.size) < gaps] = np.nan
        record = moments(x, (0,))[0]
        np.testing.assert_allclose(
            loop(x), [record[field] for field in ("count", "mean", "m2")], rtol=1e-9
        )
        kernel, plain = (
            speed(call, x.nbytes) for call in (lambda x=x: moments(x, (0,)), lambda x=x: loop(x))
        )
        print(f"{name:26}{dtype:>6}{kernel:7.2f}{plain:7.2f}{kernel / plain:9.2f}", flush=True)


def chosen(*names: str) -> bool:
    """Return whether the words select a row, or there are none."""
    return not WORDS or any(word in name for word in WORDS for name in names)


if __name__ == "__main__":
    measure_moments("layout", layouts, ALL_DTYPES)
    measure_moments("missing", missing, ("f4", "f8", "f2"))
    measure_moments("weights", weighted, ("f4", "f8", "i2"))
    measure_states()
    measure_maps()
    measure_njit()
