"""Taking the time: the least of several runs, the contestants in turn.

By default in CPU seconds of the whole process. With one thread each that is the time on the clock
of an idle machine; on a busy one it leaves out the waiting for a turn; and who starts threads pays
for them. Where threads are to gain something, the clock is the measure.
"""

import time
from collections.abc import Callable
from typing import Any

__all__ = ["least_seconds"]


def least_seconds(
    calls: dict[str, Callable[[], Any]],
    rounds: int = 5,
    patience: float = 0.7,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, float]:
    """Run each call once a round, A B C A B C, and return the least seconds of each.

    A moment in which the machine is busy then falls on all of them, and the least is of a moment
    in which it was not. The first run of each is not counted: it compiles, and faults pages in.
    Who has taken more than `patience` seconds has no more rounds.
    """
    for call in calls.values():
        call()
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            if sum(taken[name]) < patience:
                taken[name].append(_seconds(call, clock))
    return {name: min(seconds) for name, seconds in taken.items()}


def _seconds(call: Callable[[], Any], clock: Callable[[], float]) -> float:
    """Time a call, and the letting go of what it returns."""
    start = clock()
    call()
    return clock() - start
