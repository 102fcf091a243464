"""What asv times on each version, so that a slower one is seen. See docs/performance.md."""
