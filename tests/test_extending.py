"""A container, a statistic and a format of another package, as docs/extending.md shows them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.optional import needs

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

USES = """
import sys
import numpy as np, pandas as pd, dasknorm as dn
from click.testing import CliRunner
from stations import Stations
from dasknorm.cli import main
from dasknorm.statistics.registry import STATISTICS

def run(command):
    result = CliRunner().invoke(main, command.split())
    assert result.exit_code == 0, result.output
    return result.output

assert "rootmeansquare" in run("adapt --help")
assert "control" in run("export --help")
assert not {"root_mean_square", "control_file", "stations_norm"} & set(sys.modules)

pd.DataFrame({"day": [3.0, -5.0], "night": [1.0, 7.0]}).to_csv("data.csv", index=False)
run("adapt data.csv -o rms.json --statistic rootmeansquare,moments")
run("adapt data.csv -o sqrt.json --statistic night=sqrt:rootmeansquare")
stats = dn.load("rms.json")
RootMeanSquare = STATISTICS.find("RootMeanSquare")
assert stats.statistic == dn.MultiStatistic((RootMeanSquare(), dn.Moments()))
assert np.allclose(stats.result("rms"), [17**0.5, 5.0], rtol=1e-15)
assert np.isclose(dn.load("sqrt.json").result("rms")["night"], 2.0, rtol=1e-15)
z = stats.normalize(pd.read_csv("data.csv"))
assert np.allclose(z["night"], [0.2, 1.4], rtol=1e-15)
assert stats.to_sklearn().transform(pd.read_csv("data.csv"))[1, 1] == z["night"][1]
assert stats.check(pd.read_csv("data.csv") * 4).failures.keys() == {"day", "night"}
assert stats.select_statistic(RootMeanSquare).plot().axes
run("check rms.json data.csv")
assert stats.merge(stats).result("count").tolist() == [4.0, 4.0]

run("export rms.json model.txt --format control --set separator=;")
assert open("model.txt").read().splitlines()[0] == "day;-1.0;4.0"
assert dn.load("model.txt", "control", separator=";").std["night"] == 3.0
assert "day" in run("show model.txt --format control --set separator=;")
left_out = stats.select(["day"]).export("model.txt", "control", overwrite=True)
assert "the rms" in left_out

data = Stations({"day": np.array([3.0, -5.0]), "night": np.array([1.0, 7.0])}, "north")
both = dn.adapt(data, {"day": RootMeanSquare(), ...: dn.Moments()})
both.save("both.nc")
assert dn.load("both.nc") == both
assert both.check(data).passed
assert both.select(["day"]).plot().axes
assert both.normalize(data).owner == "north"
both.select(["night"]).export("night.txt", "control")
assert open("night.txt").read() == "night 4.0 3.0"
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


@needs("sklearn", "matplotlib", "click", "rich", "h5netcdf")
@pytest.mark.filterwarnings("ignore:.*inplace keyword")
def test_they_are_used_everywhere(installed: Path, tmp_path: Path) -> None:
    """Statistics are saved, checked, plotted and exported, and the command line offers both."""
    run = _run(USES, installed, tmp_path)
    assert run.returncode == 0, run.stderr


def test_what_is_not_installed_is_refused(learned: Path, tmp_path: Path) -> None:
    """Without the distribution its files of statistics are refused, with the name that lacks."""
    run = _run("import dasknorm as dn; dn.load('rms.json')", tmp_path, learned)
    assert "StatsFileError" in run.stderr
    assert "unknown statistic 'RootMeanSquare'; available: Moments" in run.stderr


def test_a_known_object_wakes_no_outsider(installed: Path, tmp_path: Path) -> None:
    """What the package takes by itself never looks at entry points."""
    code = "import sys, numpy as np, dasknorm as dn; dn.adapt(np.ones(3)); "
    code += "assert 'stations_norm' not in sys.modules\n"
    code += "from dasknorm.containers import _entry_points as points\n"
    code += "assert not points.cache_info().misses"
    run = _run(code, installed, tmp_path)
    assert run.returncode == 0, run.stderr
