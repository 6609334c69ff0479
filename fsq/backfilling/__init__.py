"""Backfill: plan a source's dates, score them, and write them into a store."""

from fsq.backfilling.options import BackfillKeywords, BackfillOptions, Progress
from fsq.backfilling.run import BackfillResult, backfill

__all__ = ["BackfillKeywords", "BackfillOptions", "BackfillResult", "Progress", "backfill"]
