"""Numbers and pictures become figures."""
