"""Statistics outside of this process: our files, other programs' files, other libraries' objects.

Used by `api` and the command line. Each subfolder is independent of the others, except that formats
write files by `store.atomic`.
"""

__all__: list[str] = []
