"""The public verbs and `Stats`, the class of the statistics that they return.

Used by `accessors`, `cli`, `layer`, `sklearn` and `testing`. Nothing here knows a front end.
"""

__all__: list[str] = []
