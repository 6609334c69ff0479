"""What normally holds in a feature store, learned from its clean dates."""

from fsq.profile.band import Band, measure_band
from fsq.profile.expected import expect_values
from fsq.profile.judgement import Judgement, judge, measure_dates
from fsq.profile.measures import Evidence
from fsq.profile.model import Profile, learn
from fsq.profile.rows import Rows
from fsq.profile.table import read_profile, write_profile

__all__ = [
    "Band",
    "Evidence",
    "Judgement",
    "Profile",
    "Rows",
    "expect_values",
    "judge",
    "learn",
    "measure_band",
    "measure_dates",
    "read_profile",
    "write_profile",
]
