"""The command line: ``dasknorm adapt | normalize | inverse | show | demo``, and ``dask norm``.

`commands` reads the arguments. `arrays` (Zarr, NetCDF) and `frames` (Parquet, CSV) each open,
select and write one kind of data; `outputs` lets nothing half-written stand under its final name.
"""

from dasknorm.cli.commands import main

__all__ = ["main"]
