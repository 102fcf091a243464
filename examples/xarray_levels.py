"""An ocean Dataset normalized level by level, with land and sea floor missing from some.

python examples/xarray_levels.py
"""

import tempfile
from pathlib import Path

import iris_sample_data
import xarray as xr

import dasknorm as dn


def main() -> None:
    path = Path(iris_sample_data.path) / "atlantic_profiles.nc"
    ocean = xr.open_dataset(path, engine="h5netcdf").chunk(depth=10)
    print(ocean.sizes, "missing:", int(ocean.theta.isnull().sum()), "of", ocean.theta.size)

    stats = dn.adapt(ocean, keep="depth")  # a mean and a std for each variable at each depth
    print(stats.mean.isel(depth=[0, 20, -1]))
    print("values counted at the bottom:", float(stats.count.theta[-1]))

    with tempfile.TemporaryDirectory() as folder:  # self-describing, and read by any other tool
        stats.save(Path(folder) / "ocean-stats.nc")
        stats = dn.load(Path(folder) / "ocean-stats.nc")

    z = stats.normalize(ocean)
    print("z of theta, mean and std at each depth:")
    print(z.theta.mean(["lat", "lon"], dtype="f8").round(6).values[::10])
    print(z.theta.std(["lat", "lon"], dtype="f8").round(6).values[::10])

    # Levels match by label: a few of them, upside down, get the right numbers all the same.
    deep = ocean.isel(depth=slice(None, None, -8))
    xr.testing.assert_equal(stats.normalize(deep), z.isel(depth=slice(None, None, -8)))
    try:
        stats.normalize(ocean.assign_coords(depth=ocean.depth + 1))
    except dn.MismatchError as error:
        print("refused:", str(error)[:90], "...")


if __name__ == "__main__":
    main()
