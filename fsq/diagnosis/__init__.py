"""Batch level: what shows only across the rows of a date, and what caused it."""

from fsq.diagnosis.diagnose import diagnose, learn_profile
from fsq.diagnosis.findings import Finding
from fsq.diagnosis.result import Diagnosis

__all__ = ["Diagnosis", "Finding", "diagnose", "learn_profile"]
