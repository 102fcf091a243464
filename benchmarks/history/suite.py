"""Representative calls: in memory, from a store, in the graph, and at the start of a process."""

import tempfile
from pathlib import Path
from typing import Any, ClassVar

import dask
import dask.array as da
import numpy as np
import xarray as xr

import dasknorm as dn


class InMemory:
    """Learning moments and mapping to scores, on one thread."""

    param_names: ClassVar[list[str]] = ["layout"]
    params: ClassVar[list[str]] = ["one feature", "rows of 100", "100 features first"]
    shapes: ClassVar[dict[str, tuple[int, ...]]] = {
        "one feature": (-1,),
        "rows of 100": (-1, 100),
        "100 features first": (100, -1),
    }

    def setup(self, layout: str) -> None:
        self.x = np.random.default_rng(0).normal(3, 2, 10_000_000).astype("f4")
        self.x = self.x.reshape(self.shapes[layout])
        self.over = 1 if layout == "100 features first" else 0
        self.stats = dn.adapt(self.x, over=self.over)
        self.stats.normalize(self.x)

    def time_moments(self, layout: str) -> None:
        with dask.config.set(scheduler="sync"):
            dn.adapt(self.x, over=self.over)

    def time_normalize(self, layout: str) -> None:
        with dask.config.set(scheduler="sync"):
            self.stats.normalize(self.x)


class FromStore:
    """A Zarr store of 100 MB in 25 chunks, level by level, on two threads."""

    def setup_cache(self) -> str:
        # asv runs what follows in this folder, and removes it.
        path = str(Path(tempfile.mkdtemp(dir=".")) / "t.zarr")
        values = np.random.default_rng(0).normal(280, 5, (100, 4, 250, 250)).astype("f4")
        variable = xr.DataArray(values, dims=("time", "level", "lat", "lon"), name="t")
        variable.chunk(time=4).to_dataset().to_zarr(path, consolidated=False)
        return path

    def setup(self, path: str) -> None:
        self.t = xr.open_zarr(path, consolidated=False)["t"]
        self.weights = np.cos(np.deg2rad(xr.DataArray(np.linspace(-90, 90, 250), dims="lat")))
        self.time_adapt(path)
        self.time_adapt_weighted(path)

    def time_adapt(self, path: str) -> None:
        self._adapt()

    def time_adapt_weighted(self, path: str) -> None:
        self._adapt(weights=self.weights)

    def peakmem_adapt(self, path: str) -> None:
        self._adapt()

    def _adapt(self, **how: Any) -> None:
        with dask.config.set(scheduler="threads", num_workers=2):
            dn.adapt(self.t, keep="level", **how)


class Graphs:
    """Graphs over ten thousand chunks, none of which is computed."""

    def setup(self) -> None:
        self.x = da.zeros((10_000, 100, 10), chunks=(1, 100, 10))
        self.stats = dn.adapt(np.zeros((2, 100, 10)), over=(0, 1))

    def time_adapt(self) -> None:
        dask.optimize(dn.adapt(self.x, over=(0, 1), compute=False))

    def time_normalize(self) -> None:
        dask.optimize(self.stats.normalize(self.x))


class Start:
    """A fresh process."""

    def timeraw_import(self) -> str:
        return "import dasknorm"

    def timeraw_import_of_what_it_stands_on(self) -> str:
        return "import xarray, dask.array"
