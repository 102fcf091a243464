"""The command line: ``dasknorm adapt | normalize | inverse | show``, and ``dask norm``.

`commands` reads the arguments. `arrays` (Zarr, NetCDF), `parquet` and `frames` (CSV) each open one
kind of data, and write it changed.
"""

from dasknorm.cli.commands import main

__all__ = ["main"]
