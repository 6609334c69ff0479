"""Batch level: what shows only across the rows of a date, and what caused it."""
