"""The scikit-learn door: `StandardScaler`, an estimator over `Stats`, for data of any size.

``scaler.py`` is the estimator; ``inputs.py`` decides what it takes, ``states.py`` which of the
numbers it has learned are used on what, ``sparse.py`` does the same for matrices of zeros, and
``outputs.py`` obeys `set_output`.
"""

from dasknorm.sklearn.scaler import StandardScaler

__all__ = ["StandardScaler"]
