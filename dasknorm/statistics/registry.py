"""`Registry`: the subclasses of a class by name, whether defined here or installed.

Used by api.shards, cli.options, io.formats and io.store.settings. A second kind of plugin is
another `Registry` with its own group of entry points.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from dasknorm.statistics.base import Statistic

T = TypeVar("T")


@dataclass(frozen=True)
class Registry(Generic[T]):
    """All concrete subclasses of a class that have a name; they are imported when needed."""

    base: type[T]
    attribute: str  # the class attribute that holds the name
    folder: str  # the package whose modules define the classes of dasknorm
    group: str  # the entry points of other distributions, which have the names of classes

    def names(self) -> list[str]:
        """Return the sorted names of all classes; installed classes are not imported for it."""
        self._import_folder()
        prefix = f"{self.folder}."
        folder_names = {n for n, cls in self.defined().items() if cls.__module__.startswith(prefix)}
        return sorted(folder_names | {point.name for point in entry_points(group=self.group)})

    def find(self, name: str) -> type[T] | None:
        """Return the class of that name, imported if it is installed; None if there is none."""
        if name not in self.defined():
            self._import_folder()
        if name not in self.defined():
            for point in entry_points(group=self.group, name=name):
                point.load()
        return self.defined().get(name)

    def defined(self) -> dict[str, type[T]]:
        """Return the classes that are defined now."""
        classes = [cls for cls in _subclasses(self.base) if not inspect.isabstract(cls)]
        named = {getattr(cls, self.attribute, None): cls for cls in classes}
        return {name: cls for name, cls in named.items() if name is not None}

    def _import_folder(self) -> None:
        for module in pkgutil.iter_modules(importlib.import_module(self.folder).__path__):
            importlib.import_module(f"{self.folder}.{module.name}")


def _subclasses(cls: type[T]) -> Iterator[type[T]]:
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


STATISTICS: Registry[Statistic] = Registry(
    Statistic,  # type: ignore[type-abstract]
    "stored_name",
    folder="dasknorm.statistics",
    group="dasknorm.statistics",
)
