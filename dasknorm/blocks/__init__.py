"""Work on one block of data in memory, of any type: `summarize`, `add` and `transform`.

Used by api, chunks, cli, containers, fields, layer, reports, sklearn and testing. To support
another type of block, add a file here that registers the three functions.
"""

from dasknorm.blocks.arrays import (
    add,
    float_dtype,
    is_numeric,
    numpy_dtype,
    output_dtype,
    replace_values,
    summarize,
    transform,
)
from dasknorm.kernels import Kernel

__all__ = [
    "Kernel",
    "add",
    "float_dtype",
    "is_numeric",
    "numpy_dtype",
    "output_dtype",
    "replace_values",
    "summarize",
    "transform",
]
