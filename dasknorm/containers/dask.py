"""Dask arrays."""

from collections.abc import Hashable
from typing import Any

import dask.array as da

from dasknorm.containers import register
from dasknorm.containers.numpy import Array, array_field
from dasknorm.fields import Field

__all__ = ["DaskArray"]


@register(da.Array)
class DaskArray(Array):
    """A Dask array is a NumPy array in chunks."""

    def fields(self, data: Any) -> dict[Hashable, Field]:
        return {None: array_field(data)}
