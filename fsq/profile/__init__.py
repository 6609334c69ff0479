"""What normally holds in a feature store, learned from its clean dates."""

from fsq.profile.evidence import Evidence
from fsq.profile.model import Judgement, Profile, judge, learn, measure_dates
from fsq.profile.rows import Rows
from fsq.profile.table import read_profile, write_profile

__all__ = [
    "Evidence",
    "Judgement",
    "Profile",
    "Rows",
    "judge",
    "learn",
    "measure_dates",
    "read_profile",
    "write_profile",
]
