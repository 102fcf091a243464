"""Convert supported data types to fields and back: `Container`, and the registry of containers.

Used by `api`, `containers`, `layer`, `sklearn` and `testing`. The methods of `Container` are an
interface for other packages; the look-up of containers can change freely.

A file of this folder is named after a library, or one of its modules (``dask_dataframe.py``). It is
imported with the first object of its type, and registers its containers by `register`, as other
packages do. Their containers are found by an entry point in the group ``dasknorm.containers``,
named after the library.
"""

import importlib
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from dasknorm.containers.coordinate_weights import weight_names
from dasknorm.fields import Field, Fields, State, States
from dasknorm.fields.matching import Kept
from dasknorm.fields.selection import Selection

__all__ = [
    "NO_SELECTION",
    "Container",
    "Fields",
    "Selection",
    "container_named",
    "container_of",
    "find_container",
    "register",
    "unsupported_type",
]

T = TypeVar("T")
C = TypeVar("C", bound="Container[Any]")
K = TypeVar("K")

NO_SELECTION = Selection()
"""All numeric columns, without groups."""


class Container(ABC, Generic[T]):
    """Convert objects of one type to fields and back.

    Invariants, for any data ``x`` of the type:

    * ``rebuild(x, fields(x))`` equals ``x``, and shares no more writable memory than ``fields(x)``;
    * ``fields`` computes nothing and changes nothing;
    * ``parse_values(make_results(values))`` has the names, dimensions, labels and numbers of
      ``values``.

    ``dasknorm.testing.check_container`` tests them.
    """

    name: ClassVar[str]
    """The type of results: ``"pandas.DataFrame"``, also for a Dask DataFrame."""

    combined_name: ClassVar[str | None] = None
    """The type of results of multiple such objects together; None if they cannot be combined."""

    has_coordinates: ClassVar[bool] = False
    """Whether weights may be a string, such as ``"area"``, which uses the coordinates."""

    @abstractmethod
    def fields(self, data: T, selection: Selection = NO_SELECTION) -> Fields:
        """Return the numeric fields of `data`, with the selected columns and groups.

        Raise TypeError if nothing is numeric. A container without names for columns and groups
        calls `check_no_selection`.
        """

    @abstractmethod
    def rebuild(self, data: T, fields: Fields) -> T:
        """Return an object like `data`, with these fields in place of its fields."""

    @abstractmethod
    def make_results(self, values: Fields) -> object:
        """Return statistics, one number per output element, as users of this type expect them."""

    @abstractmethod
    def parse_values(self, values: T) -> tuple[str, Fields]:
        """Return the container name and the fields of known statistics, such as a mean.

        A pandas Series, for example, has the statistics of a DataFrame.
        """

    def check_excluded(self, data: T, selection: Selection) -> T:
        """Return `data` to adapt on; TypeError if a column with numbers would be left out.

        Columns of objects, lists or structs have no numeric dtype, but may have numbers. Lazy data
        are returned with a check of each partition.
        """
        return data

    def excluded_dtypes(self, data: T) -> dict[Hashable, object]:
        """Return the dtypes of the columns or variables that are not numeric."""
        return {}

    def check_no_selection(self, data: T, selection: Selection) -> None:
        """Raise TypeError if columns or groups are selected."""
        if selection.columns is not None or selection.by:
            raise TypeError(
                "columns= needs a frame, and by= a frame or an xarray object; got "
                f"{type(data).__name__}"
            )

    def summarize(
        self, data: T, fields: Fields, kept: Kept, weights: object = None, where: object = None
    ) -> dict[Hashable, State]:
        """Return the states of the fields, still to be computed: their data are Reductions."""
        if weight_names(weights) and not self.has_coordinates:
            raise TypeError(
                f"weights={weights!r} needs the coordinates of an xarray object, got "
                f"{type(data).__name__}. Pass an array, for example "
                "weights=np.cos(np.deg2rad(lat))[:, None]"
            )
        parsed = None if weights is None else self.parse_weights(data, weights)
        mask = None if where is None else self.parse_mask(data, where)
        if mask is not None and parsed is not None and not isinstance(parsed, (Field, tuple)):
            parsed, mask = self.mask_weights(parsed, mask), None
        return {name: f.summarize(kept[name], parsed, mask) for name, f in fields.items()}

    def missing_names(self, fields: Fields, states: States) -> list[Hashable]:
        """Return the names of states that data of this type must have, and do not have."""
        return []

    def describe_left_out(self, data: T, names: Iterable[Hashable]) -> str:
        """Return why some of these names are not among `fields`, to end a message."""
        dtypes = self.excluded_dtypes(data)
        return "".join(f"; {n!r} is not numeric but {dtypes[n]}" for n in names if n in dtypes)

    def source_names(self, data: T) -> list[str]:
        """Return the names of the files that `data` were read from, if `data` contain them."""
        return []

    def parse_weights(self, data: T, weights: object) -> Any:
        """Return weights for `data` as one field, which is aligned to other fields by name."""
        fields = container_of(weights).fields(weights)
        if len(fields) != 1:
            raise TypeError(f"weights must be one array, got {len(fields)}: {list(fields)}")
        return next(iter(fields.values()))

    def parse_mask(self, data: T, where: object) -> Any:
        """Return a mask for `data` as weights of 1 and 0; TypeError unless it is of booleans."""
        dtype = self.mask_dtype(data, where)
        if not str(dtype).lower().startswith("bool"):  # the name differs between libraries
            raise TypeError(
                f"where= must be a boolean mask, got dtype {dtype}. Use a comparison such as "
                "where=mask > 0.5, or pass numbers as weights="
            )
        mask = self.parse_weights(data, where)
        numbers = getattr(mask, "data", None)  # a lazy column of a DataFrame has none yet
        if isinstance(numbers, np.ndarray) and _has_missing(numbers):
            raise ValueError(
                "where= has missing values, which are neither True nor False: fill them, as by "
                "where.fillna(False)"
            )
        return mask

    def mask_dtype(self, data: T, where: object) -> object:
        """Return the dtype of a mask, whatever library it is from."""
        dtype = getattr(where, "dtype", getattr(where, "type", None))  # Arrow has types
        return np.asarray(where).dtype if dtype is None else dtype

    def mask_weights(self, weights: Any, mask: Any) -> object:
        """Return lazy weights that are 0 where a lazy mask is False."""
        return weights.where(mask, 0)


