"""Serving without dasknorm: statistics as what another library normalizes with itself.

One file for each library, and `channels`, where names become positions.
"""
