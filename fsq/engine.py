"""The former place of ``fsq.score``, kept for scripts written for version 0.1."""

from fsq.scoring.engine import score

__all__ = ["score"]
