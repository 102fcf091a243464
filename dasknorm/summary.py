"""How statistics are shown: a table with one line for each kept position."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pandas as pd

from dasknorm.chunks import is_lazy
from dasknorm.containers import Fields
from dasknorm.statistics import Statistic

__all__ = ["size", "table", "text"]

LINES = 12


def table(statistic: Statistic, states: Fields, lines: int | None = None) -> pd.DataFrame:
    """Return the readings, a row for each of the first `lines` kept positions (None: all)."""
    rows = islice(_rows(statistic, states), lines)
    frame = pd.DataFrame(rows, columns=["feature", *statistic.readings])
    return frame.set_index("feature")


def size(states: Fields) -> int:
    """Return how many kept positions there are."""
    return sum(int(np.prod(state.data.shape)) for state in states.values())


def text(statistic: Statistic, states: Fields, container: str) -> str:
    """Return what `repr` shows of a Stats."""
    head = f"<dasknorm.Stats of {container}, {statistic}>"
    if any(is_lazy(state.data) for state in states.values()):
        return f"{head}\nlazy: {size(states)} features, not yet computed"
    body = table(statistic, states, LINES).to_string(float_format="{:.6g}".format)
    rest = size(states) - LINES
    return f"{head}\n{body}" + (f"\n... and {rest} more" if rest > 0 else "")


def _rows(statistic: Statistic, states: Fields) -> Iterator[tuple[object, ...]]:
    for name, state in states.items():
        for position in np.ndindex(state.data.shape):
            record = state.data[position].reshape(1)
            values = [float(statistic.read(record, reading)[0]) for reading in statistic.readings]
            title = f"{'' if name is None else name} {state.place(position)}".strip()
            yield title or "all", *values
