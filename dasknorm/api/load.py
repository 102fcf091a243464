"""Loading: statistics that were saved, if they are whole, or that other programs have written."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from dasknorm.api import shards
from dasknorm.api.stats import Stats
from dasknorm.errors import StatsFileError

__all__ = ["load"]


def load(
    path: str | PathLike[str],
    format: str | None = None,
    *,
    names: Mapping[Any, str] | None = None,
    lag: Any = None,
    container: str = "xarray.Dataset",
    **settings: Any,
) -> Stats:
    """Return the statistics that `Stats.save` has written, or another program in its own format.

    Those of other programs have no count, and so merge with nothing. Where there are changes,
    ``stats.tendency()`` has them; their mean is 0 where the format has none, as its own program
    takes it to be.

    Parameters
    ----------
    path : path
        What `Stats.save` has written, or a file or folder of the format.
    format : str, optional
        That of another program, as for `Stats.export`.
    names : mapping, optional
        What variables are called there, by what they are called here.
    lag : int, str or mapping, optional
        By how much changes are, where the format does not say it: ``"6h"``, ``{"time": "6h"}``.
        One step along ``time`` unless given.
    container : {"xarray.Dataset", "pandas.DataFrame"}
        Whether they are of variables, or of the columns of frames.
    **settings
        Of the format, such as ``channels=["t850", "z500"]``.

    Raises
    ------
    FileNotFoundError
        If there are none.
    StatsFileError
        If the file is foreign, cut off, altered, of a newer format, or a checkpoint of work that is
        not finished.
    MismatchError
        If names, levels or channels do not fit what is there.
    """
    if format is not None:
        return _imported(path, format, names, lag, container, settings)
    if names or settings or lag is not None:
        raise TypeError("names=, lag= and settings are those of a format: name it, format=")
    from dasknorm.io import store  # as in Stats.save

    stats = Stats(*store.read(path))
    if unfinished := shards.progress_of(stats.attrs):
        raise StatsFileError(
            f"{str(path)!r} holds {unfinished}: give it to adapt as checkpoint= to go on"
        )
    return stats


def _imported(
    path: Any, format: str, names: Any, lag: Any, container: str, settings: Mapping[str, Any]
) -> Stats:
    from dasknorm.io import formats  # for those who are handed files
    from dasknorm.io.formats import load as importing

    form = formats.format_named(format, settings)
    found = importing.imported(path, form, names, lag, container)
    return Stats(*found, {"given": True, "format": format, "source": [Path(path).name]})
