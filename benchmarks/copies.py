"""Zarr to Zarr: normalizing a store into a new one, beside copying one that is normalized already.

``python -m benchmarks.fresh copies NAME STORE NORMALIZED`` is one contestant, answering in JSON.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import dask
import xarray as xr

import dasknorm as dn
from benchmarks import climate
from benchmarks.fresh import Figures, in_turn, warm
from benchmarks.machine import cores, describe
from benchmarks.report import Aim, Report, aims, table
from benchmarks.stores import FULL, KINDS, ROUNDS

__all__ = ["run"]

LIMIT = 1.15
COPY, OURS = "a copy of the normalized store", "dasknorm"


def _moments(t: Any) -> tuple[Any, Any]:
    return dask.compute(t.mean(climate.OVER), t.std(climate.OVER))


def _expression(t: Any) -> Callable[[Any], Any]:
    mean, std = _moments(t)
    return lambda t: (t - mean) / std


CONTESTANTS: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    # name: what learns from the raw store, untimed, and gives what is then timed
    COPY: lambda t: lambda t: t,
    OURS: lambda t: dn.adapt(t, keep="level").normalize,
    "dasknorm, back": lambda t: dn.adapt(t, keep="level").inverse,
    "xarray (t - mean) / std": _expression,
}
FROM_NORMALIZED = (COPY, "dasknorm, back")


def measure(name: str, raw: str, normalized: str) -> Figures:
    """Write a store with one contestant, cold and warm, each time from the store to a new one."""
    with dask.config.set(scheduler="threads", num_workers=cores()):
        mapping = CONTESTANTS[name](climate.opened(Path(raw)))
        source = normalized if name in FROM_NORMALIZED else raw
        call = partial(_written, Path(source), mapping, Path(raw).with_name("new.zarr"))
        call()
        return warm(call)


def _written(source: Path, mapping: Callable[[Any], Any], target: Path) -> None:
    """Map a store to another with the same chunks and codecs."""
    t = xr.open_zarr(source, consolidated=False)["t"]
    codecs = {key: t.encoding[key] for key in ("chunks", "compressors", "filters")}
    new = mapping(t).to_dataset(name="t").drop_encoding()
    new.to_zarr(target, mode="w", consolidated=False, encoding={"t": codecs})


# -- all of them ----------------------------------------------------------------------------------


def run(gigabytes: float) -> Report:
    """Measure with the default codec and with none."""
    rounds, kinds = (ROUNDS, KINDS) if gigabytes >= FULL else (1, KINDS[:1])
    measured = {kind: _on_store(kind, gigabytes, rounds) for kind in kinds}
    lead = (
        f"{describe()} Stores of {gigabytes:g} GB as numbers, in chunks of 16 MiB, in the page "
        f"cache; {cores()} Dask threads; each in a fresh process, once it is warm; the least of "
        f"{rounds} processes."
    )
    reached = [aim for kind, figures in measured.items() for aim in _aims(figures, kind)]
    sections = [part for kind, f in measured.items() for part in (f"**{kind}**", _table(f))]
    return Report("\n\n".join([lead, aims(reached), *sections]))


def _on_store(kind: str, gigabytes: float, rounds: int) -> dict[str, Figures]:
    with tempfile.TemporaryDirectory() as folder:
        raw, normalized = Path(folder) / "t.zarr", Path(folder) / "normalized.zarr"
        climate.write(raw, gigabytes, compressed=kind == "zstd")
        mapping = CONTESTANTS[OURS](climate.opened(raw))
        _written(raw, mapping, normalized)
        return in_turn("copies", CONTESTANTS, raw, normalized, rounds=rounds)


def _table(figures: dict[str, Figures]) -> str:
    copy = figures[COPY]
    rows = [
        [
            name,
            *(f"{f[figure] / copy[figure]:.2f}" for figure in ("wall", "cpu")),
            *(f"{f[figure]:.2f}" for figure in ("wall", "cpu")),
            f"{f['peak']:.0f}",
        ]
        for name, f in figures.items()
    ]
    return table(["", "x the copy", "in CPU", "s", "CPU s", "peak MB"], rows)


def _aims(figures: dict[str, Figures], kind: str) -> list[Aim]:
    wall, cpu = (figures[OURS][f] / figures[COPY][f] for f in ("wall", "cpu"))
    said = f"{wall:.2f}, {cpu:.2f} in CPU"
    return [Aim(f"normalize, {kind}", f"{LIMIT} x a copy", said, max(wall, cpu) <= LIMIT)]
