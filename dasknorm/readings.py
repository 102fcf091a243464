"""Readings: what statistics say of the data they were learned from, in numbers and in words."""

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any

from dasknorm import checks, chunks, sentences, summary
from dasknorm.containers import container_named
from dasknorm.fields import Field
from dasknorm.lags import without_lags
from dasknorm.statistics import Statistic
from dasknorm.units import units_of

__all__ = ["Readings"]


@dataclass(frozen=True, eq=False, repr=False)
class Readings:
    """What was remembered of each field of a container, to be read.

    Parameters
    ----------
    statistic : Statistic
        What is remembered.
    states : dict of name to Field
        One record for each kept position.
    container : str
        The kind of container adapted, such as ``"pandas.DataFrame"``: readings come as its kin.
    attrs : dict
        Provenance: what was adapted, over what, from where to where, by which version.
    """

    statistic: Statistic
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

    def read(self, name: str) -> Any:
        """Return one of ``statistic.readings`` in the kind of container adapted."""
        values = {}
        for key, state in self._usable().items():
            read = chunks.apply(state.data, self.statistic.read, name)
            values[key] = replace(state, data=read, attrs=units_of(name, state.attrs))
        return container_named(self.container).report(values)

    def describe(self) -> str:
        """Return how these statistics were made, in a sentence that can stand in a paper.

        Examples
        --------
        >>> import dasknorm as dn
        >>> dn.Stats.given(mean=3.0, std=2.0).describe()
        'Mean and standard deviation, as given, not learned from data.'
        """
        return sentences.described(self.statistic, self.states, self.attrs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Readings):
            return NotImplemented
        return (
            (self.statistic, self.container) == (other.statistic, other.container)
            and list(self.states) == list(other.states)
            and all(state.identical(other.states[name]) for name, state in self.states.items())
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = summary.text(self.statistic, self.states, self.container)
        return f"{shown}\n{sentences.wrapped(self.describe())}"

    def _usable(self) -> dict[Hashable, Field]:
        checks.refuse_unusable(self.statistic, self.states)
        return without_lags(self.states)
