"""Mapping: a container through the affine maps of states, found by name and label."""

from dataclasses import replace
from typing import Any

from dasknorm import chunks
from dasknorm.blocks import Kernel, output_dtype
from dasknorm.containers import container_of
from dasknorm.containers.per_variable import refuse_other_columns, views_of
from dasknorm.fields import Field, State, States
from dasknorm.fields.matching import match_names
from dasknorm.fields.units import units_after

__all__ = ["mapped"]


def mapped(data: Any, states: States, kernel: Kernel, dtype: Any, unseen: str) -> Any:
    """Return data of any kind mapped, as the same kind; lazy where they are lazy.

    Raises MismatchError unless names, dimensions and labels match, as `Stats.normalize` says.
    """
    if unseen not in ("error", "nan"):
        raise ValueError(f"unseen must be 'error' or 'nan', got {unseen!r}")
    container = container_of(data)
    refuse_other_columns(container, data, states)
    for selection, own in views_of(states):
        fields = container.fields(data, selection)
        results = {}
        for name, key in match_names(fields, own, container.lacking(fields, own)).items():
            results[name] = _field(fields[name], own[key], kernel, output_dtype(dtype), unseen)
        data = container.rebuild(data, results)
    return data


def _field(data: Field, state: State, kernel: Kernel, dtype: Any, unseen: str) -> Field:
    statistic = state.statistic
    affine = replace(state, data=chunks.apply(state.data, statistic.affine))
    result = data.transform(affine, statistic.kernel(kernel), dtype, unseen)
    return replace(result, attrs=units_after(kernel, result.attrs, affine.attrs))
