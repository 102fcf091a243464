"""Format statistics as a table with one row per output element, and as the text of `repr`.

Used by api.stats, cli.display, layer and reports.html. The layout may change.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import pandas as pd

from dasknorm.chunks import is_lazy
from dasknorm.fields import States

TEXT_ROWS = 12


def make_table(states: States, max_rows: int | None = None) -> pd.DataFrame:
    """Return all results with a row per output element, or the first `max_rows` of them."""
    names = result_names(states)
    rows = islice(_rows(states, names), max_rows)
    return pd.DataFrame(rows, columns=["feature", *names]).set_index("feature")


def result_names(states: States) -> list[str]:
    """Return the names of the results that any of the states has."""
    return list(dict.fromkeys(r for state in states.values() for r in state.statistic.result_names))


def count_features(states: States) -> int:
    """Return the number of output elements."""
    return sum(int(np.prod(state.data.shape)) for state in states.values())


def format_text(states: States, container: str) -> str:
    """Return the `repr` of a Stats, without its provenance."""
    head = ", ".join([container, *dict.fromkeys(str(s.statistic) for s in states.values())])
    head = f"<dasknorm.Stats of {head}>"
    if any(is_lazy(state.data) for state in states.values()):
        return f"{head}\nlazy: {count_features(states)} features, not yet computed"
    body = make_table(states, TEXT_ROWS).to_string(float_format="{:.6g}".format)
    more = count_features(states) - TEXT_ROWS
    return f"{head}\n{body}" + (f"\n... and {more} more" if more > 0 else "")


def _rows(states: States, names: Sequence[str]) -> Iterator[tuple[object, ...]]:
    for name, state in states.items():
        statistic = state.statistic
        prefix = "" if name is None or state.has_columns else name  # the position names a column
        for position in np.ndindex(state.data.shape):
            record = state.data[position].reshape(1)
            results = {r: float(statistic.result(record, r)[0]) for r in statistic.result_names}
            title = f"{prefix} {state.describe_position(position)}".strip()
            yield title or "all", *(results.get(result, np.nan) for result in names)
