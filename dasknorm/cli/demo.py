"""The demo: one climate scenario normalized with the statistics of another, on real model output.

E1 is a world that curbs its emissions, A1B one that does not; both run from 1860 to 2099 over
North America. Normalized with what is usual under E1, A1B's last decades stand out.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np
import xarray as xr

from dasknorm.api.adapt import adapt
from dasknorm.api.load import load
from dasknorm.api.stats import Stats
from dasknorm.chunks.progress import size_text
from dasknorm.cli.arrays import write_zarr
from dasknorm.cli.outputs import replacing
from dasknorm.cli.refusals import Refusal, expected
from dasknorm.cli.reports import show_stats

__all__ = ["EARLY", "LATE", "VARIABLE", "run"]

VARIABLE = "air_temperature"
EARLY, LATE = slice("1860", "1889"), slice("2070", "2099")
YEARS_A_CHUNK = 60


def run(folder: Path) -> None:
    """Do the main job from end to end in a folder, saying what is done and what is found."""
    samples = _samples()
    with expected():
        folder.mkdir(parents=True, exist_ok=True)
        usual, other = (_as_zarr(samples, name, folder) for name in ("E1", "A1B"))
        stats_file = folder / "stats.nc"
        with _step("adapt to E1 over time, one chunk of 60 years after another") as say:
            adapt(usual, over="time").save(stats_file)
            say(f"{stats_file}, read {size_text(usual[VARIABLE].nbytes)}")
        stats = load(stats_file)
        with _step("normalize A1B with it, lazily, to a new store") as say:
            scores = _stored(stats.normalize(other), folder / "a1b-normalized.zarr")
            say(str(folder / "a1b-normalized.zarr"))
        with _step("invert that") as say:
            restored = _stored(stats.inverse(scores), folder / "a1b-restored.zarr")
            say(str(folder / "a1b-restored.zarr"))
        show_stats(stats)
        _report(other, scores, restored, stats.normalize(usual))
        with _step("draw") as say:
            _draw(stats, other, scores, folder / "demo.png")
            say(str(folder / "demo.png"))


def _samples() -> Path:
    try:
        import iris_sample_data  # 82 MB of model output, for the demo only
    except ImportError:
        raise Refusal("the demo needs sample data: pip install 'dasknorm[demo]'") from None
    return Path(iris_sample_data.path)


def _as_zarr(samples: Path, scenario: str, folder: Path) -> xr.Dataset:
    """Keep a scenario as a chunked store, and return that, opened lazily."""
    path = folder / f"{scenario.lower()}.zarr"
    with _step(f"write {scenario}_north_america.nc as a chunked Zarr store") as say:
        with xr.open_dataset(
            samples / f"{scenario}_north_america.nc", engine="h5netcdf", decode_coords="all"
        ) as source:
            cut = source.load().drop_encoding().chunk(time=YEARS_A_CHUNK)
            stored = _stored(cut, path)
        say(str(path))
    return stored


def _stored(data: xr.Dataset, path: Path) -> xr.Dataset:
    """Write a store in place of an older one, and open it."""
    with replacing(path) as partial:
        write_zarr(data, partial)
    return xr.open_zarr(path, decode_coords="all")


@contextmanager
def _step(what: str) -> Iterator[Any]:
    """Say what was done, how long it took and where the result is."""
    results: list[str] = []
    started = time.perf_counter()
    yield results.append
    click.echo(f"{time.perf_counter() - started:6.2f} s  {what}: {'; '.join(results)}")


def _report(
    original: xr.Dataset, scores: xr.Dataset, restored: xr.Dataset, usual: xr.Dataset
) -> None:
    z = scores[VARIABLE].load()
    own = usual[VARIABLE].load()
    click.echo(
        f"\nE1 by its own statistics: z has mean {_mean(own)}, standard deviation {_std(own)}"
    )
    click.echo(f"A1B by those of E1:       z has mean {_mean(z)}: the warming")
    click.echo(f"    {_years(z, EARLY)}: {_mean(z.sel(time=EARLY))}")
    click.echo(f"    {_years(z, LATE)}: {_mean(z.sel(time=LATE))}")
    before, after = original[VARIABLE].to_numpy(), restored[VARIABLE].to_numpy()
    ulps = np.abs(after.astype("f8") - before) / np.spacing(np.abs(before))
    click.echo(
        f"the inverse gives the original back to {ulps.max():.0f} ulp ({after.dtype}), "
        f"{(ulps == 0).mean():.1%} of it bit for bit\n"
    )
    if ulps.max() > 1:
        raise click.ClickException("the round trip is off by more than 1 ulp: this is a bug")


def _mean(values: xr.DataArray) -> str:
    return f"{round(float(values.mean(dtype='f8')), 2) + 0.0:+.2f}"  # + 0.0 makes -0.0 plain 0


def _std(values: xr.DataArray) -> str:
    return f"{float(values.std(dtype='f8')):.2f}"


def _years(values: xr.DataArray, span: slice) -> str:
    years = values.sel(time=span)["time"].dt.year
    return f"{int(years[0])} to {int(years[-1])}"


def _draw(stats: Stats, data: xr.Dataset, scores: xr.Dataset, path: Path) -> None:
    try:
        from dasknorm.cli.picture import draw
    except ImportError:
        raise Refusal("the picture needs matplotlib: pip install 'dasknorm[demo]'") from None
    with replacing(path) as partial:
        draw(stats, data[VARIABLE], scores[VARIABLE], (EARLY, LATE), partial)
