"""A release: the files of a distribution, and the workflows that build and publish it."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.optional import needs

import dasknorm

ROOT = Path(__file__).parent.parent
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
WRITES = {"release.yml": {("publish", "id-token"), ("publish", "attestations")}}


def _build(source: Path, out: Path) -> dict[str, bytes]:
    """Return wheel and sdist by name, built as of a fixed time."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(out)],
        cwd=source,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1700000000"},
        check=True,
        capture_output=True,
    )
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel and the sdist."""
    out = tmp_path_factory.mktemp("dist")
    _build(ROOT, out)
    return out


def _names(built: Path) -> tuple[set[str], set[str]]:
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as inside, tarfile.open(sdist) as packed:
        top = f"dasknorm-{dasknorm.__version__}/"
        return set(inside.namelist()), {name.removeprefix(top) for name in packed.getnames()}


@needs("hatchling")
def test_builds_are_equal(built: Path, tmp_path: Path) -> None:
    """What is built of a copy elsewhere, of another age and with rubbish in it, is the same."""
    with tarfile.open(next(built.glob("*.tar.gz"))) as packed:
        packed.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    for path in source.rglob("*"):
        os.utime(path, (1e9, 1e9))
    (source / "dasknorm" / "__pycache__").mkdir()
    (source / "dasknorm" / "__pycache__" / "stats.cpython-311.pyc").touch()
    (source / "notes.txt").touch()
    again = _build(source, tmp_path / "out")
    assert again == {path.name: path.read_bytes() for path in built.iterdir()}


@needs("hatchling")
def test_the_wheel_is_the_package(built: Path) -> None:
    """The wheel has the package, its mark of types and the licence, and nothing else."""
    inside, _ = _names(built)
    package = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "dasknorm").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    meta = f"dasknorm-{dasknorm.__version__}.dist-info"
    about = {f"{meta}/{n}" for n in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    assert inside == package | about | {f"{meta}/licenses/LICENSE"}
    assert "dasknorm/py.typed" in inside


@needs("hatchling")
def test_the_sdist_can_be_tested(built: Path) -> None:
    """The sdist has what the tests need, and nothing that is hidden or made."""
    _, packed = _names(built)
    assert packed >= {"tests/conftest.py", "conftest.py", "docs/design.md", "LICENSE", "Makefile"}
    assert not [
        name for name in packed if re.search(r"__pycache__|\.venv|\.git/|(^|/)_build/", name)
    ]


@needs("hatchling")
def test_an_installed_wheel_works(built: Path, tmp_path: Path) -> None:
    """The wheel's own files adapt and normalize, far from the sources."""
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "site")
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import dasknorm as dn\n"
    code += "import numpy as np; x = np.arange(6.0).reshape(3, 2); dn.adapt(x).normalize(x)\n"
    code += "print(dn.__file__)"
    run = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith(str(tmp_path))


def test_the_version_is_one() -> None:
    """The citation and the changelog name the version that is built."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == project["version"]
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text()
    assert citation["license"] == project["license"]


def _jobs(path: Path) -> dict[str, Any]:
    jobs: dict[str, Any] = yaml.safe_load(path.read_text())["jobs"]
    return jobs


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned(path: Path) -> None:
    """Every action is named by a whole commit, with its version beside it."""
    lines = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        assert re.search(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line
    pinned = [
        step["uses"] for job in _jobs(path).values() for step in job["steps"] if "uses" in step
    ]
    assert len(pinned) == len(lines)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_permissions_are_least(path: Path) -> None:
    """A workflow may nothing, its jobs read, and only what publishes signs; no token is kept."""
    assert yaml.safe_load(path.read_text())["permissions"] == {}
    for name, job in _jobs(path).items():
        writes = {(name, what) for what, how in job["permissions"].items() if how != "read"}
        assert writes <= WRITES.get(path.name, set())
        assert job["timeout-minutes"] <= 60
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
            assert "secrets." not in str(step)
            assert "${{" not in step.get("run", ""), "an expression in a script can be an injection"


def test_what_dependabot_offers_has_aged() -> None:
    """New versions are taken up days after they came out."""
    if not GITHUB.exists():
        pytest.skip("an sdist has no workflows")
    updates = yaml.safe_load((GITHUB / "dependabot.yml").read_text())["updates"]
    assert {item["package-ecosystem"] for item in updates} == {"github-actions", "pip"}
    assert all(item["cooldown"]["default-days"] >= 7 for item in updates)
