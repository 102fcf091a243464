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

__all__ = ["outcomes", "pytest_configure", "pytest_runtest_logreport", "pytest_sessionfinish"]

WHERE = "sklearn.preprocessing.tests.test_data"
CLASS, FILE = "DASKNORM_TESTED_CLASS", "DASKNORM_OUTCOMES"

_seen: dict[str, str] = {}


def outcomes(scaler: str, which: str = "standard_scaler") -> dict[str, str]:
    """Return passed, failed or skipped for each test, given a class as ``"module:name"``."""
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "outcomes.json"
        paths = [str(here), str(here.parent), os.environ.get("PYTHONPATH", "")]
        env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            CLASS: scaler,
            FILE: str(file),
        }
        options = ["-p", "rebound", "-p", "no:cacheprovider", "-q", "--tb=no", "-W", "ignore"]
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "--pyargs", WHERE, "-k", which, *options],
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
    """Put the class to be tested where scikit-learn's test file will import it from."""
    if CLASS in os.environ:
        import sklearn.preprocessing

        module, name = os.environ[CLASS].split(":")
        sklearn.preprocessing.StandardScaler = getattr(importlib.import_module(module), name)


def pytest_runtest_logreport(report: Any) -> None:
    """Remember how each test came out: in setting up, in its call, or in cleaning up."""
    name = report.nodeid.split("::")[-1]
    if report.outcome != "passed" or report.when == "call":
        _seen[name] = report.outcome


def pytest_sessionfinish() -> None:
    """Write down what was seen."""
    if FILE in os.environ:
        Path(os.environ[FILE]).write_text(json.dumps(_seen))
