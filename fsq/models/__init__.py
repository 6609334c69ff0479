"""Models: which features they read, and whether scored data can feed them."""

from fsq.models.check import ModelCheck, check_model

__all__ = ["ModelCheck", "check_model"]
