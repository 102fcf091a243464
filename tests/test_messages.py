"""Messages say what was found, what was expected, and what to write instead."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.optional import import_optional, needs

import dasknorm as dn

RNG = np.random.default_rng(5)
FRAME = pd.DataFrame({"a": [1.0, 3.0], "b": [2.0, 8.0]})
STATS = dn.adapt(FRAME)
GRID = xr.Dataset(
    {
        "t": (("time", "lat", "lon"), RNG.normal(size=(24, 3, 4))),
        "u": (("time", "lat", "lon"), RNG.normal(size=(24, 3, 4))),
    },
    {"time": pd.date_range("2000", periods=24, freq="MS")},
)

CALLS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "a class": (lambda: dn.adapt(FRAME, dn.Quantiles), TypeError, r"Write Quantiles\(\)"),
    "a class in a list": (
        lambda: dn.adapt(FRAME, [dn.Moments(), dn.Extrema]),
        TypeError,
        r"Write Extrema\(\)",
    ),
    "a range": (lambda: dn.Extrema((0, 1)), TypeError, r"two numbers.*Write Extrema\(0, 1\)"),
    "a string for a class": (
        lambda: dn.adapt(FRAME, [dn.Moments(), dn.Extrema()]).select_statistic("extrema"),
        TypeError,
        r"got 'extrema'. Available: Moments, Extrema. Write select_statistic\(Extrema\)",
    ),
    "an array for a DataFrame": (
        lambda: STATS.normalize(FRAME.to_numpy()),
        dn.MismatchError,
        r"for columns \['a', 'b'\] of a DataFrame, got a ndarray.*pd.DataFrame\(data, columns=",
    ),
    "an update with an array": (
        lambda: STATS.update(FRAME.to_numpy()),
        dn.MismatchError,
        "got a ndarray without columns",
    ),
    "a check with an array": (
        lambda: STATS.check(FRAME.to_numpy()),
        dn.MismatchError,
        "got a ndarray without columns",
    ),
    "a DataFrame after an array": (
        lambda: dn.adapt(FRAME.to_numpy()).update(FRAME),
        dn.MismatchError,
        r"expected an array without names, got \['a', 'b'\]",
    ),
    "an empty iterable": (lambda: dn.adapt(iter([])), ValueError, "yielded no batches"),
    "columns of an array": (
        lambda: dn.adapt(FRAME.to_numpy(), columns=["a"]),
        TypeError,
        "columns= needs a frame.*got ndarray",
    ),
    "a count of weighted data": (
        lambda: dn.adapt(FRAME, weights=[1.0, 2.0], expect_count="all"),
        ValueError,
        "not supported for weighted or masked data",
    ),
}


@pytest.mark.parametrize("case", CALLS)
def test_wrong_calls(case: str) -> None:
    """A wrong call gets an error with the call that was meant."""
    call, error, message = CALLS[case]
    with pytest.raises(error, match=message):
        call()


def test_attributes_that_exist() -> None:
    """Completion offers the results that the statistics have, and no others."""
    results = {"mean", "std", "variance", "count", "min", "max", "median"}
    for statistic in (dn.Moments(), dn.Extrema(), [dn.Extrema(), dn.Moments()], dn.Quantiles()):
        stats = dn.adapt(FRAME, statistic)
        listed = results.intersection(dir(stats))
        assert listed == {name for name in results if hasattr(stats, name)}
        assert {"normalize", "save", "states"} <= set(dir(stats))


@pytest.mark.parametrize("name", ["s.json", "s.zarr", "s.csv"])
def test_a_folder_that_does_not_exist(tmp_path: Path, name: str) -> None:
    """Saving to a missing folder names the folder."""
    path = tmp_path / "nodir" / name
    with pytest.raises(FileNotFoundError, match=r"the folder '.*nodir' does not exist"):
        STATS.export(path, "csv") if name == "s.csv" else STATS.save(path)
    with pytest.raises(FileNotFoundError, match="nodir"):
        dn.adapt(da.ones(4, chunks=2), checkpoint=path.with_suffix(".json"))


@needs("zarr", "h5netcdf")
@pytest.mark.filterwarnings("ignore:Consolidated metadata")
def test_data_where_statistics_are_expected(tmp_path: Path) -> None:
    """A file of data is no statistics file, and the arguments may be swapped."""
    for version in (2, 3):
        GRID.to_zarr(tmp_path / f"{version}.zarr", zarr_format=version)
    GRID.to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    (tmp_path / "x.json").write_text('{"a": 1}')
    for name in ("2.zarr", "3.zarr", "x.nc", "x.json"):
        with pytest.raises(dn.StatsFileError, match="were the data and the statistics swapped"):
            dn.load(tmp_path / name)


def run_code(message: str, stats: dn.Stats) -> None:
    """Run the code at the end of a message."""
    import matplotlib.pyplot as plt

    exec(message.partition("for example ")[2], {"stats": stats, "plt": plt})
    plt.close("all")


@needs("matplotlib")
def test_plots() -> None:
    """plot() names its argument, and shows code that runs if there are too many dimensions."""
    for argument in ("t", object()):
        with pytest.raises(TypeError, match=r"figure=.*stats.select\(\['t'\]\).plot\(\)"):
            STATS.plot(argument)
    runs = GRID["t"].expand_dims(run=2, member=2)
    array = RNG.normal(size=(5, 2, 3, 4))
    cases = {
        "a Dataset": dn.adapt(GRID, keep=("lat", "lon"), by="time.month"),
        "a DataArray": dn.adapt(GRID["t"], keep=("lat", "lon"), by="time.month"),
        "four dimensions": dn.adapt(runs, keep=("time", "lat", "lon", "run")),
        "extrema": dn.adapt(runs, dn.Extrema(), keep=("time", "lat", "lon")),
        "an array": dn.adapt(array, keep=(1, 2, 3)),
    }
    for stats in cases.values():
        with pytest.raises(dn.MismatchError, match="take one position") as error:
            stats.plot()
        run_code(str(error.value), stats)


@needs("torch")
def test_an_array_in_a_torch_module() -> None:
    """A module takes tensors, and says how to make one."""
    torch = import_optional("torch")
    module = STATS.to_torch()
    for function in (module, module.inverse):
        with pytest.raises(TypeError, match=r"pass a tensor, got ndarray: torch.as_tensor\(x\)"):
            function(FRAME.to_numpy())
    assert module(torch.as_tensor(FRAME.to_numpy().copy())).shape == (2, 2)


LAZY = xr.Dataset({name: (("x", "y"), da.ones((8, 3), chunks=(2, 3))) for name in "abcd"})

CHANGES: dict[str, tuple[Any, dict[str, Any], str]] = {
    "data": (LAZY + 1, {}, "the data of 'a', 'b', 'c' and 1 more differ"),
    "one variable": (LAZY.assign(b=LAZY["b"] + 1), {}, "the data of 'b' differ"),
    "variables": (LAZY[["a", "b"]], {}, "its variables are 'a', 'b', 'c', 'd', and now 'a', 'b'"),
    "statistic": (
        LAZY,
        {"statistic": dn.Extrema()},
        r"the statistic in it: Moments\(\), and now: Extrema\(\)",
    ),
    "dimensions": (
        LAZY,
        {"over": "x"},
        r"the reduced dimensions in it: \['x', 'y'\], and now: \['x'\]",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_checkpoint_of_a_different_call(tmp_path: Path, case: str) -> None:
    """The error says which data or arguments differ, briefly."""
    data, arguments, message = CHANGES[case]
    dn.adapt(LAZY, checkpoint=tmp_path / "c.json")
    with pytest.raises(dn.MismatchError, match=f"belongs to a different call: {message}. Use"):
        dn.adapt(data, checkpoint=tmp_path / "c.json", **arguments)


def test_one_graph() -> None:
    """A plan with one graph says so in the singular."""
    assert "in 1 graph\n" in repr(dn.plan(np.ones(3)))
