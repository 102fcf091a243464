"""Outward: what statistics give to others: to files, and to other libraries.

Each is a line or two here, and has a file of its own, imported when it is called.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

from dasknorm.api.looks import Looks
from dasknorm.fields.lags import without_lags

if TYPE_CHECKING:
    from dasknorm.io.serving import Layout
    from dasknorm.io.serving.numpy import Constants

__all__ = ["Outward"]


@dataclass(frozen=True, eq=False, repr=False)
class Outward(Looks):
    """Readings that can be kept, and handed on.

    Parameters
    ----------
    states, container, attrs
        As of `Readings`.
    """

    def save(self, path: str | PathLike[str]) -> None:
        """Write the statistics to a ``.nc``, ``.zarr`` or ``.json`` file, replacing it whole."""
        from dasknorm.io import store  # a fifth of the import time, for those who keep files

        ready = self.compute()
        store.write(path, ready.states, ready.container, ready.attrs, ready.describe())

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
        from dasknorm.io import formats
        from dasknorm.io.formats import export as exporting  # for those who hand files on

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
        from dasknorm.io.serving import numpy  # as all of these, for the few who serve so

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
        from dasknorm.io.serving import torch

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
        from dasknorm.io.serving import keras

        return keras.layer(self._laid(channels, dims), invert)

    def to_sklearn(self) -> Any:
        """Return scikit-learn's own scaler, fitted with these numbers, to serve with.

        It is a StandardScaler, MinMaxScaler, MaxAbsScaler or RobustScaler, as the statistic is; in
        a pipeline, behind a FunctionTransformer, if that is of a function of the data. For
        statistics of an array's last axis or a frame's columns; others are a MismatchError. It
        gives arrays, as all of scikit-learn's do; ``.set_output(transform="pandas")`` keeps names.
        ``dasknorm.sklearn.StandardScaler.from_stats`` is the way for data of any size.
        """
        from dasknorm.io.serving import sklearn

        ready = self.compute()
        return sklearn.fitted_scaler(without_lags(ready.states))

    def _laid(self, channels: list[Hashable] | None, dims: Sequence[Hashable] | None) -> "Layout":
        from dasknorm.io.serving import laid

        ready = self.compute()
        if dims is None and self.container.endswith(".Series"):
            dims = ()  # a Series is one feature, as an array of one axis is
        return laid(without_lags(ready.states), channels, dims)
