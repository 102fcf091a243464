"""Files of statistics in the formats of other programs: one module for each format.

Used by api, cli and io. To add a format, add a module with a named subclass of `Format` to this
folder, or an entry point in the group ``dasknorm.formats`` to another distribution.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import xarray as xr

from dasknorm.errors import MismatchError, StatsFileError
from dasknorm.io.store.atomic import Data, replace_file, replace_folder, replace_parts
from dasknorm.statistics.registry import Registry

__all__ = [
    "FORMATS",
    "Arrays",
    "Format",
    "FormatValues",
    "Names",
    "check_labelled",
    "combine_variables",
    "format_lag",
    "format_named",
    "read",
    "write",
]

Arrays = Mapping[str, xr.DataArray]
"""One result of each variable, along its kept dimensions."""

Names = Mapping[Any, str] | None
"""The names of variables in files, by their names here."""

Packed = Data | Mapping[str, Data | Mapping[str, Data]]
"""A file, or the files and subfolders of a format in a folder, by name."""


@dataclass(frozen=True)
class FormatValues:
    """Results by name and variable, which all formats read and write.

    Parameters
    ----------
    values : mapping of result to mapping of variable to DataArray
        Those of ``mean``, ``std``, ``min`` and ``max`` that are available, in float64. The std is
        the divisor of `normalize`, and never 0.
    changes : mapping of lag to such a mapping
        A lag is a number of steps, a ``pandas.Timedelta``, a calendar frequency such as ``"MS"``,
        or None if a file does not contain it.
    period : tuple of two str, optional
        The first and last date of the data.
    """

    values: Mapping[str, Arrays]
    changes: Mapping[Hashable, Mapping[str, Arrays]] = field(default_factory=dict)
    period: tuple[str, str] | None = None

    def variables(self) -> list[str]:
        """Return the names of all variables, in their order."""
        return list(dict.fromkeys(name for arrays in self.values.values() for name in arrays))


class Format(ABC):
    """The file format of one program. Subclasses are frozen dataclasses.

    Their fields are the settings of ``stats.export(path, format=..., **settings)`` and
    ``load(path, format=..., **settings)``, and have defaults.

    Invariant: ``read`` returns the values that ``pack`` wrote, except those without a place.
    """

    name: ClassVar[str]

    takes: ClassVar[tuple[str, ...]] = ("mean", "std")
    """The results among ``mean, std, min, max`` that the format has a place for."""

    needs: ClassVar[tuple[str, ...]] = ("mean", "std")
    """The results that its reader requires."""

    of_changes: ClassVar[tuple[str, ...]] = ()
    """The results of changes that the format has a place for."""

    has_lags: ClassVar[bool] = False
    """Whether the format has a place for changes by several lags."""

    @abstractmethod
    def pack(self, numbers: FormatValues, path: Path) -> Packed:
        """Return the bytes to write at `path`; MismatchError if the format cannot store them."""

    @abstractmethod
    def read(self, path: Path) -> FormatValues:
        """Return the values in the files at `path`; StatsFileError if there are none."""

    def owns(self, name: str, variables: Sequence[str]) -> bool:
        """Check whether a file or folder of this name has statistics of these variables."""
        return False


def write(
    form: Format, numbers: FormatValues, path: str | os.PathLike[str], overwrite: bool
) -> None:
    """Write files of a format atomically; other files in the folder stay.

    Raises
    ------
    FileExistsError
        If statistics exist and `overwrite` is False, or if old ones of other variables would stay.
    """
    path = Path(path)
    packed = form.pack(numbers, path)
    if not isinstance(packed, Mapping):
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path} exists: write overwrite=True to replace it")
        replace_file(path, [packed])
    elif path.exists():
        existing = [name for name in os.listdir(path) if form.owns(name, numbers.variables())]
        _check_replaceable(path, set(existing), set(packed), overwrite)
        replace_parts(path, packed)
    else:
        replace_folder(path, _flat(packed), lambda _: False)


def read(form: Format, path: str | os.PathLike[str]) -> FormatValues:
    """Return the values in files of a format; invalid bytes raise StatsFileError."""
    if not os.path.exists(path):
        raise FileNotFoundError(f"no such file or folder: {os.fspath(path)!r}")
    try:
        return form.read(Path(path))
    except (FileNotFoundError, PermissionError, ImportError, MismatchError, TypeError):
        raise
    except StatsFileError as error:
        raise StatsFileError(f"{path}: {error}") from error
    except (OSError, ValueError, KeyError, EOFError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise StatsFileError(f"{path} is not a valid {form.name} file ({reason})") from error


def _check_replaceable(path: Path, existing: set[str], new: set[str], overwrite: bool) -> None:
    if existing and not overwrite:
        raise FileExistsError(
            f"{path} contains statistics, {', '.join(sorted(existing))}: write overwrite=True to "
            "replace them"
        )
    if leftover := existing - new:
        raise FileExistsError(
            f"{path} has {', '.join(sorted(leftover))}, which these statistics do not have, so it "
            "would stay: remove it first, or choose another path"
        )


def _flat(packed: Mapping[str, Data | Mapping[str, Data]]) -> dict[str, Data]:
    files: dict[str, Data] = {}
    for name, part in packed.items():
        if isinstance(part, Mapping):
            files |= {f"{name}/{file}": data for file, data in part.items()}
        else:
            files[name] = part
    return files


FORMATS: Registry[Format] = Registry(
    Format,  # type: ignore[type-abstract]
    "name",
    folder=__name__,
    group="dasknorm.formats",
)


def format_named(name: str, settings: Mapping[str, Any]) -> Format:
    """Return a format; ValueError for an unknown name, TypeError for an unknown setting."""
    cls = FORMATS.find(name)
    if cls is None:
        raise ValueError(f"unknown format {name!r}; there are {', '.join(FORMATS.names())}")
    allowed = [setting.name for setting in fields(cls)]  # type: ignore[arg-type]
    if unknown := [setting for setting in settings if setting not in allowed]:
        raise TypeError(
            f"format {name!r} has no setting {', '.join(unknown)}; it has "
            f"{', '.join(allowed) or 'none'}"
        )
    return cls(**settings)


def format_lag(lag: object) -> str:
    """Return a lag as text: ``1 step``, ``6h``, ``1d``.

    Examples
    --------
    >>> format_lag(2), format_lag(pd.Timedelta("24h")), format_lag(pd.Timedelta("90min"))
    ('2 steps', '1d', '90m')
    """
    if isinstance(lag, str):
        return lag
    if not isinstance(lag, pd.Timedelta):
        return f"{lag} step{'' if lag == 1 else 's'}"
    seconds = lag.total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"


def combine_variables(arrays: Arrays, attrs: Mapping[str, object], who: str) -> xr.Dataset:
    """Return variables as one Dataset; MismatchError unless their labels are the same."""
    try:
        return xr.merge(
            [array.rename(name) for name, array in arrays.items()],
            join="exact",
            compat="no_conflicts",
            combine_attrs="override",
        ).assign_attrs(attrs)
    except ValueError as error:
        raise MismatchError(
            f"{who} has one list of labels for all variables, but these have different ones: "
            f"select some variables, stats.select([...]) ({error})"
        ) from error


def check_labelled(arrays: Arrays, who: str, most: int) -> None:
    """Raise MismatchError for variables along more than `most` dimensions, or without labels."""
    for name, array in arrays.items():
        kept = ", ".join(map(str, array.dims))
        if array.ndim > most:
            place = "one number" if most == 0 else "one number for each level"
            raise MismatchError(
                f"{who} has {place} of a variable, and {name!r} is kept along {kept}: adapt with "
                "fewer dimensions in keep=, or save(...) as dasknorm's own file"
            )
        for dim in array.dims:
            if dim not in array.indexes or array.indexes[dim].nlevels > 1:
                raise MismatchError(
                    f"{who} finds levels by their labels, and {name!r} has "
                    f"{'none' if dim not in array.indexes else 'tuples'} along {dim!r}: add a "
                    "coordinate to the data before adapt"
                )
