"""Reports: statistics for people to read, as tables, sentences, HTML, plots and checks.

Used by users through its modules. Files here do not change statistics.
"""
