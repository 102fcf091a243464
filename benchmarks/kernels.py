"""Speed of the kernels beside NumPy, on one thread: ``python benchmarks/kernels.py [megabytes]``.

Every figure is GB of input a second, the best of some repeats; NumPy's stand in the same row, from
the same minute, since machines and their neighbours differ more than kernels do.
"""

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from dasknorm.kernels import AFFINE, moments, restore, standardize

REPEATS = 5
MEGABYTES = int(sys.argv[1]) if len(sys.argv) > 1 else 80


def speed(call: Callable[[], Any], nbytes: int) -> float:
    """GB a second of the best of some calls, the first (which may compile) left out."""
    call()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return nbytes / min(times) / 1e9


def blocks(dtype: str) -> Iterator[tuple[str, Any, tuple[int, ...]]]:
    """Name, block and reduced axes of what is measured."""
    rng = np.random.default_rng(0)
    n = MEGABYTES * 1_000_000 // np.dtype(dtype).itemsize // 60_000 * 60_000
    x = (rng.normal(size=n) * 20 + 60).astype(dtype)
    yield "contiguous", x, (0,)
    yield "every 2nd", x[::2], (0,)
    for width in (5, 100, 1000, 20_000):
        yield f"rows of {width}", x.reshape(-1, width), (0,)
    yield "rows, kept", x.reshape(-1, 1000), (1,)
    yield "middle kept", x.reshape(-1, 20, 100), (0, 2)
    yield "channels first", x.reshape(-1, 5, 3000), (0, 2)
    if x.dtype.kind == "f":
        y = x.copy()
        y[rng.integers(0, n, n // 10)] = np.nan
        yield "10% missing", y, (0,)
        yield "rows, 10% missing", y.reshape(-1, 100), (0,)


def measure_moments() -> None:
    """One row for each layout and dtype, with NumPy's sum, var and float64 mean + var."""
    print(
        f"{'moments':20}{'dtype':>6}{'GB/s':>7}{'sum':>7}{'var':>7}{'f8':>7}   x sum  x var   x f8"
    )
    for dtype in ("f4", "f8", "i2", "i8"):
        for name, x, axes in blocks(dtype):

            def numpy_f8(x: Any = x, axes: Any = axes) -> None:
                np.mean(x, axes, dtype="f8")
                np.var(x, axes, dtype="f8")

            own = speed(lambda x=x, axes=axes: moments(x, axes), x.nbytes)
            peers = [
                speed(lambda x=x, axes=axes: np.sum(x, axes), x.nbytes),
                speed(lambda x=x, axes=axes: np.var(x, axes), x.nbytes),
                speed(numpy_f8, x.nbytes),
            ]
            figures = "".join(f"{value:7.2f}" for value in (own, *peers))
            print(f"{name:20}{dtype:>6}{figures} " + "".join(f"{own / p:7.2f}" for p in peers))


def measure_maps() -> None:
    """One row for each layout, dtype and direction, with NumPy's copies, warm and fresh."""
    print(f"\n{'map':20}{'dtype':>6}{'GB/s':>7}{'copyto':>7}{'copy':>7}   x copyto  x copy")
    for dtype in ("f4", "f8"):
        for name, x, axes in blocks(dtype):
            affine = np.zeros([1 if i in axes else n for i, n in enumerate(x.shape)], AFFINE)
            affine["scale"] = 3.0
            warm = np.zeros_like(x)
            for function in (standardize, restore):
                own = speed(lambda f=function, x=x, affine=affine: f(x, affine, x.dtype), x.nbytes)
                peers = [
                    speed(lambda x=x, warm=warm: np.copyto(warm, x), x.nbytes),
                    speed(lambda x=x: x.copy("K"), x.nbytes),
                ]
                figures = "".join(f"{value:7.2f}" for value in (own, *peers))
                title = name if function is standardize else "  and back"
                print(
                    f"{title:20}{dtype:>6}{figures}    " + "".join(f"{own / p:8.2f}" for p in peers)
                )


if __name__ == "__main__":
    measure_moments()
    measure_maps()
