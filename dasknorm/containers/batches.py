"""Find the batches in input data, whatever type holds them.

Used by `api.adapt`, `api.stats` and `layer`. To support another type of batch,
change `_parse_batch` only.
"""

from collections.abc import Iterable, Iterator, Mapping
from numbers import Number
from typing import Any

import numpy as np

from dasknorm.containers import find_container, unsupported_type
from dasknorm.errors import MismatchError
from dasknorm.fields import Fields, States
from dasknorm.fields.matching import names_of


def find_batches(data: object) -> Iterator[Any] | None:
    """Return an iterator over the batches in `data`; None if `data` is a single container.

    A list of numbers, however nested, is one array; a list of arrays is a list of batches. If a
    batch is a tuple, its first element is used, and so is that of a list of tensors, which is how
    PyTorch's DataLoader returns (inputs, targets). TypeError if the data have no numbers.
    """
    if isinstance(data, (list, tuple)):
        return _iterate(data) if _has_arrays(data) else None
    if find_container(data) is not None:
        return None
    if hasattr(data, "shape"):
        # Iterating over a Zarr array or a tensor gives rows, each of which would count as a batch.
        raise unsupported_type(
            data, "write np.asarray(data), or dask.array.from_array(data) if it is large"
        )
    if isinstance(data, Iterable) and not isinstance(data, (str, bytes, Mapping)):
        return _iterate(data)
    raise unsupported_type(data, "give an array, a frame, an xarray object or an iterable of them")


def _iterate(batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        if isinstance(batch, (Number, np.generic)):
            raise unsupported_type(batches, "its items are numbers: write np.fromiter(data, float)")
        yield _parse_batch(batch)


def check_same_names(states: States, earlier: Fields) -> None:
    """Raise MismatchError unless a batch has the columns or variables of earlier batches.

    Statistics of other names would be combined with the earlier ones; batches have one type.
    """
    names, earlier_names = names_of(states), names_of(earlier)
    if set(names) != set(earlier_names):
        raise MismatchError(
            f"a batch has the labels {names}, those before it {earlier_names}; give all of them "
            "the same"
        )


def _has_arrays(items: list[Any] | tuple[Any, ...]) -> bool:
    first = items[0] if items else None
    first = first[0] if isinstance(first, tuple) and first else first
    if isinstance(first, (Number, np.generic, str, bytes, list, tuple)):
        return False
    return hasattr(first, "__array__") or find_container(first) is not None


def _parse_batch(batch: Any) -> Any:
    is_pair = isinstance(batch, tuple) or (isinstance(batch, list) and any(map(_is_tensor, batch)))
    if is_pair and batch:
        batch = batch[0]
    if _is_tensor(batch):
        return np.asarray(batch.detach().cpu())
    if isinstance(batch, list) and _has_arrays(batch):
        raise TypeError(
            "a batch that is a list of arrays could be rows or (inputs, targets); "
            "yield a tuple to have its element 0 taken, or np.stack the rows"
        )
    return batch


def _is_tensor(item: object) -> bool:
    return type(item).__module__.partition(".")[0] == "torch" and hasattr(item, "detach")
