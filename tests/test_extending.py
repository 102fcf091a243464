"""A container and a statistic from outside: the package that docs/extending.md shows, installed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from optional import needs

PAGE = Path(__file__).parent.parent / "docs" / "extending.md"

pytestmark = needs("hatchling", "pip")

LEARNS = """
import sys
import numpy as np, dasknorm as dn
from stations import Stations
data = Stations({"day": np.array([3.0, -5.0, np.nan]), "night": np.array([1, 2, 3])}, "north")
assert "stations_norm" not in sys.modules  # nobody has imported it, nor does this program
dn.adapt(data).save("moments.json")
from root_mean_square import RootMeanSquare
stats = dn.adapt(data, RootMeanSquare())
assert np.isclose(stats.result("rms").series["day"], 17**0.5, rtol=1e-15)
stats.save("rms.json")
"""

LOADS = """
import numpy as np, dasknorm as dn
stats = dn.load("rms.json")
assert type(stats.statistic).__module__ == "root_mean_square"
from stations import Stations
data = Stations({"day": np.array([17**0.5]), "night": np.array([0.0])}, "south")
z = stats.normalize(data)
assert z.owner == "south" and np.isclose(z.series["day"][0], 1.0, rtol=1e-15)
assert float(dn.load("moments.json").mean.series["day"]) == -1.0
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the outsider's distribution in it, built and installed by pip."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for language, block in re.findall(r"```(python|toml)\n(.*?)```", PAGE.read_text(), re.DOTALL):
        if file := re.match(rf"# ([\w.]+\.{'py' if language == 'python' else 'toml'})\n", block):
            (source / file[1]).write_text(block)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--target", target]
    run = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, source], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return target


def _run(code: str, site: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a fresh process that sees the site."""
    first = f"import sys; sys.path[:0] = {[str(site), *sys.path]!r}\n"
    return subprocess.run(
        [sys.executable, "-c", first + code], cwd=folder, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def learned(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which a process has learned and saved statistics."""
    folder = tmp_path_factory.mktemp("learned")
    run = _run(LEARNS, installed, folder)
    assert run.returncode == 0, run.stderr
    return folder


def test_both_are_found_by_their_entry_points(installed: Path, learned: Path) -> None:
    """What one process learned and saves another loads; neither imports the container."""
    run = _run(LOADS, installed, learned)
    assert run.returncode == 0, run.stderr


def test_what_is_not_installed_is_refused(learned: Path, tmp_path: Path) -> None:
    """Without the distribution its files of statistics are refused, with the name that lacks."""
    run = _run("import dasknorm as dn; dn.load('rms.json')", tmp_path, learned)
    assert "StatsFileError" in run.stderr
    assert "'RootMeanSquare', which is not known here" in run.stderr


def test_a_known_object_wakes_no_outsider(installed: Path, tmp_path: Path) -> None:
    """What the package takes by itself never looks at entry points."""
    code = "import sys, numpy as np, dasknorm as dn; dn.adapt(np.ones(3)); "
    code += "assert 'stations_norm' not in sys.modules\n"
    code += "from dasknorm.containers import _strangers; assert not _strangers.cache_info().misses"
    run = _run(code, installed, tmp_path)
    assert run.returncode == 0, run.stderr
