"""Statistics outside of this process: statistics files, formats of other programs, model layers.

Used by `api` and the command line. Each subfolder is independent of the others, except that formats
write files by `store.atomic`.
"""

__all__: list[str] = []
