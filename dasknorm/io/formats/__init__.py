"""Files of statistics in the formats of other programs: one module for each format.

Used by api, cli and io.
A format is a subclass of `Format` with a name. It is found in this folder, or by an entry point of
another distribution in the group ``dasknorm.formats``. A format has results by variable name, and
no states.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar

from dasknorm.errors import MismatchError, StatsFileError
from dasknorm.io.formats.format_values import FormatValues
from dasknorm.io.store.atomic import Data, replace_file, replace_folder, replace_parts
from dasknorm.statistics.registry import Registry

__all__ = ["FORMATS", "Format", "format_named", "read", "write"]

Packed = Data | Mapping[str, Data | Mapping[str, Data]]
"""A file, or what of a folder is a format's: files by name, and folders of files."""


class Format(ABC):
    """How the statistics of one program are laid out. Subclasses are frozen dataclasses.

    Their fields are what a user may set by ``stats.export(path, format=..., **settings)`` and
    ``load(path, format=..., **settings)``, and all have defaults.

    Law, but for what the format has no place for: ``read`` gives what ``pack`` was given.
    """

    name: ClassVar[str]
    """What a user calls it."""

    takes: ClassVar[tuple[str, ...]] = ("mean", "std")
    """The readings that there is a place for, of ``mean, std, min, max``."""

    needs: ClassVar[tuple[str, ...]] = ("mean", "std")
    """Those without which its reader can do nothing."""

    of_changes: ClassVar[tuple[str, ...]] = ()
    """The readings of changes that there is a place for; none if there is no place for changes."""

    has_lags: ClassVar[bool] = False
    """Whether there is place for changes by several lags, told apart by name."""

    @abstractmethod
    def pack(self, numbers: FormatValues, path: Path) -> Packed:
        """Return the bytes to write at `path`, where there may be more already.

        Raises MismatchError for what the format cannot hold.
        """

    @abstractmethod
    def read(self, path: Path) -> FormatValues:
        """Return what the files at `path` say; StatsFileError if that is not in them."""

    def owns(self, name: str, variables: Sequence[str]) -> bool:
        """Tell whether a file or folder of this name has statistics of these variables."""
        return False


def write(
    form: Format, numbers: FormatValues, path: str | os.PathLike[str], overwrite: bool
) -> None:
    """Write numbers as a format has them, all or nothing; what else is there stays.

    Raises
    ------
    FileExistsError
        If statistics are there already, and are not to be replaced; or if some would be left that
        the new ones do not have.
    """
    path = Path(path)
    packed = form.pack(numbers, path)
    if not isinstance(packed, Mapping):
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path} is there already: write overwrite=True to replace it")
        replace_file(path, [packed])
    elif path.exists():
        existing = [name for name in os.listdir(path) if form.owns(name, numbers.variables())]
        _refuse_others(path, set(existing), set(packed), overwrite)
        replace_parts(path, packed)
    else:
        replace_folder(path, _flat(packed), lambda _: False)


def read(form: Format, path: str | os.PathLike[str]) -> FormatValues:
    """Return what files of a format say; what a library says of bytes is a StatsFileError."""
    if not os.path.exists(path):
        raise FileNotFoundError(f"no such file or folder: {os.fspath(path)!r}")
    try:
        return form.read(Path(path))
    except (FileNotFoundError, PermissionError, ImportError, MismatchError, TypeError):
        raise
    except StatsFileError as error:
        raise StatsFileError(f"{path}: {error}") from error
    except (OSError, ValueError, KeyError, EOFError) as error:
        what = f"{type(error).__name__}: {error}"
        raise StatsFileError(f"{path} is not as {form.name} has it ({what})") from error


def _refuse_others(path: Path, existing: set[str], new: set[str], overwrite: bool) -> None:
    if existing and not overwrite:
        raise FileExistsError(
            f"{path} has statistics already, {', '.join(sorted(existing))}: write overwrite=True "
            "to replace them"
        )
    if leftover := existing - new:
        raise FileExistsError(
            f"{path} has {', '.join(sorted(leftover))}, which these statistics do not, and which "
            "would stay there beside them: remove it first, or write to another place"
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
    """Return the format of that name with these settings.

    Raises
    ------
    ValueError
        If no format is called so.
    TypeError
        If it has no such settings.
    """
    cls = FORMATS.find(name)
    if cls is None:
        raise ValueError(f"no format is called {name!r}; there are {', '.join(FORMATS.names())}")
    allowed = [setting.name for setting in fields(cls)]  # type: ignore[arg-type]
    if unknown := [setting for setting in settings if setting not in allowed]:
        raise TypeError(
            f"format {name!r} has no setting {', '.join(unknown)}; it has "
            f"{', '.join(allowed) or 'none'}"
        )
    return cls(**settings)
