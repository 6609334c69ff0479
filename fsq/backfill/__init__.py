"""Backfill: a source's dates, planned, scored and written into a store."""
