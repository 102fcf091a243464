"""Dask arrays."""

from collections.abc import Hashable
from typing import Any

import dask.array as da

from dasknorm.containers import NO_SELECTION, Selection, register
from dasknorm.containers.numpy import Array, array_field
from dasknorm.fields import Field

__all__ = ["DaskArray"]


@register(da.Array)
class DaskArray(Array):
    """A Dask array is a NumPy array in chunks."""

    def fields(self, data: Any, selection: Selection = NO_SELECTION) -> dict[Hashable, Field]:
        self.check_no_selection(data, selection)
        return {None: array_field(data)}
