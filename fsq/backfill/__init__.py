"""Backfill: plan a source's dates, score them, and write them into a store."""

from fsq.backfill.options import BackfillKeywords, BackfillOptions, Progress
from fsq.backfill.run import BackfillResult, backfill

__all__ = ["BackfillKeywords", "BackfillOptions", "BackfillResult", "Progress", "backfill"]
