"""The public verbs and `Stats`, the class of the statistics that they return.

Used by users, through `dasknorm`. The front ends import its modules, and it imports none of them.
"""
