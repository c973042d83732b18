"""Saving one item: what every room that saves, at a click or by itself, has in common."""
