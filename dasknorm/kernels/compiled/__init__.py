"""Loops that become machine code: compiled by Numba when they are first called.

Used by the modules of `kernels`, which import them inside functions, so that small data never load
the compiler.
"""

__all__: list[str] = []
