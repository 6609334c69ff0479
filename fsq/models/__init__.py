"""Models: which features they read, and whether they may predict on scored data."""

from fsq.models.check import ModelCheck, check_model

__all__ = ["ModelCheck", "check_model"]
