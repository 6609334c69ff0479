"""Scored rows as charts, and as one HTML page that opens offline."""

from fsq.reporting.entry import report

__all__ = ["report"]
