"""Benchmarks of dasknorm beside its rivals. Run ``python -m benchmarks`` from the project's root.

Set before NumPy is imported, and handed on to child processes: libraries with threads of their own
use one, so that where threads are wanted they are Dask's.
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
