"""Scenes: pictures made on the spot from a seed, with exact boxes and masks."""
