"""Readings: what statistics say of the data they were learned from, in numbers and in words."""

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any

from dasknorm import chunks
from dasknorm.containers import container_named
from dasknorm.containers.per_variable import joined
from dasknorm.fields import Field, checks
from dasknorm.fields.lags import without_lags
from dasknorm.fields.units import units_of
from dasknorm.reports import methods_text, table
from dasknorm.reports.table import readings_of

__all__ = ["Readings"]


@dataclass(frozen=True, eq=False, repr=False)
class Readings:
    """What was remembered of each field of a container, to be read.

    Parameters
    ----------
    states : dict of name to Field
        One record for each kept position, and the statistic that they are of. The columns of a
        frame are one field, or one for each statistic that some of them have.
    container : str
        The kind of container adapted, such as ``"pandas.DataFrame"``: readings come as its kin.
    attrs : dict
        Provenance: what was adapted, over what, from where to where, by which version.
    """

    states: dict[Hashable, Field]
    container: str
    attrs: dict[str, Any] = field(default_factory=dict)

    @property
    def mean(self) -> Any:
        """The mean, in the kind of container adapted: a Series for a frame, and so on."""
        return self.read("mean")

    @property
    def std(self) -> Any:
        """The standard deviation, in the unit of the data."""
        return self.read("std")

    @property
    def variance(self) -> Any:
        """The variance."""
        return self.read("variance")

    @property
    def count(self) -> Any:
        """The number of values counted, or the sum of their weights, as float64."""
        return self.read("count")

    @property
    def statistic(self) -> Any:
        """What is remembered; a dict by variable or column where it is not the same of all."""
        found = {
            name: state.remembers
            for key, state in self.states.items()
            for name in state.labels.get("columns", [key])
        }
        return next(iter(found.values())) if len(set(found.values())) == 1 else found

    def read(self, name: str) -> Any:
        """Return a reading, such as ``"std"``, in the kind of container adapted.

        Where statistics differ, of the variables or columns that have it; columns come in the order
        of the statistics then. Every reading is an attribute too: ``stats.max``.
        """
        states = self._usable()
        having = {key: s for key, s in states.items() if name in s.remembers.readings}
        if not having:
            raise AttributeError(
                f"these statistics have no {name!r}; they have {', '.join(readings_of(states))}"
            )
        values = {}
        for key, state in having.items():
            read = chunks.apply(state.data, state.remembers.read, name)
            values[key] = replace(state, data=read, attrs=units_of(name, state))
        return container_named(self.container).report(joined(values))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # copying and unpickling ask for these before there is anything
            raise AttributeError(name)
        return self.read(name)

    def describe(self) -> str:
        """Return how these statistics were made, in a sentence that can stand in a paper.

        Examples
        --------
        >>> import dasknorm as dn
        >>> dn.Stats.given(mean=3.0, std=2.0).describe()
        'Mean and standard deviation, as given, not learned from data.'
        """
        return methods_text.described(self.states, self.attrs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Readings):
            return NotImplemented
        return (
            self.container == other.container
            and list(self.states) == list(other.states)
            and all(state.identical(other.states[name]) for name, state in self.states.items())
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = table.text(self.states, self.container)
        return f"{shown}\n{methods_text.wrapped(self.describe())}"

    def _usable(self) -> dict[Hashable, Field]:
        checks.check_valid(self.states)
        return without_lags(self.states)
