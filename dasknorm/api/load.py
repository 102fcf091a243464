"""Load statistics that were saved (`load`), or written by another program.

Used by users, through `dasknorm`, and by `cli`. File types are defined in `io`.
"""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from dasknorm.api import shards
from dasknorm.api.stats import Stats
from dasknorm.errors import StatsFileError


def load(
    path: str | PathLike[str],
    format: str | None = None,
    *,
    names: Mapping[Any, str] | None = None,
    lag: object = None,
    container: str = "xarray.Dataset",
    **settings: Any,
) -> Stats:
    """Load statistics from a file of `Stats.save`, or from the file format of another program.

    Statistics of other programs have no count, and so cannot be merged. If they include
    tendencies, ``stats.tendency()`` returns them; their mean is 0 if the format has none, as the
    program itself assumes.

    Parameters
    ----------
    path : path-like
        A file of `Stats.save`, or a file or folder of the format.
    format : str, optional
        The format of another program, as in `Stats.export`.
    names : mapping, optional
        The names of the variables in the file, by the names to use here.
    lag : int, str or mapping, optional
        The lag of the tendencies, if the format does not store it: ``"6h"``, ``{"time": "6h"}``.
        The default is one step along ``time``.
    container : {"xarray.Dataset", "pandas.DataFrame"}
        Whether the statistics are per variable, or per column of a DataFrame.
    **settings
        Settings of the format, such as ``channels=["t850", "z500"]``.

    Returns
    -------
    Stats

    Raises
    ------
    FileNotFoundError
        If there is no file.
    StatsFileError
        If the file is of another kind, truncated, altered, of a newer format, or a checkpoint of
        unfinished work.
    MismatchError
        If names, levels or channels do not match the file.

    Examples
    --------
    >>> import dasknorm as dn
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     dn.Stats.from_values(3.0, std=2.0).save(f"{folder}/stats.json")
    ...     float(dn.load(f"{folder}/stats.json").std)
    2.0
    """
    if format is not None:
        return _load_format(path, format, names, lag, container, settings)
    if names or settings or lag is not None:
        raise TypeError("names=, lag= and settings belong to a format: give format= as well")
    from dasknorm.io import store  # takes a fifth of the import time

    stats = Stats(*store.read(path))
    if unfinished := shards.progress_of(stats.attrs):
        raise StatsFileError(
            f"{str(path)!r} holds {unfinished}: pass it to adapt as checkpoint= to resume"
        )
    return stats


def _load_format(
    path: str | PathLike[str],
    format: str,
    names: Mapping[Any, str] | None,
    lag: object,
    container: str,
    settings: Mapping[str, Any],
) -> Stats:
    from dasknorm.io.formats import format_named
    from dasknorm.io.formats.states import load_states

    states, kind = load_states(path, format_named(format, settings), names, lag, container)
    return Stats(states, kind, {"given": True, "format": format, "source": [Path(path).name]})
