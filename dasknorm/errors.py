"""The three errors that are dasknorm's own; everything else raises a standard type."""

__all__ = ["MismatchError", "NotAdaptedError", "StatsFileError"]


class MismatchError(ValueError):
    """Data and statistics do not fit: other names, labels, dimensions, sizes or settings."""


class NotAdaptedError(ValueError, AttributeError):
    """A layer was used before ``adapt`` had shown it any data."""


class StatsFileError(ValueError):
    """A statistics file is foreign, cut off, altered, or written by a newer format."""
