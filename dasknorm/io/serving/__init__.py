"""Convert statistics to objects of other libraries, which normalize without dasknorm.

Used by api.stats. A new library is one new module here, imported when it is called.
"""

from dasknorm.io.serving.channels import make_layout
from dasknorm.io.serving.layout import Layout

__all__ = ["Layout", "make_layout"]
