"""The command line: ``dasknorm adapt | normalize | inverse | show | check``, and ``dask norm``.

Used by users and cli.__main__. `commands` reads the arguments; `arrays` (all formats of xarray),
`parquet` and `frames` (CSV) each open one type of file and write it transformed.
"""

from dasknorm.cli.commands import main

__all__ = ["main"]
