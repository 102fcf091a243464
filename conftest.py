"""What pytest does not look into for examples: files of libraries that are not installed."""

import os
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parent


def files_of(pattern: str) -> list[str]:
    """Return the files of the package that match a pattern, from the root of the project."""
    return [str(path.relative_to(ROOT)) for path in (ROOT / "dasknorm").glob(pattern)]


NEEDS = {
    "tests/support/edge_arrow.py": "pyarrow",
    "dasknorm/containers/dask_dataframe.py": "pyarrow",
    "dasknorm/containers/pyarrow.py": "pyarrow",
    "dasknorm/containers/polars.py": "polars",
    "dasknorm/containers/parquet.py": "pyarrow",
    "dasknorm/cli/parquet.py": "pyarrow",
    "dasknorm/io/serving/torch.py": "torch",
    "dasknorm/io/serving/keras.py": "keras",
}
NEEDS |= dict.fromkeys(files_of("reports/plots/*.py"), "matplotlib")
NEEDS |= dict.fromkeys(files_of("blocks/arrow_*.py"), "pyarrow")
NEEDS |= dict.fromkeys(files_of("sklearn/*.py"), "sklearn")

# Keras looks for TensorFlow unless told, once for all, what else there is to compute with.
BACKENDS = [name for name in ("torch", "jax") if find_spec(name)]
if find_spec("keras") and BACKENDS:
    os.environ.setdefault("KERAS_BACKEND", BACKENDS[0])
elif not BACKENDS:
    NEEDS["dasknorm/io/serving/keras.py"] = "tensorflow"

collect_ignore = [file for file, library in NEEDS.items() if not find_spec(library)]
