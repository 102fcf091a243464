"""Location and scale of data for any statistic, as used to compare two datasets.

Used by api.check. The names of results are those of each statistic; a statistic overrides
`location_scale`.
"""

from collections.abc import Sequence

import numpy as np

from dasknorm.errors import MismatchError
from dasknorm.statistics.base import LOCATION_SCALES, Component, Statistic
from dasknorm.statistics.extrema import Extrema
from dasknorm.statistics.multi_statistic import MultiStatistic
from dasknorm.statistics.transformed import Transformed


def location_scale_names(component: Component) -> tuple[str, ...]:
    """Return the names of the results for location and scale; TypeError if there are none."""
    if names := component.statistic.location_scale_names:
        return names
    raise TypeError(
        f"{component.statistic} has no results for location and scale; a check needs "
        f"{', or '.join(' and '.join(names) for names in LOCATION_SCALES)}"
    )


def comparable(statistic: Statistic) -> Statistic:
    """Return the statistic to compute from new data for a comparison, with the extrema."""
    first = statistic.components(np.zeros(1, statistic.dtype))[0]
    both = MultiStatistic((first.statistic.for_comparison(), Extrema()))
    return Transformed(first.transform, both) if first.transform else both  # type: ignore[arg-type]


def find_comparable(component: Component, others: Sequence[Component]) -> Component:
    """Return the first component with the same results and transform; MismatchError if none."""
    names = location_scale_names(component)
    for other in others:
        if other.transform == component.transform and other.has(*names):
            _check_settings(component.statistic, other.statistic)
            return other
    of = f" of {component.transform}(x)" if component.transform else ""
    raise MismatchError(
        f"the other statistics have no {' and '.join(names)}{of}, which the comparison needs"
    )


def _check_settings(statistic: Statistic, other: Statistic) -> None:
    settings, others = statistic.comparison_settings, other.comparison_settings
    if settings and others and settings != others:
        kind = statistic.stored_name.lower()
        raise MismatchError(f"{kind} differ: {settings} and {others}")


def extremes(component: Component, others: Sequence[Component]) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest value of the others; NaN if none has them."""
    for other in others:
        if other.transform == component.transform and other.has("min", "max"):
            return other.result("min"), other.result("max")
    return others[0].result("min"), others[0].result("max")
