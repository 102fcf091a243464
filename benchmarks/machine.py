"""What the figures depend on: the processor and the versions of the libraries."""

import os
import platform
from importlib import metadata
from pathlib import Path

__all__ = ["cores", "describe"]

LIBRARIES = (
    "numpy",
    "numba",
    "dask",
    "xarray",
    "bottleneck",
    "flox",
    "zarr",
    "pandas",
    "pyarrow",
    "polars",
    "scikit-learn",
    "dask-ml",
    "keras",
    "jax",
)


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def describe() -> str:
    """Say in one line where and with what the figures were measured."""
    found = [f"{name} {version}" for name in LIBRARIES if (version := _version(name))]
    return (
        f"Measured on {cores()} cores of {_processor()}, Python {platform.python_version()}, "
        + (", ".join(found) + ".")
    )


def _version(library: str) -> str | None:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    """Name the processor; where the system gives no name, its architecture."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    facts = dict(line.replace("\t", "").split(": ", 1) for line in lines if ": " in line)
    name = facts.get("model name") or platform.processor() or platform.machine()
    if {"cpu family", "model"} <= facts.keys():
        name += f" (family {facts['cpu family']}, model {facts['model']})"
    return name
