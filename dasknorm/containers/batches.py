"""Batches: whatever there is to learn from, as a stream of containers."""

from collections.abc import Iterable, Iterator, Mapping
from numbers import Number
from typing import Any

import numpy as np

from dasknorm.containers import find_container, unsupported_type
from dasknorm.errors import MismatchError
from dasknorm.fields import Fields, States
from dasknorm.fields.matching import names_of

__all__ = ["batches", "check_names", "is_single_container"]


def batches(data: Any) -> Iterator[Any]:
    """Yield data itself if it is one container, else the batches it is made of.

    Numbers in lists, however nested, are one array; arrays in a list are batches. Element 0 of a
    batch that is a tuple is taken, and of a list of tensors, which is what PyTorch's DataLoader
    makes of (inputs, targets). TypeError for what holds no numbers.
    """
    if is_single_container(data):
        yield data
    elif isinstance(data, Iterable) and not isinstance(data, (str, bytes, Mapping)):
        for item in data:
            if isinstance(item, (Number, np.generic)):
                raise unsupported_type(
                    data, "its items are numbers: write np.fromiter(data, float)"
                )
            yield _batch(item)
    else:
        raise unsupported_type(
            data, "give an array, a frame, an xarray object or an iterable of them"
        )


def check_names(states: States, before: Fields) -> None:
    """Raise MismatchError unless a batch has the columns or variables of those before.

    Statistics of others would merge with theirs to a union; a stream is of one kind of data.
    """
    found, wanted = names_of(states), names_of(before)
    if set(found) != set(wanted):
        raise MismatchError(
            f"a batch has the labels {found}, those before it {wanted}; give all of them the same"
        )


def is_single_container(data: Any) -> bool:
    """Tell whether data are one container, and not batches; TypeError for a foreign array."""
    if isinstance(data, (list, tuple)):
        return not _holds_arrays(data)
    is_single = find_container(data) is not None
    if not is_single and hasattr(data, "shape"):
        # A Zarr array or a tensor would iterate row by row, each taken for a batch.
        raise unsupported_type(
            data, "write np.asarray(data), or dask.array.from_array(data) if it is large"
        )
    return is_single


def _holds_arrays(items: Any) -> bool:
    first = items[0] if items else None
    first = first[0] if isinstance(first, tuple) and first else first
    if isinstance(first, (Number, np.generic, str, bytes, list, tuple)):
        return False
    return hasattr(first, "__array__") or find_container(first) is not None


def _batch(item: Any) -> Any:
    pair = isinstance(item, tuple) or (isinstance(item, list) and any(map(_is_tensor, item)))
    if pair and item:
        item = item[0]
    if _is_tensor(item):
        return np.asarray(item.detach().cpu())
    if isinstance(item, list) and _holds_arrays(item):
        raise TypeError(
            "a batch that is a list of arrays could be rows or (inputs, targets); "
            "yield a tuple to have its element 0 taken, or np.stack the rows"
        )
    return item


def _is_tensor(item: Any) -> bool:
    return type(item).__module__.partition(".")[0] == "torch" and hasattr(item, "detach")
