"""Reference cases of merging, batches, layers, scalers and the command line."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import dasknorm as dn
from support.digests import make_numbers
from support.optional import import_optional
from support.reference.dataframes import make_mixed_frame
from support.reference.grids import make_grid
from support.reference.table import Results, case, map_data

sparse = import_optional("scipy.sparse")


def make_batches() -> Iterator[np.ndarray]:
    for seed in range(40, 46):
        yield make_numbers(35, 3, seed=seed)


@case()
def batches() -> Results:
    stats = dn.adapt(make_batches())
    return map_data(stats.update(iter([make_numbers(5, 3, seed=46)])), make_numbers(5, 3, seed=47))


@case()
def merging() -> Results:
    parts = [dn.adapt(x, [dn.Moments(), dn.Extrema()]) for x in make_batches()]
    updated = parts[0].update(make_numbers(9, 3, seed=48), weights=make_numbers(9, 1, seed=49))
    frames = [pd.DataFrame(x, columns=list("abc")) for x in make_batches()]
    grouped = [dn.adapt(frame.assign(k=n % 2), by="k") for n, frame in enumerate(frames)]
    ds = make_grid()
    union = dn.adapt(ds[["t"]], keep="level") + dn.adapt(ds[["p"]])
    return {
        "merged": parts[0].merge(*parts[1:]),
        "updated": updated,
        "grouped": grouped[0].merge(*grouped[1:]),
        "union": union,
    }


@case()
def layer() -> Results:
    x = make_numbers(40, 5, seed=50).astype("f4")
    layer = dn.Normalization(axis=-1)
    layer.adapt(x)
    mean, variance = layer.mean.ravel(), layer.variance.ravel()
    back = dn.Normalization(axis=-1, mean=mean, variance=variance, invert=True)
    return {"mean": layer.mean, "variance": layer.variance, "z": layer(x), "back": back(layer(x))}


def fit_and_transform(x: Any, **how: Any) -> Results:
    from dasknorm.sklearn import StandardScaler

    scaler = StandardScaler(**how).fit(x)
    return {
        "mean": scaler.mean_,
        "variance": scaler.var_,
        "scale": scaler.scale_,
        "stats": scaler.stats_,
        "transformed": scaler.transform(x),
    }


@case("sklearn")
def scaler() -> Results:
    return fit_and_transform(make_numbers(60, 4, seed=51))


@case("sklearn")
def scaler_of_sparse() -> Results:
    x = make_numbers(80, 6, seed=52)
    return fit_and_transform(sparse.csr_matrix(np.where(x < 700, 0, x)), with_mean=False)


@case("click", "rich", "pyarrow")
def command_line() -> Results:
    """A CSV file: its statistics, and the text of the file normalized."""
    with tempfile.TemporaryDirectory() as folder:
        names = [str(Path(folder, name)) for name in ("x.csv", "stats.json", "z.csv")]
        make_mixed_frame()[["double", "whole", "word"]].to_csv(names[0], index=False)
        _run("adapt", names[0], "-o", names[1], "--by", "word", "--ddof", "1")
        _run("normalize", names[0], names[1], "-o", names[2])
        return {"stats": dn.load(names[1]), "written": np.array(Path(names[2]).read_text())}


def _run(*arguments: str) -> None:
    command = [sys.executable, "-m", "dasknorm.cli", *arguments]
    subprocess.run(command, check=True, capture_output=True)
