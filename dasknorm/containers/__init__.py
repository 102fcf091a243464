"""Containers: taking what a user has apart into fields, and putting it together again.

The folder is the registry. A file here is named after the library whose objects it takes, or after
the class as well (``pandas.py``, ``dask_dataframe.py``, ``xarray_datatree.py``), and imported when
the first of them turns up; it calls `register` just as a stranger's package would. A stranger's
file is found by an entry point in the group ``dasknorm.containers``, named after its library.
"""

import importlib
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from typing import Any, ClassVar

import numpy as np

from dasknorm.fields import Field, Fields, State, States
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
]

NO_SELECTION = Selection()
"""All numeric columns, without groups."""


class Container(ABC):
    """How one kind of container is taken apart and put together.

    Laws, for any data ``x`` of the kind:

    * ``rebuild(x, fields(x))`` equals ``x``, and shares no writable memory that was not shared;
    * ``fields`` computes nothing and changes nothing;
    * ``given(report(values))`` has the names, dims, labels and numbers of ``values``.

    ``dasknorm.testing.check_container`` puts a container to them.
    """

    name: ClassVar[str]
    """The kind that its readings are of: ``"pandas.DataFrame"``, for a Dask frame too."""

    several: ClassVar[str | None] = None
    """The kind that the readings of several such objects, side by side, are of; None if of none."""

    has_latitude: ClassVar[bool] = False
    """Whether weights may be a word, such as ``"area"``, for what coordinates say."""

    @abstractmethod
    def fields(self, data: Any, selection: Selection = NO_SELECTION) -> dict[Hashable, Field]:
        """Return the numeric fields of `data`, of selected columns and in groups if asked to.

        Raise TypeError if nothing is numeric. A container without names for columns and groups
        calls `check_no_selection`.
        """

    @abstractmethod
    def rebuild(self, data: Any, fields: Fields) -> Any:
        """Return a container like `data` with these fields in place of its own."""

    @abstractmethod
    def report(self, values: Fields) -> Any:
        """Return readings, a number for each kept position, as a user of this kind wants them."""

    @abstractmethod
    def given(self, values: Any) -> tuple[str, dict[Hashable, Field]]:
        """Return numbers a user gives as fields, and the name of the kind they are readings of.

        A Series of numbers, for example, is what is read of a frame.
        """

    def check_no_selection(self, data: object, selection: Selection) -> None:
        """Raise TypeError if columns or groups are selected."""
        if selection != NO_SELECTION:
            raise TypeError(
                "statistics of chosen columns, or by group (columns=, by=), are of frames, and by "
                f"group of xarray objects too; a {type(data).__name__} has no names for them"
            )

    def summarize(
        self,
        data: Any,
        fields: Fields,
        kept: Mapping[Hashable, tuple[Hashable, ...]],
        weights: Any = None,
        where: Any = None,
    ) -> dict[Hashable, State]:
        """Return the states of the fields, still to be computed: their data are Reductions."""
        if isinstance(weights, str) and not self.has_latitude:
            raise TypeError(
                f"weights={weights!r} are by the latitude of an xarray object; a "
                f"{type(data).__name__} has none: give numbers, such as weights="
                "np.cos(np.deg2rad(lat))[:, None]"
            )
        beside = None if weights is None else self.weights(data, weights)
        mask = None if where is None else self.where(data, where)
        if mask is not None and beside is not None and not isinstance(beside, Field):
            beside, mask = self.masked(beside, mask), None
        return {
            name: field.summarize(kept[name], field.weights_for(beside), field.weights_for(mask))
            for name, field in fields.items()
        }

    def lacking(self, fields: Fields, states: States) -> list[Hashable]:
        """Return names that the statistics know and this kind of data should have, but lacks."""
        return []

    def sources(self, data: Any) -> list[str]:
        """Return the names of the files that the data say they are from; none if they do not."""
        return []

    def weights(self, data: Any, weights: Any) -> Any:
        """Return weights for `data` as one field, to be laid along its fields by name."""
        fields = container_of(weights).fields(weights)
        if len(fields) != 1:
            raise TypeError(f"weights must be one array, got {len(fields)}: {list(fields)}")
        return next(iter(fields.values()))

    def where(self, data: Any, where: Any) -> Any:
        """Return a mask for `data` as weights of 1 and 0; TypeError unless it is of booleans."""
        dtype = self.mask_dtype(data, where)
        if not str(dtype).lower().startswith("bool"):  # in any library's words
            raise TypeError(
                f"where= takes booleans, True for what takes part; got dtype {dtype}: write a "
                "comparison, such as where=mask > 0.5, or give numbers as weights="
            )
        mask = self.weights(data, where)
        numbers = getattr(mask, "data", None)  # of a frame's lazy column there are none yet
        if isinstance(numbers, np.ndarray) and _has_missing(numbers):
            raise ValueError(
                "where= has missing values, which are neither True nor False: fill them, as by "
                "where.fillna(False)"
            )
        return mask

    def mask_dtype(self, data: Any, where: Any) -> Any:
        """Return the dtype, in any library's words, of what is given as a mask."""
        found = getattr(where, "dtype", getattr(where, "type", None))  # Arrow has types
        return np.asarray(where).dtype if found is None else found

    def masked(self, weights: Any, mask: Any) -> Any:
        """Return the two as one where they are no fields: weights that are 0 off the mask."""
        return weights.where(mask, 0)


