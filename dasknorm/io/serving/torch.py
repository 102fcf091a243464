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


def module(layout: Layout, dtype: DTypeLike) -> "Normalization":
    """Return the affine maps as a module, its constants in float32 or float64."""
    name = str(dtype).removeprefix("torch.") if isinstance(dtype, torch.dtype) else dtype
    return Normalization(layout, name)


def _check_tensor(x: object) -> None:
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"pass a tensor, got {type(x).__name__}: torch.as_tensor(x)")


class Function(nn.Module):  # type: ignore[misc]  # PyTorch's types are not read
    """A function of some channels: "log", "log1p", "sqrt" or "asinh".

    It is never applied to others: the logarithm of a negative number would make all gradients NaN.
    """

    def __init__(self, name: str, where: np.ndarray) -> None:
        super().__init__()
        self.name = name
        self.everywhere = bool(where.all())
        self.register_buffer("where", torch.from_numpy(where.copy()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the function to its channels."""
        if self.everywhere:
            return self._apply_function(x)
        return torch.where(self.where, self._apply_function(torch.where(self.where, x, 1.0)), x)

    @torch.jit.export  # type: ignore[untyped-decorator]
    def inverse(self, z: torch.Tensor) -> torch.Tensor:
        """Apply the inverse function to its channels."""
        if self.everywhere:
            return self._apply_inverse(z)
        return torch.where(self.where, self._apply_inverse(torch.where(self.where, z, 1.0)), z)

    def _apply_function(self, x: torch.Tensor) -> torch.Tensor:
        if self.name == "log":
            return torch.log(x)
        if self.name == "log1p":
            return torch.log1p(x)
        if self.name == "sqrt":
            return torch.sqrt(x)
        return torch.asinh(x)

    def _apply_inverse(self, z: torch.Tensor) -> torch.Tensor:
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
    """``(x - shift - shift_rest) / scale`` of a batch, and its inverse.

    The shift has two parts: in float32 alone, a mean of 1e4 would have an error of up to 5e-4, in
    units of the scale. Constants are buffers that are saved and moved with the model, but keep
    their dtype after ``half()``.

    Parameters
    ----------
    layout : Layout
        The affine maps along the last axes of a batch.
    dtype : {"float32", "float64"}
        The dtype of the constants, and of the computation unless that of the batch is wider.

    Attributes
    ----------
    functions : ModuleList of Function
        Functions that are applied to some channels first; mostly none.
    shift, shift_rest, scale : Tensor
        The buffers; they broadcast along the last axes of a batch.
    channels : tuple
        The names along the axis of channels, in order; empty without names.

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

    kept: list[tuple[int, int]]  # TorchScript cannot infer the type of an empty list

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
        """Normalize a batch; the result has its floating dtype, or else that of the constants."""
        wide = self._widened(x)
        for function in self.functions:
            wide = function(wide)
        z = (wide - self.shift - self.shift_rest) / self.scale
        return z.to(x.dtype) if x.is_floating_point() else z

    @torch.jit.export  # type: ignore[untyped-decorator]
    def inverse(self, z: torch.Tensor) -> torch.Tensor:
        """Restore normalized data, in the floating dtype of z."""
        wide = self._widened(z)
        x = (wide * self.scale + self.shift_rest) + self.shift
        for function in self.functions:
            x = function.inverse(x)
        return x.to(z.dtype) if z.is_floating_point() else x

    def _widened(self, x: torch.Tensor) -> torch.Tensor:
        """Return a batch in the dtype of the computation; an error for another type or shape."""
        if not torch.jit.is_scripting():  # TorchScript has only tensors, and no type names
            _check_tensor(x)
        for axis, size in self.kept:
            if x.dim() < -axis or x.size(axis) != size:
                raise ValueError(
                    f"a batch of shape {list(x.shape)} does not fit statistics that have, as "
                    f"(axis, size), {self.kept}"
                )
        return x.to(torch.promote_types(x.dtype, self.shift.dtype))

    def _apply(self, fn: Callable[[Any], Any], *args: Any, **kwargs: Any) -> Self:
        """Move the buffers with the model, but keep their dtype: a float16 mean is inexact."""
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
