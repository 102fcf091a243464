"""Fields and states: arrays with named and labelled dimensions, for data and their records.

Used by accessors, api, cli, containers, io, layer, reports, sklearn and testing.
`Field` is part of the interface for extensions, so its attributes are public.
"""

from dasknorm.fields.field import Axes, Field, Fields, Groups, State, States

__all__ = ["Axes", "Field", "Fields", "Groups", "State", "States"]
