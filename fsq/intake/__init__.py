"""Intake: rows of any accepted form are validated and read into columns."""
