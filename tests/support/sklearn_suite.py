"""scikit-learn's own tests of its StandardScaler, run with another class in its place.

A plugin of pytest, and `outcomes`, which starts a pytest of its own with it: for the tests, and for
the table of docs/sklearn.md.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["pytest_configure", "pytest_runtest_logreport", "pytest_sessionfinish", "run_suite"]

TEST_MODULE = "sklearn.preprocessing.tests.test_data"
CLASS_VARIABLE, FILE_VARIABLE = "DASKNORM_TESTED_CLASS", "DASKNORM_OUTCOMES"

_outcomes: dict[str, str] = {}


def run_suite(scaler: str, which: str = "standard_scaler") -> dict[str, str]:
    """Return passed, failed or skipped for each test, given a class as ``"module:name"``."""
    tests = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "outcomes.json"
        paths = [str(tests), str(tests.parent), os.environ.get("PYTHONPATH", "")]
        env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            CLASS_VARIABLE: scaler,
            FILE_VARIABLE: str(file),
        }
        plugins = ["-p", "support.sklearn_suite", "-p", "no:cacheprovider"]
        options = [*plugins, "-q", "--tb=no", "-W", "ignore"]
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "--pyargs", TEST_MODULE, "-k", which, *options],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        if not file.exists():
            raise RuntimeError(f"the tests of {scaler} did not run:\n{run.stdout}{run.stderr}")
        return json.loads(file.read_text())


def pytest_configure(config: Any) -> None:
    """Replace the class that scikit-learn's test file imports by the tested one."""
    if CLASS_VARIABLE in os.environ:
        import sklearn.preprocessing

        module, name = os.environ[CLASS_VARIABLE].split(":")
        sklearn.preprocessing.StandardScaler = getattr(importlib.import_module(module), name)


def pytest_runtest_logreport(report: Any) -> None:
    """Remember how each test came out: in setting up, in its call, or in cleaning up."""
    name = report.nodeid.split("::")[-1]
    if report.outcome != "passed" or report.when == "call":
        _outcomes[name] = report.outcome


def pytest_sessionfinish() -> None:
    """Write the outcomes to the file."""
    if FILE_VARIABLE in os.environ:
        Path(os.environ[FILE_VARIABLE]).write_text(json.dumps(_outcomes))
