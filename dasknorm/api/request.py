"""`Request`: the arguments of `adapt` that define which statistics are computed.

Used by `api`, `layer` and `sklearn`. A further argument of `adapt` that changes the statistics is a
further attribute here.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple

from dasknorm.containers import NO_SELECTION, container_of
from dasknorm.containers.per_variable import StatisticSpec, select_fields
from dasknorm.fields import Axes, State
from dasknorm.fields.lags import Lag, add_lags, check_pairs, lags_by_dim
from dasknorm.fields.matching import kept_dims
from dasknorm.fields.selection import Selection
from dasknorm.reports import provenance
from dasknorm.reports.provenance import Attrs


class Work(NamedTuple):
    """A pass over data that has not started: states whose data are Reductions."""

    container: str
    states: dict[Hashable, State]
    attrs: Attrs


@dataclass(frozen=True)
class Request:
    """What to compute: see `adapt`, whose parameters these are."""

    statistic: StatisticSpec = None
    keep: Axes = None
    over: Axes = None
    selection: Selection = NO_SELECTION
    weights: object = None
    where: object = None
    lag: Lag = None

    def prepare(self, data: object) -> Work:
        """Return the pass over data that computes these statistics; nothing is read."""
        container = container_of(data)
        data = container.check_excluded(data, self.selection)
        fields = select_fields(container, data, self.selection, self.statistic)
        fields = add_lags(fields, self.lag)
        check_pairs(fields)
        kept = kept_dims(fields, self.keep, self.over)
        states = container.summarize(data, fields, kept, self.weights, self.where)
        source, lags = container.source_names(data), lags_by_dim(fields)
        attrs = provenance.make_attrs(
            fields, kept, self.weights, self.where, source=source, lag=lags
        )
        return Work(container.name, states, attrs)
