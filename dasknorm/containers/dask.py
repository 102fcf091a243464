"""Dask arrays.

Used by users: `containers` imports this module with the first Dask array.
"""

import dask.array as da

from dasknorm.containers import NO_SELECTION, Fields, Selection, register
from dasknorm.containers.numpy import Array, array_field


@register(da.Array)
class DaskArray(Array[da.Array]):
    """A Dask array is a NumPy array in chunks."""

    def fields(self, data: da.Array, selection: Selection = NO_SELECTION) -> Fields:
        self.check_no_selection(data, selection)
        return {None: array_field(data)}
