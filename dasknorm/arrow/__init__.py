"""Arrow: columns of Arrow tables as blocks. Imported where such a table has turned up."""

from dasknorm.arrow.groups import GroupedArrowTable
from dasknorm.arrow.tables import ArrowTable
from dasknorm.arrow_arrays import is_numeric

__all__ = ["ArrowTable", "GroupedArrowTable", "is_numeric"]
