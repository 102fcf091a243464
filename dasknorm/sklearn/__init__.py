"""scikit-learn-style API: `StandardScaler`, an estimator for data of any size.

Used by users. Its other modules are private and can change freely.
"""

from dasknorm.sklearn.scaler import StandardScaler

__all__ = ["StandardScaler"]
