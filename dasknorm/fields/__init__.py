"""Fields: arrays with names and labels, of which data, states and maps are made.

Used by `containers` and all folders above it; `Field` is part of the interface for extensions.
"""

from dasknorm.fields.field import Axes, Field, Fields, Groups, State, States

__all__ = ["Axes", "Field", "Fields", "Groups", "State", "States"]
