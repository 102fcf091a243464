"""The errors of dasknorm; all other errors have standard types.

Used by api, blocks, chunks, cli, containers, fields, io, layer, reports, sklearn, statistics and
testing. Users catch them by name.
"""

__all__ = ["ChunkError", "MismatchError", "NotAdaptedError", "StatsFileError"]


class ChunkError(RuntimeError):
    """A chunk of the data could not be read, or crashed the workers that read it."""


class MismatchError(ValueError):
    """Data and statistics differ in names, labels, dimensions, sizes or settings."""


class NotAdaptedError(ValueError, AttributeError):
    """A layer was used before `adapt`."""


class StatsFileError(ValueError):
    """A statistics file is unsupported, truncated, altered, or has a newer format."""