def _has_missing(mask: np.ndarray) -> bool:
    """Tell whether a mask has values that are neither; NaN where a frame's has become float64."""
    whole = mask.dtype == bool or (mask.dtype.kind == "f" and not np.isnan(mask).any())
    return np.ma.is_masked(mask) or not whole


SUPPORTED = (
    "give an array (NumPy, Dask), a pandas, Dask or polars frame or series, an Arrow table, or an "
    "xarray DataArray, Dataset or DataTree"
)

_by_type: dict[type, Container] = {}
_by_name: dict[str, Container] = {}


def register(*types: type) -> Callable[[type[Container]], type[Container]]:
    """Decorate a `Container` that takes objects of these types."""

    def add(cls: type[Container]) -> type[Container]:
        container = cls()
        _by_name.setdefault(container.name, container)
        _by_type.update(dict.fromkeys(types, container))
        return cls

    return add


def find_container(data: object) -> Container | None:
    """Return the container for objects like `data`, or None if the type is not supported."""
    for cls in type(data).__mro__:
        if cls not in _by_type:
            _import_files_for(cls.__module__)
        if cls not in _by_type:
            _import_files_for(f"{cls.__module__.partition('.')[0]}.{cls.__name__}")
        if cls not in _by_type:
            _import_strangers_for(cls.__module__)
        if cls in _by_type:
            return _by_type[cls]
    return None


def container_of(data: object) -> Container:
    """Return the container for objects like `data`; TypeError if the type is not supported."""
    if (container := find_container(data)) is None:
        raise unsupported_type(data)
    return container


def unsupported_type(data: object, advice: str = SUPPORTED) -> TypeError:
    """Return the error for objects that are not supported, with advice what to write instead."""
    kind = f"{type(data).__module__}.{type(data).__qualname__}"
    return TypeError(f"cannot take numbers from a {kind}; {advice}")


def container_named(name: str) -> Container:
    """Return the container of that name; TypeError if there is none."""
    if name not in _by_name:
        _import_files_for(name)
    if name not in _by_name:
        _import_strangers_for(name)
    if name not in _by_name:
        raise TypeError(f"no container is registered as {name!r}; known: {sorted(_by_name)}")
    return _by_name[name]


def _import_files_for(module: str) -> None:
    """Import dask.py and dask_dataframe.py of this folder for ``dask.dataframe.core``."""
    parts = module.lower().split(".")
    for depth in (1, 2):
        file = f"{__name__}.{'_'.join(parts[:depth])}"
        if len(parts) >= depth and importlib.util.find_spec(file):
            importlib.import_module(file)


def _import_strangers_for(module: str) -> None:
    """Import what other distributions have for the library of this module."""
    library = module.partition(".")[0]
    for point in _strangers().select(name=library):
        point.load()


@cache
def _strangers() -> EntryPoints:
    # To look for them takes milliseconds, and objects of subclasses turn up again and again.
    return entry_points(group="dasknorm.containers")
