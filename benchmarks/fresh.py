"""Fresh processes: nothing imported, compiled or allocated before what is measured.

``python -m benchmarks.fresh MODULE ARGUMENT...`` is one: it answers in JSON what the function
`measure` of a module of this package returns.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["Figures", "ask", "in_turn", "peak_megabytes", "spent", "warm"]

ROOT = Path(__file__).parents[1]
PATIENCE = 4.0

Figures = dict[str, float]


def ask(module: str, *args: object, machine_code: Path | None = None) -> Any:
    """Let a module of this package measure in a process of its own, and return what it answers.

    Numba keeps and looks for machine code in the folder `machine_code`: in an empty one everything
    is compiled, as on the first use ever. By default it is where an installation has it.
    """
    command = [sys.executable, "-m", "benchmarks.fresh", module, *map(str, args)]
    own = {"NUMBA_CACHE_DIR": str(machine_code)} if machine_code else {}
    run = subprocess.run(
        command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **own}
    )
    return json.loads(run.stdout.splitlines()[-1])


def in_turn(module: str, names: Iterable[str], *args: object, rounds: int) -> dict[str, Figures]:
    """Ask a module about each name, a few rounds of A B C, and keep the least of each figure."""
    runs = [{name: ask(module, name, *args) for name in names} for _ in range(rounds)]
    return {
        name: {figure: min(run[name][figure] for run in runs) for figure in runs[0][name]}
        for name in runs[0]
    }


def peak_megabytes() -> float:
    """Return the most memory that this process has ever had resident, in MB of 1e6 bytes.

    Linux' VmHWM where there is one: a child's ru_maxrss starts at what its parent had when it
    was forked.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (ln for ln in status.read_text().splitlines() if ln.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def warm(call: Callable[[], Any]) -> Figures:
    """Return the seconds of a call that has run before, and this process' peak of memory.

    It is run once more where that takes little, and the lesser of each figure kept.
    """
    runs = [spent(call)]
    if runs[0][0] < PATIENCE:
        runs.append(spent(call))
    wall, cpu = map(min, zip(*runs, strict=True))
    return {"wall": wall, "cpu": cpu, "peak": peak_megabytes()}


def spent(call: Callable[[], Any]) -> tuple[float, float]:
    """Return the wall seconds and the CPU seconds, of all threads, that a call takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    measured = import_module(f"benchmarks.{sys.argv[1]}").measure(*sys.argv[2:])
    print(json.dumps(measured))
