"""Fresh processes: nothing imported, compiled or allocated before what is measured."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["answer", "ask", "peak_megabytes", "spent"]

ROOT = Path(__file__).parents[1]


def ask(module: str, *args: object, machine_code: Path | None = None) -> Any:
    """Run a module of this package in a process of its own and return what it answers.

    Numba keeps and looks for machine code in the folder `machine_code`: in an empty one everything
    is compiled, as on the first use ever. By default it is where an installation has it.
    """
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, args)]
    own = {"NUMBA_CACHE_DIR": str(machine_code)} if machine_code else {}
    run = subprocess.run(
        command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **own}
    )
    return json.loads(run.stdout.splitlines()[-1])


def answer(value: Any) -> None:
    """Hand a value to the process that asked."""
    print(json.dumps(value))


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


def spent(call: Callable[[], Any]) -> tuple[float, float]:
    """Return the wall seconds and the CPU seconds, of all threads, that a call takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu
