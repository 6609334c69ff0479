"""Intake: rows in any accepted form are validated and read into columns."""
