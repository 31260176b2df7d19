"""Many records become verdicts."""
