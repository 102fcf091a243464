"""Blocks: one block of data in memory, of any kind. Three verbs lift statistics and maps to it.

Used by `chunks`, which applies them to many blocks. A further kind of block is a further file here,
which registers the three verbs `summarize`, `add` and `transform`.
"""

from dasknorm.blocks.arrays import (
    Kernel,
    add,
    float_dtype,
    is_numeric,
    numpy_dtype,
    output_dtype,
    summarize,
    transform,
)

__all__ = [
    "Kernel",
    "add",
    "float_dtype",
    "is_numeric",
    "numpy_dtype",
    "output_dtype",
    "summarize",
    "transform",
]
