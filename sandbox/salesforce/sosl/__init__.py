"""Searching for words. SOSL, and the same with parameters instead of a statement."""
