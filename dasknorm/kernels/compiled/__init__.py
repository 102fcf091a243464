"""Loops that Numba compiles to machine code at their first call.

Used by functions one folder up, which import a loop when they need it, so that small data never
load Numba. Add a loop in its own module.
"""
