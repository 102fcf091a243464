"""The four errors that are dasknorm's own; everything else raises a standard type."""

__all__ = ["ChunkError", "MismatchError", "NotAdaptedError", "StatsFileError"]


class ChunkError(RuntimeError):
    """A chunk of the data could not be read, or killed the workers that read it."""


class MismatchError(ValueError):
    """Data and statistics do not fit: other names, labels, dimensions, sizes or settings."""


class NotAdaptedError(ValueError, AttributeError):
    """A layer was used before ``adapt`` had shown it any data."""


class StatsFileError(ValueError):
    """A statistics file is foreign, cut off, altered, or written by a newer format."""
