"""The memory that a call allocates."""

import tracemalloc
from collections.abc import Callable
from typing import Any

__all__ = ["measure_peak"]


def measure_peak(function: Callable[[], Any]) -> tuple[int, Any]:
    """Return the most bytes that were allocated at one time during a call, and its result."""
    tracemalloc.start()
    try:
        result = function()
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()
