"""Monthly means of the sea surface at each grid point, and how unusual each month was.

python examples/monthly_climatology.py
"""

import tempfile
from pathlib import Path

import iris_sample_data
import numpy as np
import xarray as xr

import dasknorm as dn


def main() -> None:
    path = Path(iris_sample_data.path) / "ostia_monthly.nc"
    sea = xr.open_dataset(path, engine="h5netcdf").surface_temperature.chunk(time=12)
    print(dict(sea.sizes), "from", str(sea.time.values[0])[:7], "to", str(sea.time.values[-1])[:7])

    # What is normal is learned of a baseline period, what is unusual may come from any other.
    # On land nothing is ever known: a mask says so, and adapt has nothing to warn of.
    ocean = sea[0].notnull().compute()
    years = sea.sel(time=slice("2006-06", "2009-05"))
    baseline = dn.adapt(years, over="time", by="time.month", where=ocean)
    count = baseline.count.where(ocean)
    print("points of sea:", int(ocean.sum()), "of", ocean.size)
    print("years counted, from", float(count.min()), "to", float(count.max()))
    print("a mean for each", baseline.mean.dims, baseline.mean.shape)

    with tempfile.TemporaryDirectory() as folder:
        baseline.save(Path(folder) / "baseline.nc")
        baseline = dn.load(Path(folder) / "baseline.nc")

    anomaly = baseline.normalize(sea)  # lazy; each step by the statistics of its own month
    print("missing:", int(anomaly.isnull().sum()), "as before:", int(sea.isnull().sum()))

    niño = {"latitude": slice(-5, 5), "longitude": slice(190, 240)}
    index = anomaly.sel(niño).mean(["latitude", "longitude"]).compute()
    for when, value in {"coldest": index.idxmin(), "warmest": index.idxmax()}.items():
        print(
            f"{when} of Niño 3.4: {str(value.values)[:7]}, {float(index.sel(time=value)):+.1f} std"
        )

    back = baseline.inverse(anomaly)
    np.testing.assert_allclose(back, sea, rtol=2e-7)
    print("inverted to kelvin:", back.attrs["units"])


if __name__ == "__main__":
    main()
