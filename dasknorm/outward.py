"""Outward: what statistics give to others: to files, to other libraries, to the eye.

Each is a line or two here, and has a file of its own, imported when it is called.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

import dask

from dasknorm import checks, chunks
from dasknorm.lags import without_lags
from dasknorm.readings import Readings

if TYPE_CHECKING:
    from dasknorm.serving.layout import Layout
    from dasknorm.serving.numpy import Constants
    from dasknorm.verdict import Check

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

    def check(
        self,
        other: Any,
        *,
        max_shift: float = 0.5,
        max_spread: float = 2.0,
        max_missing: float | None = None,
        max_z: float | None = None,
        weights: Any = None,
        where: Any = None,
    ) -> "Check":
        """Tell whether other data, such as a later period, still look like those learned from.

        Data are read once, and not normalized. The table has a row for each variable or column; of
        several kept positions, the worst at any of them:

        * ``z_mean`` and ``z_std``, the mean and standard deviation of the normalized data: 0 and
          about 1 if nothing has changed. Where statistics have neither, what they have in their
          place, in units of its width: of `Quantiles` the median and the distance of the two
          quantiles, of `Extrema` the middle and the width of the range. `MaxAbs` has a width only.
        * ``z_min`` and ``z_max``, the least and the greatest value, normalized; ``beyond``, how far
          they lie beyond the extremes learned, NaN if `Extrema` were not.
        * ``missing`` and ``missing_before``, the share of missing values; ``count``, of the others.
        * ``worst``, where mean or spread have changed most; ``failed``, in words, what is too much.

        Parameters
        ----------
        other : data that `normalize` takes, or Stats
            Names and labels are matched as there; any subset of kept labels and of variables.
        max_shift : float, default 0.5
            The largest ``z_mean``, up or down.
        max_spread : float, default 2.0
            How many times larger or smaller the standard deviation may have become.
        max_missing : float, optional
            By how much the share of missing values may rise.
        max_z : float, optional
            The largest absolute value of any value, normalized.
        weights, where : optional
            Of data, as for `adapt`.

        Returns
        -------
        Check
            With ``.passed``, ``.failures``, ``.table`` and ``.plot()``.

        Raises
        ------
        MismatchError
            If names, kept dimensions or labels do not match.

        Examples
        --------
        >>> import numpy as np
        >>> import dasknorm as dn
        >>> stats = dn.adapt(np.array([1.0, 3.0]))
        >>> stats.check(np.array([7.0, 9.0])).failures
        {'data': 'shifted by 6, more than 0.5'}
        """
        from dasknorm import comparing, verdict  # for those who check

        limits = verdict.Limits(max_shift, max_spread, max_missing, max_z)
        if isinstance(other, Outward):
            other = other.compute()
        return comparing.compared(self.compute().states, other, limits, weights, where)

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

    def to_numpy(
        self,
        channels: list[Hashable] | None = None,
        dims: Sequence[Hashable] | None = None,
        *,
        dtype: Any = "float32",
    ) -> "Constants":
        """Return plain constants, for a loader: a dict of arrays that needs no dasknorm.

        They broadcast along the last axes of a batch. The shift comes in two parts, as a mean of
        1e4 has only 3 decimals in float32::

            z = (x - c["shift"] - c["shift_rest"]) / c["scale"]
            x = z * c["scale"] + c["shift_rest"] + c["shift"]

        Parameters
        ----------
        channels : list, optional
            The order of the channels of your tensor: names of variables, each with all its levels,
            or ``(variable, level)``; of a frame its columns. Default: all, in their own order.
        dims : sequence of hashable, optional
            The names of the axes of your tensor, the one of channels as ``"channel"``:
            ``("time", "channel", "lat", "lon")``. What is kept along another of them stays along
            it, what is kept besides makes channels. Not asked for with frames, whose columns are
            the last axis, nor with arrays, whose axes are those of the batch.
        dtype : {"float32", "float64"}
            Of the constants.

        Returns
        -------
        dict
            ``shift``, ``shift_rest`` and ``scale``; ``channels``, a list of their names in order,
            empty where there are none; ``functions``, which of them go through which function
            first, mostly none.

        Raises
        ------
        MismatchError
            If statistics are by group, a channel is not known, or what is kept fits no axis.

        Examples
        --------
        >>> import dasknorm as dn
        >>> import xarray as xr
        >>> t = xr.DataArray([[1.0, 5.0], [3.0, 9.0]], dims=("time", "level"))
        >>> ds = xr.Dataset({"t": t.assign_coords(level=[850, 500]), "sst": ("time", [0.0, 4.0])})
        >>> constants = dn.adapt(ds, over="time").to_numpy(["sst", "t"], ("time", "channel"))
        >>> constants["channels"], constants["shift"]
        (['sst', ('t', 850), ('t', 500)], array([2., 2., 7.], dtype=float32))
        """
        from dasknorm.serving import numpy  # as all of these, for the few who serve so

        return numpy.constants(self._laid(channels, dims), dtype)

    def to_torch(
        self,
        channels: list[Hashable] | None = None,
        dims: Sequence[Hashable] | None = None,
        *,
        dtype: Any = "float32",
    ) -> Any:
        """Return a ``torch.nn.Module`` that normalizes, its ``.inverse`` included.

        Its constants are buffers, saved and moved with the model; ``.channels`` is their order.
        Parameters and errors are those of `to_numpy`; ``docs/training.md`` shows it in a model.
        """
        from dasknorm.serving import torch

        return torch.module(self._laid(channels, dims), dtype)

    def to_keras(
        self,
        channels: list[Hashable] | None = None,
        dims: Sequence[Hashable] | None = None,
        *,
        invert: bool = False,
    ) -> Any:
        """Return Keras' own ``Normalization`` layer: a saved model loads without dasknorm.

        Of statistics after a function, such as ``Transformed("log1p")``, it is a ``keras.Model`` of
        Keras' own operations.

        Keras keeps the mean in one float32, and so z is off by up to ``2**-24 * abs(mean) / std``:
        6e-8 for a mean as large as the standard deviation, 6e-4 for 1e4 of them.

        Parameters
        ----------
        channels, dims
            As of `to_numpy`.
        invert : bool, default False
            Return the layer that maps back.

        Raises
        ------
        MismatchError
            As `to_numpy`; or if a scale is below 1e-7, by which Keras does not divide.
        """
        from dasknorm.serving import keras

        return keras.layer(self._laid(channels, dims), invert)

    def to_sklearn(self) -> Any:
        """Return scikit-learn's own scaler, fitted with these numbers, to serve with.

        It is a StandardScaler, MinMaxScaler, MaxAbsScaler or RobustScaler, as the statistic is; in
        a pipeline, behind a FunctionTransformer, if that is of a function of the data. For
        statistics of an array's last axis or a frame's columns; others are a MismatchError. It
        gives arrays, as all of scikit-learn's do; ``.set_output(transform="pandas")`` keeps names.
        ``dasknorm.sklearn.StandardScaler.from_stats`` is the way for data of any size.
        """
        from dasknorm.serving import sklearn

        ready = self.compute()
        return sklearn.fitted_scaler(without_lags(ready.states))

    def _laid(self, channels: list[Hashable] | None, dims: Sequence[Hashable] | None) -> "Layout":
        from dasknorm.serving.channels import laid

        ready = self.compute()
        if dims is None and self.container.endswith(".Series"):
            dims = ()  # a Series is one feature, as an array of one axis is
        return laid(without_lags(ready.states), channels, dims)
