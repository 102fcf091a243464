"""Create a PyTorch module with statistics as buffers.

Used by api.stats. The names of its buffers are in saved models.
"""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from dasknorm.io.serving import Layout

try:
    import torch
    from torch import nn
except ModuleNotFoundError as error:
    if error.name == "torch":
        raise ImportError("to_torch needs PyTorch: pip install 'dasknorm[training]'") from error
    raise

__all__ = ["Normalization", "module"]


def module(layout: Layout, dtype: DTypeLike) -> "Normalization":
    """Return the affine maps as a module, its constants in float32 or float64."""
    name = str(dtype).removeprefix("torch.") if isinstance(dtype, torch.dtype) else dtype
    return Normalization(layout, name)


class Function(nn.Module):  # type: ignore[misc]  # PyTorch's types are not read
    """A function of some channels: "log", "log1p", "sqrt" or "asinh".

    The other channels are kept from it, not only from its results: a logarithm of a negative number
    there would make all gradients NaN.
    """

    def __init__(self, name: str, where: np.ndarray) -> None:
        super().__init__()
        self.name = name
        self.everywhere = bool(where.all())
        self.register_buffer("where", torch.from_numpy(where.copy()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a batch of which these channels have gone through the function."""
        if self.everywhere:
            return self._forth(x)
        return torch.where(self.where, self._forth(torch.where(self.where, x, 1.0)), x)

    @torch.jit.export  # type: ignore[untyped-decorator]
    def inverse(self, z: torch.Tensor) -> torch.Tensor:
        """Return what went through the function."""
        if self.everywhere:
            return self._back(z)
        return torch.where(self.where, self._back(torch.where(self.where, z, 1.0)), z)

    def _forth(self, x: torch.Tensor) -> torch.Tensor:
        if self.name == "log":
            return torch.log(x)
        if self.name == "log1p":
            return torch.log1p(x)
        if self.name == "sqrt":
            return torch.sqrt(x)
        return torch.asinh(x)

    def _back(self, z: torch.Tensor) -> torch.Tensor:
        if self.name == "log":
            return torch.exp(z)
        if self.name == "log1p":
            return torch.expm1(z)
        if self.name == "sqrt":
            return torch.square(z)
        return torch.sinh(z)

    def extra_repr(self) -> str:
        return self.name


class Normalization(nn.Module):  # type: ignore[misc]
    """``(x - shift - shift_rest) / scale`` of a batch, and back.

    The shift is kept in two parts: in float32 alone, a mean of 1e4 would move z by up to 5e-4
    for each unit of scale. Constants are buffers, in `state_dict` and moved with the model; a
    ``half()`` moves nothing but the model, as they keep their dtype.

    Parameters
    ----------
    layout : Layout
        The maps, laid along the last axes of a batch.
    dtype : {"float32", "float64"}
        Of the constants. A result is calculated in it, or in the batch's own if that is wider.

    Attributes
    ----------
    functions : ModuleList of Function
        What some channels go through first; mostly none.
    shift, shift_rest, scale : Tensor
        The buffers; they broadcast along the last axes of a batch.
    channels : tuple
        What is expected along the axis of channels, in this order; empty where none has names.

    Examples
    --------
    >>> import dasknorm as dn
    >>> import numpy as np
    >>> stats = dn.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
    >>> normalize = stats.to_torch()
    >>> z = normalize(torch.tensor([[2.0, 40.0]]))
    >>> z, normalize.inverse(z)
    (tensor([[0., 2.]]), tensor([[ 2., 40.]]))
    """

    kept: list[tuple[int, int]]  # said for TorchScript, which cannot guess what an empty list holds

    def __init__(self, layout: Layout, dtype: DTypeLike = "float32") -> None:
        super().__init__()
        for name, values in layout.parts(dtype).items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(values)))
        self.functions = nn.ModuleList(
            Function(name, where) for name, where in layout.functions.items()
        )
        self.kept = list(layout.kept)
        self.channels = layout.channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a batch normalized, in its own floating dtype; integers in that of constants."""
        wide = self._widened(x)
        for function in self.functions:
            wide = function(wide)
        z = (wide - self.shift - self.shift_rest) / self.scale
        return z.to(x.dtype) if x.is_floating_point() else z

    @torch.jit.export  # type: ignore[untyped-decorator]
    def inverse(self, z: torch.Tensor) -> torch.Tensor:
        """Return what was normalized, in the floating dtype of z."""
        wide = self._widened(z)
        x = (wide * self.scale + self.shift_rest) + self.shift
        for function in self.functions:
            x = function.inverse(x)
        return x.to(z.dtype) if z.is_floating_point() else x

    def _widened(self, x: torch.Tensor) -> torch.Tensor:
        """Return a batch in the dtype to calculate in; ValueError unless it has the sizes kept."""
        for axis, size in self.kept:
            if x.dim() < -axis or x.size(axis) != size:
                raise ValueError(
                    f"a batch of shape {list(x.shape)} does not fit statistics that have, as "
                    f"(axis, size), {self.kept}"
                )
        return x.to(torch.promote_types(x.dtype, self.shift.dtype))

    def _apply(self, fn: Callable[[Any], Any], *args: Any, **kwargs: Any) -> Self:
        """Move the buffers with the model, but keep their dtype: half a mean is a wrong one."""
        before = dict(self.named_buffers(recurse=False))
        super()._apply(fn, *args, **kwargs)
        for name, buffer in before.items():
            moved = getattr(self, name)
            if moved.dtype != buffer.dtype:
                setattr(self, name, buffer.to(moved.device))
        return self

    def extra_repr(self) -> str:
        shape = "x".join(map(str, self.shift.shape)) or "one"
        return f"{shape}, channels={list(self.channels)}" if self.channels else shape
