"""What pytest does not look into for examples: files of libraries that are not installed."""

from importlib.util import find_spec

NEEDS = {
    "tests/edge_arrow.py": "pyarrow",
    "dasknorm/cli/picture.py": "matplotlib",
    "dasknorm/containers/dask_dataframe.py": "pyarrow",
}

collect_ignore = [file for file, library in NEEDS.items() if not find_spec(library)]
