"""The templates of ``views``."""

from __future__ import annotations

from importlib.resources import files


def read_template(name: str) -> str:
    """Read one; what begins with a dollar sign is to be substituted."""
    return (files("fsq.sql") / "views" / f"{name}.sql").read_text(encoding="utf-8")
