"""Normalize one climate scenario with the statistics of another, and plot the result.

E1 is a world that curbs its emissions, A1B one that does not. Both run from 1860 to 2099 over North
America. Normalized with the statistics of E1, A1B's last decades stand out.

python examples/demo.py
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import dasknorm as dn
from dasknorm.cli.display import show_stats

try:
    import iris_sample_data  # 82 MB of model output
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
except ImportError as error:
    sys.exit(f"the demo needs {error.name}: pip install 'dasknorm[demo]'")

VARIABLE = "air_temperature"
EARLY, LATE = slice("1860", "1889"), slice("2070", "2099")
COLOURS = ("#2c6fbb", "#c8442c")
STYLE: dict[str, Any] = {"bins": 90, "density": True, "histtype": "stepfilled", "alpha": 0.62}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    usual, other = (write_scenario(name, folder) for name in ("E1", "A1B"))
    with step("adapt to E1 over time, one chunk of 60 years after another") as results:
        dn.adapt(usual, over="time").save(folder / "stats.nc")
        results += [f"{folder / 'stats.nc'}, read {usual[VARIABLE].nbytes / 1e6:.1f} MB"]
    stats = dn.load(folder / "stats.nc")
    with step("normalize A1B with it, lazily, to a new store") as results:
        scores = write_store(stats.normalize(other), folder / "a1b-normalized.zarr", results)
    with step("invert that") as results:
        restored = write_store(stats.inverse(scores), folder / "a1b-restored.zarr", results)
    show_stats(stats)
    report(other, scores, restored, stats.normalize(usual))
    with step("draw") as results:
        draw(stats, other[VARIABLE], scores[VARIABLE], folder / "demo.png")
        results += [str(folder / "demo.png")]


@contextmanager
def step(title: str) -> Iterator[list[str]]:
    """Print what was done, how long it took and where the result is."""
    results: list[str] = []
    started = time.perf_counter()
    yield results
    print(f"{time.perf_counter() - started:6.2f} s  {title}: {'; '.join(results)}")


def write_scenario(name: str, folder: Path) -> xr.Dataset:
    """Write a scenario as a chunked store."""
    source = Path(iris_sample_data.path) / f"{name}_north_america.nc"
    with (
        step(f"write {source.name} as a chunked Zarr store") as results,
        xr.open_dataset(source, engine="h5netcdf", decode_coords="all") as data,
    ):
        chunked = data.load().drop_encoding().chunk(time=60)
        return write_store(chunked, folder / f"{name.lower()}.zarr", results)


def write_store(data: xr.Dataset, path: Path, results: list[str]) -> xr.Dataset:
    """Write a store, and open it lazily."""
    data.to_zarr(path, mode="w", zarr_format=2)
    results.append(str(path))
    return xr.open_zarr(path, decode_coords="all")


# -- numbers --------------------------------------------------------------------------------------


def report(
    original: xr.Dataset, scores: xr.Dataset, restored: xr.Dataset, usual: xr.Dataset
) -> None:
    z, z_usual = scores[VARIABLE].load(), usual[VARIABLE].load()
    std = f"{float(z_usual.std(dtype='f8')):.2f}"
    print(f"\nE1 by its own statistics: z has mean {mean(z_usual)}, standard deviation {std}")
    print(f"A1B by those of E1:       z has mean {mean(z)}: the warming")
    for span in (EARLY, LATE):
        print(f"    {span.start} to {span.stop}: {mean(z.sel(time=span))}")
    before, after = original[VARIABLE].to_numpy(), restored[VARIABLE].to_numpy()
    ulps = np.abs(after.astype("f8") - before) / np.spacing(np.abs(before))
    print(
        f"the inverse gives the original back to {ulps.max():.0f} ulp ({after.dtype}), "
        f"{(ulps == 0).mean():.1%} of it bit for bit\n"
    )
    if ulps.max() > 1:
        sys.exit("the round trip is off by more than 1 ulp: this is a bug")


def mean(values: xr.DataArray) -> str:
    return f"{round(float(values.mean(dtype='f8')), 2) + 0.0:+.2f}"  # + 0.0 makes -0.0 plain 0


# -- plots ----------------------------------------------------------------------------------------


def draw(stats: dn.Stats, data: xr.DataArray, scores: xr.DataArray, path: Path) -> None:
    """Draw the mean and standard deviation of E1, and A1B before and after, as a PNG file."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    ((left, right), (before, after)) = figure.subplots(2, 2)
    draw_map(left, stats.mean[VARIABLE], "Learned from E1: mean air temperature (K)", "RdYlBu_r")
    draw_map(right, stats.std[VARIABLE], "Learned from E1: standard deviation (K)", "viridis")
    draw_histograms(before, data, " K")
    set_titles(before, "A1B as it is: two climates, one heap", "air temperature (K)")
    draw_histograms(after, scores, "")
    draw_normal_density(after)
    set_titles(after, "A1B normalized: the warming stands out", "z (standard deviations of E1)")
    figure.savefig(path, dpi=100, format="png")


def draw_map(axes: Axes, values: xr.DataArray, title: str, colours: str) -> None:
    west = values["longitude"].to_numpy() - 360
    north = values["latitude"].to_numpy()
    mesh = axes.pcolormesh(west, north, values.to_numpy(), cmap=colours, rasterized=True)
    set_titles(axes, title, "")
    axes.xaxis.set_major_formatter(lambda degrees, _: f"{-degrees:.0f}°W")
    axes.yaxis.set_major_formatter(lambda degrees, _: f"{degrees:.0f}°N")
    bar = axes.figure.colorbar(mesh, ax=axes, pad=0.02)
    bar.outline.set_visible(False)


def draw_histograms(axes: Axes, values: xr.DataArray, unit: str) -> None:
    spans = [values.sel(time=span) for span in (EARLY, LATE)]
    limits = np.percentile(
        np.concatenate([span.to_numpy().ravel() for span in spans]), [0.05, 99.95]
    )
    for span, colour in zip(spans, COLOURS, strict=True):
        years = span["time"].dt.year.to_numpy()
        label = f"{years[0]} to {years[-1]}, mean {float(span.mean(dtype='f8')):.2f}{unit}"
        axes.hist(span.to_numpy().ravel(), range=tuple(limits), color=colour, label=label, **STYLE)
    axes.set(yticks=[], ylabel="share of values")
    axes.margins(x=0.01)
    axes.spines[["top", "right", "left"]].set_visible(False)


def draw_normal_density(axes: Axes) -> None:
    z = np.linspace(-4, 4, 200)
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    axes.plot(z, density, color="0.25", linewidth=1.1, linestyle="--", label="mean 0, std 1")


def set_titles(axes: Axes, title: str, xlabel: str) -> None:
    axes.set_title(title, loc="left", fontweight="bold", fontsize=11.5)
    axes.set_xlabel(xlabel)
    if axes.patches:  # histograms, with room for their legend above them
        axes.set_ylim(top=axes.get_ylim()[1] * 1.32)
        axes.legend(frameon=False, loc="upper left", fontsize=9.5)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="Write the stores, statistics and plot to a folder."
    )
    parser.add_argument("-o", "--out", type=Path, default=Path("demo-output"), metavar="DIR")
    main(parser.parse_args().out)
