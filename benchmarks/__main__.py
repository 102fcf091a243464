"""``python -m benchmarks``: measure, print, and write the figures into the pages."""

import argparse
from pathlib import Path

from benchmarks import (
    accuracy,
    chunks,
    climatology,
    copies,
    graphs,
    groups,
    memory,
    parquet,
    quantiles,
    rivals,
    scale,
    scaler_tests,
    scalers,
    start,
    statistics,
    stores,
    tendencies,
    updates,
    weights,
    wide,
)
from benchmarks.report import Report, publish

ROOT = Path(__file__).parents[1]

PARTS = {
    # name: (what runs, its size in full, its size when quick)
    "accuracy": (accuracy.run, 1_000_000, 10_000),
    "rivals": (rivals.run, 0.2, 0.005),
    "graphs": (graphs.run, 10_000, 500),
    "stores": (stores.run, 2.0, 0.1),
    "weights": (weights.run, 2.0, 0.1),
    "copies": (copies.run, 1.0, 0.1),
    "parquet": (parquet.run, 1.0, 0.02),
    "memory": (memory.run, 2.0, 0.1),
    "chunks": (chunks.run, 10_000, 200),
    "wide": (wide.run, 64, 2),
    "scale": (scale.run, 1_000_000, 1_000),
    "scalers": (scalers.run, 4_000_000, 100_000),
    "scaler_tests": (scaler_tests.run, 1, 1),
    "groups": (groups.run, 10_000_000, 100_000),
    "quantiles": (quantiles.run, 10_000_000, 100_000),
    "statistics": (statistics.run, 20_000_000, 200_000),
    "updates": (updates.run, 300, 20),
    "climatology": (climatology.run, 2.0, 0.1),
    "tendencies": (tendencies.run, 2.0, 0.1),
    "start": (start.run, 3, 1),
}


def main() -> None:
    """Run the parts named, or all of them."""
    options = _options()
    for name in options.part:
        run, full, quick = PARTS[name]
        report = run(options.size or (quick if options.quick else full))
        print(f"\n## {name}\n\n{report.full}\n", flush=True)
        if not options.quick and not options.size:
            _write(name, report)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("part", nargs="*", default=list(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="small sizes; nothing is written")
    parser.add_argument("--size", type=float, help="another size; nothing is written")
    options = parser.parse_args()
    if unknown := set(options.part) - PARTS.keys():
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return options


def _write(name: str, report: Report) -> None:
    publish(ROOT / "docs" / report.page, name, report.full)
    if report.short:
        publish(ROOT / "README.md", name, report.short)


main()
