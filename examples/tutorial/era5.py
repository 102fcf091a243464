"""
From a store to a training loop
===============================

TO DO
"""

import dasknorm as dn

print(dn.__version__)
