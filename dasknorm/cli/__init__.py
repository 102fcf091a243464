"""The command line: ``dasknorm adapt | normalize | inverse | show | demo``, and ``dask norm``.

`commands` reads the arguments. `arrays` (Zarr, NetCDF), `parquet` and `frames` (CSV) each open one
kind of data, and write it changed; `outputs` lets nothing half-written stand under its final name.
"""

from dasknorm.cli.commands import main

__all__ = ["main"]
