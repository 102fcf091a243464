"""Statistics outside of this process: statistics files, formats of other programs, model layers.

Used by users through its folders. Each subfolder is independent of the others, except that formats
write files by `store.atomic`.
"""
