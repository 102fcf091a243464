"""Mapping: a container through the affine maps of states, found by name and label."""

from dataclasses import replace
from typing import Any

from dasknorm import chunks
from dasknorm.blocks import Kernel, output_dtype
from dasknorm.containers import Fields, container_of
from dasknorm.matching import matching
from dasknorm.statistics import Statistic
from dasknorm.units import units_after
from dasknorm.views import View

__all__ = ["mapped"]


def mapped(
    data: Any, statistic: Statistic, states: Fields, kernel: Kernel, dtype: Any, unseen: str
) -> Any:
    """Return data of any kind mapped, as the same kind; lazy where they are lazy.

    Raises MismatchError unless names, dimensions and labels match, as `Stats.normalize` says.
    """
    if unseen not in ("error", "nan"):
        raise ValueError(f"unseen must be 'error' or 'nan', got {unseen!r}")
    container = container_of(data)
    fields = container.viewed(data, View.of(states))
    out = output_dtype(dtype)
    results = {}
    for name, key in matching(container, fields, states).items():
        affine = replace(states[key], data=chunks.apply(states[key].data, statistic.affine))
        result = fields[name].transform(affine, kernel, out, unseen)
        results[name] = replace(result, attrs=units_after(kernel, result.attrs, affine.attrs))
    return container.rebuild(data, results)
