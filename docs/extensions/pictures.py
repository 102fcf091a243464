"""How the examples of the tutorial and the gallery run: each anew, none with a warning."""

import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import matplotlib as mpl

__all__ = ["STORY", "afresh", "by_story"]

STYLE = Path(__file__).parents[1] / "static" / "site.mplstyle"
STORY = [
    "ocean_months",
    "ocean_mask",
    "ocean_files",
    "ocean_profiles",
    "small_spread",
    "flights",
    "looking",
    "shifted",
]
"""The order of the gallery; what is not named comes last."""

_strict = ExitStack()


def afresh(config: Any, path: str, when: str) -> None:
    """Before each example: the site's style, and warnings that are errors. After it: no more."""
    if when == "before":
        mpl.style.use(STYLE)
        _strict.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("error")
        # Dask itself, on frames, with pandas 3.
        warnings.filterwarnings("ignore", message=".*inplace keyword")
    else:
        _strict.close()


def by_story(name: str) -> tuple[int, str]:
    """Return by what an example is sorted."""
    stem = Path(name).stem
    return STORY.index(stem) if stem in STORY else len(STORY), stem
