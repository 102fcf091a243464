"""scikit-learn's own tests of StandardScaler, passed by whom."""

from collections import Counter
from importlib.metadata import version
from importlib.util import find_spec

from benchmarks.report import Report, table
from tests.support.sklearn_suite import run_suite

__all__ = ["run"]

CLASSES = {
    "scikit-learn": "sklearn.preprocessing:StandardScaler",
    "dasknorm": "dasknorm.sklearn:StandardScaler",
    "dask-ml": "dask_ml.preprocessing:StandardScaler",
}


def run(size: float) -> Report:
    """Run them with each class that is installed; all of them, whatever the size."""
    results = {
        name: run_suite(scaler)
        for name, scaler in CLASSES.items()
        if find_spec(scaler.split(":")[0].split(".")[0])
    }
    counts = {name: Counter(found.values()) for name, found in results.items()}
    names = sorted({test.split("[")[0] for found in results.values() for test in found})
    said = (
        f"Of scikit-learn {version('scikit-learn')}, `sklearn.preprocessing.tests.test_data -k "
        "standard_scaler`, with the class in the place of its own; passed of those run (the others "
        "are skipped, for want of a GPU library or the like):"
    )
    rows = [[f"`{test}`", *(_passed(found, test) for found in results.values())] for test in names]
    rows = [row for row in rows if set(row[1:]) != {"0 of 0"}]
    rows.append(
        ["**all**", *(f"**{c['passed']} of {c['passed'] + c['failed']}**" for c in counts.values())]
    )
    return Report("\n\n".join([said, table(["", *results], rows)]), page="sklearn.md")


def _passed(found: dict[str, str], test: str) -> str:
    mine = Counter(outcome for name, outcome in found.items() if name.split("[")[0] == test)
    return f"{mine['passed']} of {mine['passed'] + mine['failed']}"
