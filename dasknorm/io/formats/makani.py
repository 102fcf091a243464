"""makani and earth2studio: ``global_means.npy``, ``global_stds.npy`` and their kin, in one folder.

Read by ``makani.utils.dataloaders.data_helpers`` of NVIDIA/makani, at 0.2.0 (2dfc4c8), and by
earth2studio's models of it: float32 of shape (1, channels, 1, 1). The names of channels are not in
them but in ``coords.channel`` of the data's metadata, a ``data.json`` or ``metadata.json``, and the
order is theirs. ``time_means.npy``, a map of the mean, is for its climatology and is not written.
"""

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dasknorm.errors import MismatchError, StatsFileError
from dasknorm.io.formats import Format
from dasknorm.io.formats.channels import channels_of, in_order, taken_apart
from dasknorm.io.formats.format_values import Arrays, FormatValues, in_words

__all__ = ["Makani"]

FILES = {"mean": "global_means", "std": "global_stds", "min": "mins", "max": "maxs"}
CHANGES = {"mean": "time_diff_means", "std": "time_diff_stds"}
BY_STEPS = re.compile(r"time_diff_(means|stds)(?:_dt(\d+))?\.npy")
OWN_LIST, LISTS = "channels.json", ("data.json", "metadata.json", "channels.json")


@dataclass(frozen=True)
class Makani(Format):
    """One float32 for each channel.

    Parameters
    ----------
    channels : sequence of str, or path, optional
        The channels of the data in their order, or the JSON file that lists them. Without it, a
        ``data.json``, ``metadata.json`` or ``channels.json`` in the folder says it; where there is
        none the order is that of the statistics, and kept in ``channels.json``.
    levels : str, optional
        What a variable at a level is called, ``"{name}{level}"`` when written. When read, each
        channel is a variable of its own unless this is given.
    """

    channels: Sequence[str] | str | Path | None = None
    levels: str | None = None

    name = "makani"
    takes = tuple(FILES)
    of_changes = tuple(CHANGES)
    has_lags = True

    def pack(self, numbers: FormatValues, path: Path) -> Mapping[str, bytes]:
        channels = self._listed(path)
        files: dict[str, bytes] = {}
        if channels is None:
            channels = list(self._channels(numbers.values["mean"]))
            files[OWN_LIST] = json.dumps({"coords": {"channel": channels}}, indent=4).encode()
        for reading, arrays in numbers.values.items():
            files[f"{FILES[reading]}.npy"] = self._bytes(arrays, channels)
        for lag, change in numbers.changes.items():
            for reading, arrays in change.items():
                for suffix in _suffixes(lag, alone=len(numbers.changes) == 1):
                    files[f"{CHANGES[reading]}{suffix}.npy"] = self._bytes(arrays, channels)
        return files

    def read(self, path: Path) -> FormatValues:
        channels = self._listed(path)
        if channels is None:
            raise MismatchError(
                f"the names of the channels are not in {path.name!r}: write channels=[...], or the "
                "path of the data.json that lists them"
            )
        values = {
            reading: self._arrays(path / f"{file}.npy", channels)
            for reading, file in FILES.items()
            if (path / f"{file}.npy").exists() or reading in self.needs
        }
        changes: dict[Any, dict[str, Arrays]] = {}
        words = {"means": "mean", "stds": "std"}
        for file in sorted(path.iterdir()):
            if match := BY_STEPS.fullmatch(file.name):
                steps = int(match[2]) if match[2] else None
                changes.setdefault(steps, {})[words[match[1]]] = self._arrays(file, channels)
        if len(changes) > 1:
            changes.pop(None, None)  # the same as one that says its steps
        return FormatValues(values, changes)

    def owns(self, name: str, variables: Sequence[str]) -> bool:
        return name in {f"{file}.npy" for file in FILES.values()} or bool(BY_STEPS.fullmatch(name))

    def _listed(self, path: Path) -> list[str] | None:
        """Return the channels as they were given, or as a file in the folder lists them."""
        if isinstance(self.channels, (str, Path)):
            return _names_in(Path(self.channels))
        if self.channels is not None:
            return list(self.channels)
        return next((_names_in(path / file) for file in LISTS if (path / file).exists()), None)

    def _channels(self, arrays: Arrays) -> dict[str, float]:
        return channels_of(arrays, self.levels or "{name}{level}", self.name)

    def _bytes(self, arrays: Arrays, channels: Sequence[str]) -> bytes:
        values = in_order(self._channels(arrays), channels, "the data of makani")
        with np.errstate(over="ignore", under="ignore"):
            single = values.astype(np.float32)
        lost = (np.isfinite(values) & ~np.isfinite(single)) | ((values != 0) & (single == 0))
        if lost.any():
            raise MismatchError(
                f"float32, which makani has, cannot hold {values[lost][0]:g} of "
                f"{channels[int(np.flatnonzero(lost)[0])]!r}: give the data another unit"
            )
        buffer = io.BytesIO()
        np.save(buffer, single.reshape(1, -1, 1, 1))
        return buffer.getvalue()

    def _arrays(self, file: Path, channels: Sequence[str]) -> Arrays:
        values = np.load(file, allow_pickle=False)
        if values.size != len(channels) or values.dtype.kind != "f":
            raise StatsFileError(
                f"{file.name} has {values.dtype} of shape {values.shape}, and there are "
                f"{len(channels)} channels"
            )
        found = dict(zip(channels, values.astype(float).ravel().tolist(), strict=True))
        return taken_apart(found, self.levels)


def _suffixes(lag: Any, alone: bool) -> Iterator[str]:
    """Yield what files of changes by a lag end in: the steps, and nothing where it is alone."""
    if isinstance(lag, int):
        yield f"_dt{lag}"
    elif not alone:
        raise MismatchError(
            f"makani tells changes by their steps, and {in_words(lag)} is a duration: "
            "adapt(..., lag={'time': [1, 4]}), or take one of them, lag="
        )
    if alone:
        yield ""


def _names_in(file: Path) -> list[str]:
    found = json.loads(file.read_text())
    try:
        return [str(name) for name in found["coords"]["channel"]]
    except (KeyError, TypeError) as error:
        raise StatsFileError(f"{file} lists no channels at coords.channel") from error
