"""What all tests share: how hypothesis is run, and a scheduler that refuses to compute."""

from collections.abc import Iterator
from typing import Any, NoReturn

import dask
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "dasknorm",
    deadline=None,
    derandomize=True,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile(
    "hunt", settings.get_profile("dasknorm"), derandomize=False, max_examples=1000
)
settings.load_profile("dasknorm")  # pytest --hypothesis-profile=hunt looks where nobody has looked


def refuse(*args: Any, **kwargs: Any) -> NoReturn:
    """Stand in for a scheduler where nothing may be computed."""
    raise AssertionError("something was computed while a graph was built")


@pytest.fixture
def nothing_computes() -> Iterator[None]:
    """Make every computation fail for the length of a test."""
    with dask.config.set(scheduler=refuse):
        yield
