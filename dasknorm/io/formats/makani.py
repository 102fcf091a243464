"""makani and earth2studio: ``global_means.npy``, ``global_stds.npy`` and similar files.

Used by users. Everything that the readers of these files accept may change. These files
are read by ``makani.utils.dataloaders.data_helpers`` of NVIDIA/makani (0.2.0, commit 2dfc4c8), and
by models in earth2studio: float32 of shape (1, channels, 1, 1). Names and order of the channels are
in ``coords.channel`` of the metadata of the data, ``data.json`` or ``metadata.json``.
``time_means.npy``, a map of the mean, is a climatology and not written.
"""

import io
import json
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dasknorm.errors import MismatchError, StatsFileError
from dasknorm.io.formats import Arrays, Format, FormatValues, format_lag
from dasknorm.io.formats.channels import (
    channels_of,
    check_tendencies,
    select_channels,
    split_channels,
)

FILES = {"mean": "global_means", "std": "global_stds", "min": "mins", "max": "maxs"}
TENDENCY_FILES = {"mean": "time_diff_means", "std": "time_diff_stds"}
TENDENCY_NAME = re.compile(r"time_diff_(means|stds)(?:_dt(\d+))?\.npy")
CHANNELS_FILE, METADATA_FILES = "channels.json", ("data.json", "metadata.json", "channels.json")


@dataclass(frozen=True)
class Makani(Format):
    """One float32 per channel.

    Parameters
    ----------
    channels : sequence of str, or path, optional
        The ordered channels of the data, or the JSON file that lists them. Default: the list in
        ``data.json``, ``metadata.json`` or ``channels.json`` in the folder; without any of them,
        the order of the statistics, which is then written to ``channels.json``.
    levels : str, optional
        Name of a variable at a level; default when writing: ``"{name}{level}"``. When reading,
        channels that match are combined into one variable with levels.
    """

    channels: Sequence[str] | str | Path | None = None
    levels: str | None = None

    name = "makani"
    takes = tuple(FILES)
    of_changes = tuple(TENDENCY_FILES)
    has_lags = True

    def pack(self, numbers: FormatValues, path: Path) -> Mapping[str, bytes]:
        channels = self._channel_names(path)
        files: dict[str, bytes] = {}
        if channels is None:
            channels = list(self._channels(numbers.values["mean"]))
            files[CHANNELS_FILE] = json.dumps({"coords": {"channel": channels}}, indent=4).encode()
        results = {FILES[result]: arrays for result, arrays in numbers.values.items()}
        for lag, change in numbers.changes.items():
            check_tendencies(numbers.values["mean"], change["std"], format_lag(lag), self.name)
            for suffix in _suffixes(lag, is_only=len(numbers.changes) == 1):
                results |= {TENDENCY_FILES[r] + suffix: arrays for r, arrays in change.items()}
        return files | {
            f"{file}.npy": self._bytes(arrays, channels) for file, arrays in results.items()
        }

    def read(self, path: Path) -> FormatValues:
        channels = self._channel_names(path)
        if channels is None:
            raise MismatchError(
                f"the names of the channels are not in {path.name!r}: pass channels=[...], or the "
                "path of the data.json that lists them"
            )
        values = {
            result: self._arrays(path / f"{file}.npy", channels)
            for result, file in FILES.items()
            if (path / f"{file}.npy").exists() or result in self.needs
        }
        changes: dict[Hashable, dict[str, Arrays]] = {}
        for file in sorted(path.iterdir()):
            if match := TENDENCY_NAME.fullmatch(file.name):
                steps = int(match[2]) if match[2] else None
                result = match[1].removesuffix("s")
                changes.setdefault(steps, {})[result] = self._arrays(file, channels)
        if len(changes) > 1:
            changes.pop(None, None)  # a copy of the files with the number of steps
        return FormatValues(values, changes)

    def owns(self, name: str, variables: Sequence[str]) -> bool:
        return name in {f"{file}.npy" for file in FILES.values()} or bool(
            TENDENCY_NAME.fullmatch(name)
        )

    def _channel_names(self, path: Path) -> list[str] | None:
        """Return the channels from the settings, or from a file in the folder."""
        if isinstance(self.channels, (str, Path)):
            return _names_in(Path(self.channels))
        if self.channels is not None:
            return list(self.channels)
        return next(
            (_names_in(path / file) for file in METADATA_FILES if (path / file).exists()), None
        )

    def _channels(self, arrays: Arrays) -> dict[str, float]:
        return channels_of(arrays, self.levels or "{name}{level}", self.name)

    def _bytes(self, arrays: Arrays, channels: Sequence[str]) -> bytes:
        values = select_channels(self._channels(arrays), channels, "the data of makani")
        with np.errstate(over="ignore", under="ignore"):
            single = values.astype(np.float32)
        is_lost = (np.isfinite(values) & ~np.isfinite(single)) | ((values != 0) & (single == 0))
        if is_lost.any():
            raise MismatchError(
                f"makani uses float32, which cannot represent {values[is_lost][0]:g} of "
                f"{channels[int(np.flatnonzero(is_lost)[0])]!r}: use another unit for the data"
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
        by_channel = dict(zip(channels, values.astype(float).ravel().tolist(), strict=True))
        return split_channels(by_channel, self.levels)


def _suffixes(lag: Any, is_only: bool) -> Iterator[str]:
    """Yield the file name suffixes of a lag: its steps, and an empty one if it is the only lag."""
    if isinstance(lag, int):
        yield f"_dt{lag}"
    elif not is_only:
        raise MismatchError(
            f"makani needs lags in steps, got the duration {format_lag(lag)}: "
            "adapt(..., lag={'time': [1, 4]}), or select one of them, lag="
        )
    if is_only:
        yield ""


def _names_in(file: Path) -> list[str]:
    metadata = json.loads(file.read_text())
    try:
        return [str(name) for name in metadata["coords"]["channel"]]
    except (KeyError, TypeError) as error:
        raise StatsFileError(f"{file} lists no channels at coords.channel") from error
