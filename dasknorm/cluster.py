"""The cluster there is: the Dask client of this process, if it has one."""

import sys
from typing import Any

__all__ = ["client"]


def client() -> Any:
    """Return the client that Dask would compute with; None if there is none."""
    if "distributed" not in sys.modules:
        return None
    from distributed import default_client  # optional, and here already

    try:
        return default_client()
    except ValueError:
        return None
