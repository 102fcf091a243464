"""What this site asks of Sphinx that no extension of its own gives: each a few lines."""
