"""`DataFiles`: read data files of one type for `adapt`, and write them transformed.

Used by cli. To add a type of file, add a subclass, and choose it in `paths.data_files`. Objects of
`Transform` are sent to workers, so they must be picklable.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from dasknorm.api.stats import Stats
from dasknorm.blocks import is_numeric
from dasknorm.chunks.progress import Meter
from dasknorm.cli.errors import InputError, quote_names
from dasknorm.cli.masks import Condition
from dasknorm.cli.opening import OpenOptions
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
    dtype : {"float16", "float32", "float64"}, optional
        The dtype of transformed values, to which the files convert them.
    """

    method: Callable[..., Any]
    stats: Stats
    unseen: str
    dtype: str | None = None

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


class Opened(NamedTuple):
    """Lazy data, the columns to select (None: all numeric ones), and a mask if asked for."""

    data: Any
    columns: list[str] | None = None
    where: Any = None


@dataclass(frozen=True)
class DataFiles(ABC):
    """Files of one format that are read together. The class attributes are those of tables.

    Parameters
    ----------
    paths : sequence of Path
        At least one file or folder.
    form : str
        Their format.
    opening : OpenOptions
        The options of the command line.
    """

    paths: Sequence[Path]
    form: str
    opening: OpenOptions

    description: ClassVar[str] = "tables"
    formats: ClassVar[tuple[str, ...]]
    """The formats that can be written."""

    headings: ClassVar[tuple[str, ...]] = ("dtype",)
    """The headings of the columns in `Contents`."""

    is_table: ClassVar[bool] = True

    open_options: ClassVar[tuple[str, ...]] = ()
    """The fields of `OpenOptions` that apply to this type of file."""

    def __post_init__(self) -> None:
        self.opening.check_for(self.description, self.open_options)

    @abstractmethod
    def open_for_adapt(
        self,
        names: Sequence[str],
        keys: Sequence[Hashable],
        condition: Condition | None = None,
    ) -> Opened:
        """Open data lazily, with the values to include if there is a condition."""

    @abstractmethod
    def write_transformed(
        self, transform: Transform, names: Sequence[str], meter: Meter, out: Path, form_out: str
    ) -> Contents:
        """Write transformed data, all or those with some names."""

    @contextmanager
    def explain_errors(self) -> Iterator[None]:
        """Say where the file is wrong if data inside the block cannot be read."""
        yield

    def check_weights(self, weights: str | list[str] | None) -> None:
        """Raise InputError for latitude weights of a table."""
        if weights is not None and self.is_table:
            raise InputError("--weights needs the latitudes of a Zarr store or NetCDF file")


def check_names(names: Sequence[str], dtypes: Mapping[Hashable, object], noun: str) -> None:
    """Raise InputError for names without data, and for data without a mean."""
    if unknown := [name for name in names if name not in dtypes]:
        joined = ",".join(names)
        advice = f"; write a name with commas in quotes: '\"{joined}\"'" if joined in dtypes else ""
        raise InputError(
            f"no {noun} {quote_names(unknown)}; there are {quote_names(dtypes)}{advice}"
        )
    for name in names:
        if not is_numeric(dtypes[name]):
            raise InputError(f"{noun} {name!r} is not numeric: dtype {dtypes[name]}")
