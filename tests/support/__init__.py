"""Data, helpers and hypothesis strategies that several test files use."""
