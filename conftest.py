"""What pytest does not look into for examples: files of libraries that are not installed."""

import os
from importlib.util import find_spec
from pathlib import Path

NEEDS = {
    "tests/edge_arrow.py": "pyarrow",
    "dasknorm/cli/picture.py": "matplotlib",
    "dasknorm/containers/dask_dataframe.py": "pyarrow",
}

ROOT = Path(__file__).parent
NEEDS |= {
    str(path.relative_to(ROOT)): "matplotlib"
    for path in (ROOT / "dasknorm" / "pictures").glob("*.py")
}
NEEDS |= {
    str(path.relative_to(ROOT)): "pyarrow" for path in (ROOT / "dasknorm" / "arrow").glob("*.py")
}
NEEDS |= {
    "dasknorm/containers/pyarrow.py": "pyarrow",
    "dasknorm/containers/polars.py": "polars",
    "dasknorm/arrow_arrays.py": "pyarrow",
    "dasknorm/cli/parquet.py": "pyarrow",
    "dasknorm/serving/torch.py": "torch",
    "dasknorm/serving/keras.py": "keras",
    "dasknorm/cli/rewriting.py": "pyarrow",
    "dasknorm/cli/rowgroups.py": "pyarrow",
}
NEEDS |= {
    str(path.relative_to(ROOT)): "sklearn" for path in (ROOT / "dasknorm" / "sklearn").glob("*.py")
}

# Keras looks for TensorFlow unless told, once for all, what else there is to compute with.
BACKENDS = [name for name in ("torch", "jax") if find_spec(name)]
if find_spec("keras") and BACKENDS:
    os.environ.setdefault("KERAS_BACKEND", BACKENDS[0])
elif not BACKENDS:
    NEEDS["dasknorm/serving/keras.py"] = "tensorflow"

collect_ignore = [file for file, library in NEEDS.items() if not find_spec(library)]
