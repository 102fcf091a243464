"""Outward: what statistics give to others: to files, to other libraries, to the eye.

Each is a line or two here, and has a file of its own, imported when it is called.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any, Self

import dask

from dasknorm import checks, chunks
from dasknorm.lags import without_lags
from dasknorm.readings import Readings

__all__ = ["Outward"]


@dataclass(frozen=True, eq=False, repr=False)
class Outward(Readings):
    """Readings that can be kept, and handed on.

    Parameters
    ----------
    states, container, attrs
        As of `Readings`.
    """

    def compute(self) -> Self:
        """Return these statistics in memory, checked; lazy ones are computed in one pass."""
        lazy = any(chunks.is_lazy(state.data) for state in self.states.values())
        (ready,) = dask.compute(self) if lazy else (self,)
        checks.refuse_other_shapes(self.states, ready.states)
        checks.refuse_unusable(ready.states)
        return ready

    def save(self, path: str | PathLike[str]) -> None:
        """Write the statistics to a ``.nc``, ``.zarr`` or ``.json`` file, replacing it whole."""
        from dasknorm import store  # a fifth of the import time, for those who keep files

        ready = self.compute()
        store.write(path, ready.states, ready.container, ready.attrs)

    def export(
        self,
        path: str | PathLike[str],
        format: str,
        *,
        names: Mapping[Any, str] | None = None,
        lag: Any = None,
        overwrite: bool = False,
        **settings: Any,
    ) -> tuple[str, ...]:
        """Write the statistics as another program reads them, all or nothing.

        What would make that program normalize otherwise than `normalize` does is refused; what it
        can do without is left out, and returned in words. A standard deviation of 0 is written as
        1, by which `normalize` divides as well, with a warning.

        Parameters
        ----------
        path : path
            A file, a folder, or a Zarr group, as the format has it. What else is there stays.
        format : str
            ``"graphcast"``, ``"ace"``, ``"anemoi"``, ``"mllam"``, ``"makani"`` or ``"csv"``.
        names : mapping, optional
            What variables are called there, by what they are called here.
        lag : int, str or timedelta, optional
            Which changes to write, of several that were learned.
        overwrite : bool, default False
            Whether to replace statistics that are there already.
        **settings
            Of the format, such as ``levels="{name}_{index}"``.

        Returns
        -------
        tuple of str
            What was left out.

        Raises
        ------
        MismatchError
            For what the format cannot hold, or needs and does not find.
        FileExistsError
            If statistics are there already, or would be left there that do not belong to these.
        """
        from dasknorm import exporting, formats  # for those who hand files on

        form, ready = formats.format_named(format, settings), self.compute()
        return exporting.export(path, form, ready.states, ready.attrs, names, lag, overwrite)

    def to_sklearn(self) -> Any:
        """Return scikit-learn's own StandardScaler, fitted with these numbers, to serve with.

        For statistics of an array's last axis or a frame's columns; others are a MismatchError.
        It gives arrays, as all of scikit-learn's do; ``.set_output(transform="pandas")`` keeps
        names. ``dasknorm.sklearn.StandardScaler.from_stats`` is the way for data of any size.
        """
        from dasknorm import serving  # for the few who serve so

        ready = self.compute()
        return serving.fitted_scaler(without_lags(ready.states))
