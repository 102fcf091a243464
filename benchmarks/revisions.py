"""Compare the CPU time and the reads of `adapt` on one Zarr store between two revisions.

``python -m benchmarks.revisions REVISION [--gigabytes N]`` compares this checkout with a revision
of git, in turns, each in a fresh process. It prints the ratio of CPU seconds and the number of
reads per chunk.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import climate
from benchmarks.fresh import ROOT, Figures
from benchmarks.report import table

__all__ = ["main"]

CASES = {
    "one mean and std per level": "keep='level'",
    "per grid cell": "over='time'",
    "per month": "over=('time', 'lat', 'lon'), by='step'",
}
"""The arguments of `adapt` by their description."""

ROUNDS = 5

SCRIPT = """
import json, sys, warnings
sys.path[:0] = sys.argv[1:3]
import dask, numpy as np, dasknorm as dn
from benchmarks import climate
from benchmarks.fresh import spent
from pathlib import Path
warnings.simplefilter("ignore")
assert Path(dn.__file__).is_relative_to(sys.argv[1]), dn.__file__
t = climate.opened(Path(sys.argv[3]))
t = t.assign_coords(step=("time", np.arange(t.sizes["time"]) % 12))
with dask.config.set(scheduler="threads", num_workers=2):
    dn.adapt(t.isel(time=slice(0, 4)), {arguments})  # compiles
    climate.CountingStore.reads.clear()
    wall, cpu = spent(lambda: dn.adapt(t, {arguments}))
reads = list(climate.CountingStore.reads.values())
print(json.dumps(dict(wall=wall, cpu=cpu, reads=sum(reads) / len(reads))))
"""


def main() -> None:
    """Print a table of the cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("revision", help="the revision to compare with, such as HEAD~5")
    parser.add_argument("--gigabytes", type=float, default=2.0, help="the size of the store")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _checkout(options.revision) as before:
        store = Path(folder) / "t.zarr"
        climate.write(store, options.gigabytes)
        rows = [_row(name, arguments, before, store) for name, arguments in CASES.items()]
    print(table(["`adapt`", "CPU before, s", "CPU now, s", "ratio", "reads per chunk"], rows))


@contextmanager
def _checkout(revision: str) -> Iterator[Path]:
    """Check a revision out in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "before"
        subprocess.run(
            ["git", "worktree", "add", "--quiet", "--detach", path, revision], cwd=ROOT, check=True
        )
        try:
            yield path
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", path], cwd=ROOT, check=True)


def _row(name: str, arguments: str, before: Path, store: Path) -> list[str]:
    """Measure both revisions in turns, and compare the least CPU time of each."""
    runs: dict[Path, list[Figures]] = {before: [], ROOT: []}
    for _ in range(ROUNDS):
        for root, figures in runs.items():
            figures.append(_measure(root, arguments, store))
    old, new = (min(run["cpu"] for run in figures) for figures in runs.values())
    reads = max(run["reads"] for run in runs[ROOT])
    return [name, f"{old:.2f}", f"{new:.2f}", f"{new / old:.3f}", f"{reads:g}"]


def _measure(root: Path, arguments: str, store: Path) -> Figures:
    script = SCRIPT.replace("{arguments}", arguments)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    run = subprocess.run(
        [sys.executable, "-c", script, str(root), str(ROOT), str(store)],
        cwd=store.parent, check=True, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    figures: Figures = json.loads(run.stdout.splitlines()[-1])
    return figures


if __name__ == "__main__":
    main()
