"""Files saved by an earlier version are read as they were: every bit, dimension and label.

The files in ``data/v0_1_0`` were written by version 0.1.0 and are never written again, nor is the
list of what is in them. To add the files of a later version, run from the root of the project::

    python tests/test_saved_before.py v0_2_0

Statistics are compared by their settings and the names of their results, not by their class.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from dask.base import tokenize
from support.digests import compute_digest, describe_settings, describe_states, make_numbers
from support.optional import needs

import dasknorm as dn

DATA = Path(__file__).parent / "data"
CONTENTS = "contents.json"
ARCHIVE = "files.tar.xz"
UNFINISHED = "unfinished"
LIBRARIES = {".json": (), ".nc": ("h5netcdf", "h5py"), ".zarr": ()}


# -- what is saved --------------------------------------------------------------------------------


def _frame() -> pd.DataFrame:
    x = make_numbers(40, 3, seed=60)
    x[5, 1] = np.nan
    return pd.DataFrame(x, columns=["a", "b", "c"]).assign(k=[f"k{n % 3}" for n in range(40)])


def _grid() -> xr.Dataset:
    time = pd.date_range("2000-01-01", periods=24, freq="MS")
    coords = {"time": time, "level": [1000.0, 500.0]}
    t = (("time", "level", "x"), make_numbers(24, 2, 4, seed=61).astype("f4"), {"units": "K"})
    p = (("time", "x"), make_numbers(24, 4, seed=62), {"units": "Pa"})
    return xr.Dataset({"t": t, "p": p}, coords)


def _tree() -> xr.DataTree:
    return xr.DataTree.from_dict({"/coarse": _grid()[["p"]], "/fine": _grid()[["t"]]})


PARTS = [dn.Moments(ddof=1), dn.Extrema(-1, 1), dn.MaxAbs()]
BY_VARIABLE = {"t": dn.Quantiles(0.1, 0.9, buckets=32), "p": dn.Transformed("sqrt", dn.Extrema())}
KINDS: dict[str, Callable[[], dn.Stats]] = {
    "array": lambda: dn.adapt(make_numbers(30, 4, seed=63)),
    "array_by_axes": lambda: dn.adapt(make_numbers(6, 3, 2, seed=64), keep=(0, 2)),
    "frame": lambda: dn.adapt(_frame(), dn.Moments(epsilon=0.5), columns=["a", "b"]),
    "frame_by_group": lambda: dn.adapt(_frame(), by="k"),
    "frame_by_column": lambda: dn.adapt(_frame(), {"b": dn.Extrema(), ...: dn.Moments()}),
    "dataset": lambda: dn.adapt(_grid().chunk(time=6), keep="level"),
    "dataset_by_variable": lambda: dn.adapt(_grid(), BY_VARIABLE, keep="level"),
    "several": lambda: dn.adapt(_grid(), PARTS, keep="level"),
    "log1p": lambda: dn.adapt(make_numbers(30, 2, seed=65), dn.Transformed("log1p")),
    "climatology": lambda: dn.adapt(_grid(), over="time", by="time.month"),
    "tendencies": lambda: dn.adapt(_grid()["p"], lag={"time": 1}),
    "tree": lambda: dn.adapt(_tree(), over="time"),
    "given": lambda: dn.Stats.from_values(pd.Series({"a": 1.5, "b": -2.0}), std=3.0, epsilon=0.25),
    "given_with_count": lambda: dn.Stats.from_values([1.5, -2.0], variance=[0.0, 4.0], count=10),
    "merged": lambda: dn.adapt(make_numbers(9, 2, seed=66)) + dn.adapt(make_numbers(8, 2, seed=67)),
}


def _parts(loaded: list[int], failing: int | None = None) -> da.Array:
    """Return an array that notes which of its chunks are loaded, and of which one may fail."""

    def load(block: np.ndarray, block_info: Any = None) -> np.ndarray:
        number = block_info[0]["chunk-location"][0]
        if number == failing:
            raise OSError("cannot be read")
        loaded.append(number)
        return block

    x = da.from_array(make_numbers(24, 3, seed=68), chunks=(2, 3), name="saved-before")
    return x.map_blocks(load, dtype=x.dtype, name="saved-before-loaded")


def _save_unfinished(path: Path) -> None:
    with dask.config.set(scheduler="sync"), pytest.raises(dn.ChunkError):
        dn.adapt(_parts([], failing=7), checkpoint=path, retries=0)


def _said(stats: dn.Stats) -> dict[str, Any]:
    """Return all that is compared."""
    first_result = stats.result(next(iter(_names(stats.statistic))))
    return {
        "states": describe_states(stats),
        "container": stats.container,
        "statistic": describe_settings(stats.statistic),
        "first result": compute_digest(first_result),
        "description": stats.describe() if stats.attrs.get("given") else "",
    }


def _names(statistic: Any) -> tuple[str, ...]:
    return (
        next(iter(statistic.values())).result_names
        if isinstance(statistic, dict)
        else statistic.result_names
    )


# -- tests ----------------------------------------------------------------------------------------

VERSIONS = sorted(path.parent for path in DATA.glob(f"v*/{CONTENTS}"))
COMPLETE = [
    pytest.param(
        version, kind, suffix, marks=needs(*libraries), id=f"{version.name}-{kind}{suffix}"
    )
    for version in VERSIONS
    for kind in json.loads((version / CONTENTS).read_text())["complete"]
    for suffix, libraries in LIBRARIES.items()
]
CHECKPOINTS = [
    pytest.param(version, suffix, marks=needs(*libraries), id=f"{version.name}{suffix}")
    for version in VERSIONS
    for suffix, libraries in LIBRARIES.items()
]


def _contents(version: Path) -> dict[str, Any]:
    return json.loads((version / CONTENTS).read_text())


def _plain(said: dict[str, Any]) -> dict[str, Any]:
    """Return the compared values as JSON restores them."""
    return json.loads(json.dumps(said))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all saved files, each version's in a folder of its own."""
    folder = tmp_path_factory.mktemp("saved")
    for version in VERSIONS:
        shutil.copytree(version, folder / version.name)
        shutil.unpack_archive(version / ARCHIVE, folder / version.name, filter="data")
    return folder


def test_there_are_files() -> None:
    """The first version's files have each kind of statistics."""
    assert VERSIONS[0].name == "v0_1_0"
    assert len(_contents(VERSIONS[0])["complete"]) >= 15


@pytest.mark.parametrize(("version", "kind", "suffix"), COMPLETE)
def test_loaded(version: Path, kind: str, suffix: str, unpacked: Path) -> None:
    """Loaded statistics equal the saved ones."""
    stats = dn.load(unpacked / version.name / f"{kind}{suffix}")
    assert _plain(_said(stats)) == _contents(version)["complete"][kind]


@pytest.mark.parametrize(("version", "kind", "suffix"), COMPLETE)
def test_saved_again(version: Path, kind: str, suffix: str, unpacked: Path, tmp_path: Path) -> None:
    """Saved by this version and loaded again, they are still the same."""
    again = tmp_path / f"again{suffix}"
    dn.load(unpacked / version.name / f"{kind}{suffix}").save(again)
    assert _plain(_said(dn.load(again))) == _contents(version)["complete"][kind]


@pytest.mark.parametrize(("version", "suffix"), CHECKPOINTS)
def test_unfinished_work_is_refused(version: Path, suffix: str, unpacked: Path) -> None:
    """A checkpoint that is not finished is refused by `load`."""
    with pytest.raises(dn.StatsFileError, match="7 of 12 shards"):
        dn.load(unpacked / version.name / f"{UNFINISHED}{suffix}")


@pytest.mark.parametrize(("version", "suffix"), CHECKPOINTS)
def test_unfinished_work_is_resumed(
    version: Path, suffix: str, unpacked: Path, tmp_path: Path
) -> None:
    """A checkpoint is resumed, reads only what is missing, and ends with the same bits."""
    if tokenize(_parts([])) != _contents(version)["token"]:
        pytest.skip("this version of Dask gives the same data another token")
    saved, path = unpacked / version.name / f"{UNFINISHED}{suffix}", tmp_path / f"copy{suffix}"
    shutil.copytree(saved, path) if saved.is_dir() else shutil.copy(saved, path)
    loaded: list[int] = []
    with dask.config.set(scheduler="sync"):
        stats = dn.adapt(_parts(loaded), checkpoint=path)
    assert sorted(set(loaded)) == list(range(7, 12))
    assert _plain(_said(stats)) == _contents(version)[UNFINISHED]


# -- writing --------------------------------------------------------------------------------------


def main(folder: Path) -> None:
    """Write all files and a list of contents into a new folder; all but JSON in an archive."""
    folder.mkdir()
    complete = {kind: compute() for kind, compute in KINDS.items()}
    with tempfile.TemporaryDirectory() as packed:
        for suffix in LIBRARIES:
            target = folder if suffix == ".json" else Path(packed)
            for kind, stats in complete.items():
                stats.save(target / f"{kind}{suffix}")
            _save_unfinished(target / f"{UNFINISHED}{suffix}")
        shutil.make_archive(str(folder / ARCHIVE).removesuffix(".tar.xz"), "xztar", packed)
    contents = {
        "complete": {kind: _said(stats) for kind, stats in complete.items()},
        UNFINISHED: _said(dn.adapt(_parts([]))),
        "token": tokenize(_parts([])),
    }
    (folder / CONTENTS).write_text(json.dumps(contents, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(DATA / sys.argv[1])
