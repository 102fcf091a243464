"""Small reference data of every kind, and what is computed from them: a table of named cases.

Used by the test of equal bits. A case is a function without parameters that returns a dict of
named results: statistics, and data of any container. Add a case at will, and write the digests
again as `test_same_bits` says. Its data must not depend on random numbers of NumPy, and its result
must depend neither on the scheduler nor on the number of threads.
"""

from support.reference import arrays, dataframes, grids, interfaces
from support.reference.table import CASES, elementary

__all__ = ["CASES", "arrays", "dataframes", "elementary", "grids", "interfaces"]