def _has_missing(mask: np.ndarray) -> bool:
    """Return True if a mask has missing values: masked, or NaN if it was converted to float64."""
    is_complete = mask.dtype == bool or (mask.dtype.kind == "f" and not np.isnan(mask).any())
    return np.ma.is_masked(mask) or not is_complete


SUPPORTED = (
    "give an array (NumPy, Dask), a pandas, Dask or polars frame or series, an Arrow table, or an "
    "xarray DataArray, Dataset or DataTree"
)

_by_type: dict[type, Container[Any]] = {}
_by_name: dict[str, Container[Any]] = {}


def register(*types: type) -> Callable[[type[C]], type[C]]:
    """Decorate a `Container` for objects of these types."""

    def add(cls: type[C]) -> type[C]:
        container = cls()
        _by_name.setdefault(container.name, container)
        _by_type.update(dict.fromkeys(types, container))
        return cls

    return add


def find_container(data: T) -> Container[T] | None:
    """Return the container for objects like `data`, or None if the type is not supported."""
    for cls in type(data).__mro__:
        if container := _look_up(_by_type, cls, cls.__module__):
            return container
    return None


def container_of(data: T) -> Container[T]:
    """Return the container for objects like `data`; TypeError if the type is not supported."""
    if (container := find_container(data)) is None:
        raise unsupported_type(data)
    return container


def unsupported_type(data: object, advice: str = SUPPORTED) -> TypeError:
    """Return the error for objects that are not supported, with advice what to write instead."""
    kind = f"{type(data).__module__}.{type(data).__qualname__}"
    return TypeError(f"cannot take numbers from a {kind}; {advice}")


def container_named(name: str) -> Container[Any]:
    """Return the container with this name; TypeError if there is none."""
    if container := _look_up(_by_name, name, name):
        return container
    raise TypeError(f"no container is registered as {name!r}; known: {sorted(_by_name)}")


def _look_up(registry: dict[K, Container[Any]], key: K, module: str) -> Container[Any] | None:
    """Return a container, importing the files for its module if it is not registered yet."""
    for import_files_for in (_import_files_for, _import_external_files_for):
        if key not in registry:
            import_files_for(module)
    return registry.get(key)


def _import_files_for(module: str) -> None:
    """Import dask.py and dask_dataframe.py of this folder for ``dask.dataframe.core``."""
    parts = module.lower().split(".")
    for depth in (1, 2):
        file = f"{__name__}.{'_'.join(parts[:depth])}"
        if len(parts) >= depth and importlib.util.find_spec(file):
            importlib.import_module(file)


def _import_external_files_for(module: str) -> None:
    """Import the containers that other distributions have for the library of this module."""
    library = module.partition(".")[0]
    for point in _entry_points().select(name=library):
        point.load()


@cache
def _entry_points() -> EntryPoints:
    # Reading them takes milliseconds, and each object of an unregistered subclass needs them.
    return entry_points(group="dasknorm.containers")
