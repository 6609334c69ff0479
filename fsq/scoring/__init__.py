"""Scoring: level 1 per feature, level 2 per category, level 3 per record."""
