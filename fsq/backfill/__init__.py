"""Backfill: a source's dates, planned, scored and written into a store."""

from fsq.backfill.run import BackfillResult, Progress, backfill

__all__ = ["BackfillResult", "Progress", "backfill"]
