"""The table of reference cases, and the functions that most cases use."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import dasknorm as dn
from support.digests import make_numbers
from support.optional import needs

__all__ = ["CASES", "Case", "Results", "adapt_and_map", "case", "elementary", "map_data"]

Results = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A computation, the libraries it needs, and whether its last bits depend on the processor.

    The last bits of logarithms and sines depend on it (`elementary`), and so do those of sums by
    kernels that are compiled for the processor's vectors (`compiled`).
    """

    compute: Callable[[], Results]
    libraries: tuple[str, ...] = ()
    elementary: bool = False
    compiled: bool = False

    @property
    def mark(self) -> pytest.MarkDecorator:
        """Skip where a library is not installed."""
        return needs(*self.libraries)


CASES: dict[str, Case] = {}


def case(*libraries: str, **depends: bool) -> Callable[[Any], Any]:
    """Add a function to the table, under its own name."""

    def add(function: Callable[[], Results]) -> Callable[[], Results]:
        CASES[function.__name__] = Case(function, libraries, **depends)
        return function

    return add


def map_data(stats: dn.Stats, data: Any, back: bool = True) -> Results:
    """Return statistics, with normalized data, and these data inverted."""
    z = stats.normalize(data)
    return {"stats": stats, "normalized": z, **({"inverse": stats.inverse(z)} if back else {})}


def adapt_and_map(data: Any, *args: Any, **kwargs: Any) -> Results:
    """Return statistics of data, the normalized data, and these data inverted."""
    return map_data(dn.adapt(data, *args, **kwargs), data)


def elementary() -> np.ndarray:
    """Return values of elementary functions, whose last bits depend on the processor."""
    x = make_numbers(1000, seed=99) / 8
    return np.stack([np.sin(x), np.cos(x), np.log1p(x), np.log(x + 1), np.expm1(x / 16)])
