"""Loops that Numba compiles to machine code at their first call.

The modules of `kernels` import them inside functions, so that small data never load the compiler.
"""

__all__: list[str] = []
