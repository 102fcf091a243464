"""Find the batches in input data, whatever type holds them.

Used by `api` and `layer`. To support another type of batch, change `_parse_batch` only.

The rule for lists and tuples: numbers, however nested, are one array. Arrays with two or more
dimensions, DataFrames and xarray objects are batches. One-dimensional arrays and Series could be
rows or batches, and raise an error.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from numbers import Number
from os import PathLike
from typing import Any

import numpy as np

from dasknorm.containers import find_container, unsupported_type
from dasknorm.errors import MismatchError
from dasknorm.fields import Fields, States
from dasknorm.fields.matching import names_of

GROUPED = re.compile("GroupBy|Resampl|Rolling|Coarsen|Expanding|ExponentialMovingWindow")
"""Names of classes that iterate over groups or windows of data, in pandas, polars and xarray."""


def find_batches(data: object) -> Iterator[Any] | None:
    """Return an iterator over the batches in `data`; None if `data` is a single container.

    If a batch is a tuple, its first element is used, and so is that of a list of tensors, which is
    how PyTorch's DataLoader returns (inputs, targets). TypeError if the data have no numbers, or
    if a list or tuple is ambiguous.
    """
    if isinstance(data, (list, tuple)):
        return _iterate(data) if _has_batches(data) else None
    if find_container(data) is not None:
        return None
    if GROUPED.search(type(data).__name__):
        raise TypeError(
            f"got a {type(data).__name__}, which has the data in groups or windows. Pass the data "
            "themselves, and for statistics per group by=, such as adapt(df, by='city')"
        )
    if (stream := _open_stream(data)) is not None:
        return _iterate(stream)
    if hasattr(data, "shape"):
        # Iterating over a Zarr array or a tensor gives rows, each of which would count as a batch.
        raise unsupported_type(data, _advise_array(data))
    if isinstance(data, Iterable) and not isinstance(data, (str, bytes, Mapping)):
        return _iterate(data)
    if isinstance(data, (str, bytes, PathLike)):
        raise _reject_path(data)
    advice = "give an array, a frame, an xarray object or an iterable of them"
    if isinstance(data, Mapping):
        advice = "write pd.DataFrame(data), or xr.Dataset(data) for named dimensions"
    raise unsupported_type(data, advice)


def check_single(data: object, function: str) -> None:
    """Raise TypeError if `data` are batches, which `function` does not take."""
    if find_batches(data) is not None:
        raise TypeError(
            f"{function} takes one array, frame or xarray object, got batches in a "
            f"{type(data).__name__}. Concatenate them, or call {function} for each"
        )


def check_same_names(states: States, earlier: Fields) -> None:
    """Raise MismatchError unless a batch has the columns or variables of earlier batches.

    Statistics of other names would be combined with the earlier ones; batches have one type.
    """
    names, earlier_names = names_of(states), names_of(earlier)
    if set(names) != set(earlier_names):
        raise MismatchError(
            "all batches must have the same variables or columns: expected "
            f"{_format_names(earlier_names)}, got {_format_names(names)}"
        )


def _format_names(names: list[Any]) -> str:
    return "an array without names" if names == [None] else str(names)


# -- lists and tuples -----------------------------------------------------------------------------


def _has_batches(items: list[Any] | tuple[Any, ...]) -> bool:
    """Check whether a list holds batches, and not numbers; TypeError if it could be either."""
    first = next((item for item in items if not _is_scalar(item)), None)
    if isinstance(first, (str, bytes, PathLike)):
        raise _reject_path(first)
    if isinstance(first, tuple) and any(map(_is_array, first)):
        first = first[0]  # (inputs, targets)
    if first is None or isinstance(first, (list, tuple)):
        _check_no_arrays(items)
        return False
    if not _is_array(first):
        return False
    if min(map(_rank, items)) < 2:
        raise TypeError(
            f"ambiguous data: a {type(items).__name__} of one-dimensional {type(first).__name__} "
            "objects may be rows of one array, or batches. For rows write np.stack(rows); for "
            "batches write iter(batches)"
        )
    return True


def _check_no_arrays(items: Iterable[Any]) -> None:
    """Raise TypeError if lists of numbers have arrays in them."""
    for item in items:
        if isinstance(item, (list, tuple)):
            _check_no_arrays(item)
        elif _is_array(item):
            raise TypeError(
                f"ambiguous data: lists with a {type(item).__name__} in them may be rows or "
                "batches. For one array write np.array(data); for batches pass a list of arrays"
            )


def _rank(item: Any) -> int:
    """Return the number of dimensions of a batch, 2 if its columns or dimensions have names."""
    if isinstance(item, tuple) and any(map(_is_array, item)):
        return _rank(item[0])
    if isinstance(item, (list, tuple)):
        return 1 + (_rank(item[0]) if item else 0)
    if _is_scalar(item):
        return 0
    return 2 if _has_names(item) else len(getattr(item, "shape", (0, 0)))


def _has_names(item: Any) -> bool:
    """Check whether the columns or dimensions of a batch have names."""
    container = find_container(item)
    is_series = len(getattr(item, "shape", (0, 0))) == 1 and not hasattr(item, "dims")
    return container is not None and container.combined_name is not None and not is_series


def _is_array(item: Any) -> bool:
    if isinstance(item, (list, tuple)) or _is_scalar(item):
        return False
    return hasattr(item, "__array__") or find_container(item) is not None


def _is_scalar(item: Any) -> bool:
    is_array = getattr(item, "shape", None) == () and not hasattr(item, "dims")
    return isinstance(item, Number) or is_array


# -- iterables ------------------------------------------------------------------------------------


def _open_stream(data: Any) -> Iterable[Any] | None:
    """Return the record batches of an Arrow stream, such as a DuckDB relation, or a dataset."""
    if hasattr(data, "__arrow_c_stream__"):
        import pyarrow as pa  # an optional library, which most objects of this kind come with

        try:
            return pa.RecordBatchReader.from_stream(data)
        except pa.ArrowInvalid:
            raise unsupported_type(data, "write pa.table({'x': data}) for one column") from None
    if type(data).__module__.startswith("pyarrow.") and hasattr(data, "to_batches"):
        return data.to_batches()  # a Dataset, or its Scanner
    return None


def _iterate(batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        parsed = _parse_batch(batch)
        if not isinstance(parsed, (Number, np.generic)):
            yield parsed
            continue
        if parsed is batch:
            raise unsupported_type(batches, "its items are numbers: write np.fromiter(data, float)")
        raise unsupported_type(
            batches, "its items are tuples of numbers. For rows write np.array(list(data))"
        )


def _parse_batch(batch: Any) -> Any:
    is_pair = isinstance(batch, tuple) or (isinstance(batch, list) and any(map(_is_tensor, batch)))
    if is_pair and batch:
        batch = batch[0]
    if _is_tensor(batch):
        return np.asarray(batch.detach().cpu())
    if isinstance(batch, list) and batch and _is_array(batch[0]):
        raise TypeError(
            "ambiguous batch: a list of arrays may be rows or (inputs, targets). Yield a tuple to "
            "use its first element, or np.stack(rows)"
        )
    return batch


def _is_tensor(item: object) -> bool:
    return type(item).__module__.partition(".")[0] == "torch" and hasattr(item, "detach")


# -- advice ---------------------------------------------------------------------------------------


def _advise_array(data: Any) -> str:
    if type(data).__module__.startswith("scipy.sparse"):
        return "fit dasknorm.sklearn.StandardScaler(with_mean=False), or write data.toarray()"
    return "write np.asarray(data), or dask.array.from_array(data) if it is large"


def _reject_path(path: str | bytes | PathLike[str]) -> TypeError:
    return unsupported_type(
        path,
        f"if {path!r} is a path, open it first, for example with xr.open_mfdataset(paths); if it "
        "is text, convert it to numbers: float(x)",
    )
