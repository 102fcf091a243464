"""A Dask array, normalized a chunk at a time, and turned back.

python examples/dask_array.py
"""

import dask.array as da
import numpy as np

import dasknorm as dn


def main() -> None:
    # 2 million rows of 5 features of very different size; nothing is computed yet.
    sizes = np.array([1, 1e-3, 1e4, 1e6, 1e8], "f4")
    noise = da.random.default_rng(0).standard_normal(
        (2_000_000, 5), dtype="f4", chunks=(250_000, 5)
    )
    x = noise * sizes + 3 * sizes

    stats = dn.adapt(x)  # one pass; the last axis keeps statistics of its own
    print("mean", stats.mean)
    print("std ", stats.std)

    z = stats.normalize(x)  # lazy, in the chunks and the dtype of x
    print(f"z: {z.dtype} in {z.numblocks[0]} chunks")
    print("z mean", z.mean(axis=0, dtype="f8").compute().round(6))
    print("z std ", z.std(axis=0, dtype="f8").compute().round(6))

    off = abs(stats.inverse(z) - x).max(axis=0) / stats.std
    print("the inverse is off by", off.compute().max(), "standard deviations at most")

    # More data arrive: merging is exact, so nothing is read a second time.
    more = da.random.default_rng(1).standard_normal((500_000, 5), chunks=(250_000, 5))
    both = stats + dn.adapt(more * sizes)
    print("rows seen", both.count)


if __name__ == "__main__":
    main()
