"""Comparisons of statistics that are equal up to rounding."""

from typing import Any

import numpy as np

import dasknorm as dn

__all__ = ["assert_close"]


def assert_close(actual: dn.Stats, expected: dn.Stats, *, labels: bool = True) -> None:
    """Check that names, statistics and perhaps labels are equal, results to within rounding."""
    assert actual.statistic == expected.statistic
    assert list(actual.states) == list(expected.states)
    for name, state in actual.states.items():
        other = expected.states[name]
        assert not labels or list_labels(state) == list_labels(other)
        for result in state.statistic.result_names:
            pair = [state.statistic.result(records, result) for records in (state.data, other.data)]
            np.testing.assert_allclose(*pair, rtol=1e-14)


def list_labels(state: Any) -> dict[Any, list[Any]]:
    """Return the labels along each labelled dimension."""
    return {dim: list(index) for dim, index in state.labels.items()}
