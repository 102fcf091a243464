"""`DataFiles`: read data files of one type for `adapt`, and write them transformed.

Used by cli. To add a type of file, add a subclass, and choose it in `paths.data_files`. Objects of
`Transform` are sent to workers, so they must be picklable.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from dasknorm.api.stats import Stats
from dasknorm.blocks import is_numeric
from dasknorm.chunks.progress import Meter
from dasknorm.cli.errors import InputError, quote_names
from dasknorm.fields.matching import names_of
from dasknorm.fields.selection import Selection

Contents = dict[str, tuple[str, ...]]
"""What was written: cells of a table row by variable."""


@dataclass(frozen=True)
class Transform:
    """A map from data to data of the same type; lazy data stay lazy.

    Parameters
    ----------
    method : callable
        ``Stats.normalize`` or ``Stats.inverse``.
    stats : Stats
        The statistics to apply.
    unseen : {"error", "nan"}
        The treatment of rows whose group is not in the statistics.
    """

    method: Callable[..., Any]
    stats: Stats
    unseen: str

    def __call__(self, data: Any) -> Any:
        return self.method(self.stats, data, unseen=self.unseen)

    @property
    def keys(self) -> tuple[Hashable, ...]:
        """The columns that identify the group of a row; empty without groups."""
        return Selection.from_states(self.stats.states).by

    @property
    def columns(self) -> list[Hashable]:
        """The columns that the statistics describe."""
        return names_of(self.stats.states)


@dataclass(frozen=True)
class DataFiles(ABC):
    """Files of one format that are read together. The class attributes are those of tables.

    Parameters
    ----------
    paths : sequence of Path
        At least one file or folder.
    form : str
        Their format.
    """

    paths: Sequence[Path]
    form: str

    description: ClassVar[str] = "tables"
    formats: ClassVar[tuple[str, ...]]
    """The formats that can be written."""

    headings: ClassVar[tuple[str, ...]] = ("dtype",)
    """The headings of the columns in `Contents`."""

    is_table: ClassVar[bool] = True

    @abstractmethod
    def open_for_adapt(
        self, names: Sequence[str], keys: Sequence[Hashable]
    ) -> tuple[Any, list[str] | None]:
        """Open data lazily; return them with the columns to select (None: all numeric ones)."""

    @abstractmethod
    def write_transformed(
        self, transform: Transform, names: Sequence[str], meter: Meter, out: Path, form_out: str
    ) -> Contents:
        """Write transformed data, all or those with some names."""

    def check_weights(self, weights: str | None) -> None:
        """Raise InputError for latitude weights of a table."""
        if weights is not None and self.is_table:
            raise InputError("--weights needs the latitudes of a Zarr store or NetCDF file")


def check_names(names: Sequence[str], dtypes: Mapping[Hashable, object], noun: str) -> None:
    """Raise InputError for names without data, and for data without a mean."""
    if unknown := [name for name in names if name not in dtypes]:
        raise InputError(f"no {noun} {quote_names(unknown)}; there are {quote_names(dtypes)}")
    for name in names:
        if not is_numeric(dtypes[name]):
            raise InputError(f"{noun} {name!r} has dtype {dtypes[name]}: it has no mean")
