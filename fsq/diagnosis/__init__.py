"""Batch level: what shows only across the rows of a date, and what caused it."""

from fsq.diagnosis.diagnose import Diagnosis, diagnose
from fsq.diagnosis.findings import Finding

__all__ = ["Diagnosis", "Finding", "diagnose"]
