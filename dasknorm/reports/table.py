"""How statistics are shown: a table with one line for each kept position."""

from collections.abc import Hashable, Iterator, Sequence
from itertools import islice

import numpy as np
import pandas as pd

from dasknorm.chunks import is_lazy
from dasknorm.fields import State, States

__all__ = ["readings_of", "size", "table", "text"]

LINES = 12


def table(states: States, lines: int | None = None) -> pd.DataFrame:
    """Return the readings, a row for each of the first `lines` kept positions (None: all)."""
    readings = readings_of(states)
    rows = islice(_rows(states, readings), lines)
    frame = pd.DataFrame(rows, columns=["feature", *readings])
    return frame.set_index("feature")


def readings_of(states: States) -> list[str]:
    """Return what can be read of any of the states."""
    return list(dict.fromkeys(r for state in states.values() for r in state.statistic.result_names))


def size(states: States) -> int:
    """Return how many kept positions there are."""
    return sum(int(np.prod(state.data.shape)) for state in states.values())


def text(states: States, container: str) -> str:
    """Return what `repr` shows of a Stats."""
    head = ", ".join([container, *dict.fromkeys(str(s.statistic) for s in states.values())])
    head = f"<dasknorm.Stats of {head}>"
    if any(is_lazy(state.data) for state in states.values()):
        return f"{head}\nlazy: {size(states)} features, not yet computed"
    body = table(states, LINES).to_string(float_format="{:.6g}".format)
    rest = size(states) - LINES
    return f"{head}\n{body}" + (f"\n... and {rest} more" if rest > 0 else "")


def _rows(states: States, readings: Sequence[str]) -> Iterator[tuple[object, ...]]:
    for name, state in states.items():
        statistic, prefix = state.statistic, _prefix(name, state)
        for position in np.ndindex(state.data.shape):
            record = state.data[position].reshape(1)
            known = {r: float(statistic.result(record, r)[0]) for r in statistic.result_names}
            values = [known.get(reading, np.nan) for reading in readings]
            title = f"{prefix} {state.describe_position(position)}".strip()
            yield title or "all", *values


def _prefix(name: Hashable, state: State) -> str:
    """Return what comes before a place: the variable's name; a column has its own."""
    return "" if name is None or state.has_columns else str(name)
