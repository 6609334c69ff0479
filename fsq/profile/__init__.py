"""What normally holds in a feature store, learned from its clean dates."""

from fsq.profile.model import Judgement, Profile, judge, learn
from fsq.profile.rows import Rows
from fsq.profile.table import read_profile, write_profile

__all__ = ["Judgement", "Profile", "Rows", "judge", "learn", "read_profile", "write_profile"]
