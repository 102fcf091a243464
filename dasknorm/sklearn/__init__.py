"""scikit-learn-style API: `StandardScaler`, an estimator for data of any size.

``scaler.py`` has `fit`, ``transforms.py`` has `transform`, ``inputs.py`` validates the data, and
``states.py`` selects the statistics that are used.
"""

from dasknorm.sklearn.scaler import StandardScaler

__all__ = ["StandardScaler"]
