"""Serving without dasknorm: statistics as what another library normalizes with itself.

One file for each library, imported when it is asked for, and two that they share: `channels`, where
names become positions, and `layout`, what comes of it.
"""

from dasknorm.io.serving.channels import laid
from dasknorm.io.serving.layout import Layout

__all__ = ["Layout", "laid"]
