"""Checking a store: its dates, its age and its source, held against its ledger of incidents."""

from fsq.checking.check import check_store
from fsq.checking.result import CheckOptions, StoreCheck

__all__ = ["CheckOptions", "StoreCheck", "check_store"]
