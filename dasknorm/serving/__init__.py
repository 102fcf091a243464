"""Serving without dasknorm: statistics as what another library normalizes with itself.

One file for each library, and two that they share: `channels`, where names become positions, and
`layout`, what comes of it.
"""
