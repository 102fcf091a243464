"""Containers: taking what a user has apart into fields, and putting it together again.

The folder is the registry. A file here is named after the library whose objects it takes
(``pandas.py``, ``dask_dataframe.py``) and is imported when the first of them turns up; it calls
`register` just as a stranger's package would.
"""

import importlib
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

from dasknorm.fields import Field
from dasknorm.statistics import Statistic
from dasknorm.views import View

__all__ = ["Container", "Fields", "container_named", "container_of", "register"]

Fields = Mapping[Hashable, Field]
"""The fields of a container by name; an array's or a frame's only field is named None."""


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

    @abstractmethod
    def fields(self, data: Any) -> dict[Hashable, Field]:
        """Return the numeric fields of `data`; TypeError if there are none."""

    def viewed(self, data: Any, view: View) -> dict[Hashable, Field]:
        """Return the fields of what is looked at of `data`; TypeError unless it has columns."""
        if view != View():
            raise TypeError(
                "statistics of chosen columns, or by group (columns=, by=), are of frames, those "
                f"by group also of xarray objects; a {type(data).__name__} has no names"
            )
        return self.fields(data)

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

    def summarize(
        self,
        data: Any,
        fields: Fields,
        statistic: Statistic,
        kept: Mapping[Hashable, tuple[Hashable, ...]],
        weights: Any = None,
    ) -> dict[Hashable, Field]:
        """Return the states of the fields, still to be computed: their data are Reductions."""
        beside = None if weights is None else self.weights(data, weights)
        return {
            name: field.summarize(statistic, kept[name], field.weighed_by(beside))
            for name, field in fields.items()
        }

    def lacking(self, fields: Fields, states: Fields) -> list[Hashable]:
        """Return names that the statistics know and this kind of data should have, but lacks."""
        return []

    def weights(self, data: Any, weights: Any) -> Any:
        """Return weights for `data` as one field, to be laid along its fields by name."""
        fields = container_of(weights).fields(weights)
        if len(fields) != 1:
            raise TypeError(f"weights must be one array, got {len(fields)}: {list(fields)}")
        return next(iter(fields.values()))


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


def container_of(data: Any) -> Container:
    """Return the container that takes `data`; TypeError if there is none."""
    for cls in type(data).__mro__:
        if cls not in _by_type:
            _import_files_for(cls.__module__)
        if cls in _by_type:
            return _by_type[cls]
    kind = f"{type(data).__module__}.{type(data).__qualname__}"
    raise TypeError(
        f"cannot take numbers from a {kind}; give an array (NumPy, Dask), a pandas, Dask or polars "
        "frame or series, an Arrow table, or an xarray DataArray or Dataset"
    )


def container_named(name: str) -> Container:
    """Return the container of that name; TypeError if there is none."""
    if name not in _by_name:
        _import_files_for(name)
    if name not in _by_name:
        raise TypeError(f"no container is registered as {name!r}; known: {sorted(_by_name)}")
    return _by_name[name]


def _import_files_for(module: str) -> None:
    """Import dask.py and dask_dataframe.py of this folder for ``dask.dataframe.core``."""
    parts = module.split(".")
    for depth in (1, 2):
        file = f"{__name__}.{'_'.join(parts[:depth])}"
        if len(parts) >= depth and importlib.util.find_spec(file):
            importlib.import_module(file)
