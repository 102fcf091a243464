"""Loading: statistics that were saved, if they are whole."""

from os import PathLike

from dasknorm import shards
from dasknorm.errors import StatsFileError
from dasknorm.stats import Stats

__all__ = ["load"]


def load(path: str | PathLike[str]) -> Stats:
    """Return the statistics that `Stats.save` has written.

    Raises FileNotFoundError if there are none, and StatsFileError if the file is foreign, cut off,
    altered, of a newer format, or a checkpoint of work that is not finished.
    """
    from dasknorm import store  # as in Stats.save

    stats = Stats(*store.read(path))
    if unfinished := shards.progress_of(stats.attrs):
        raise StatsFileError(
            f"{str(path)!r} holds {unfinished}: give it to adapt as checkpoint= to go on"
        )
    return stats
