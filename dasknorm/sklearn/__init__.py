"""scikit-learn-style API: `StandardScaler`, an estimator for data of any size.

Used by users. Its other modules are private and can change freely.

``scaler.py`` has `fit`, ``transforms.py`` has `transform`, ``inputs.py`` validates the data, and
``states.py`` selects the statistics that are used.
"""

from dasknorm.sklearn.scaler import StandardScaler

__all__ = ["StandardScaler"]
