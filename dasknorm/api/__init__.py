"""The public verbs and `Stats`, the class of the statistics that they return.

Used by `dasknorm` itself and by the front ends: the layer, the accessors, scikit-learn, the
command line.
"""

__all__: list[str] = []
