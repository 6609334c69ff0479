"""Words for people."""

from __future__ import annotations

import re

# What runners of GitHub, Azure and TeamCity take for a command in the log of a job.
_COMMAND = re.compile(r"(?m)^([^\S\n]*):(?=:)|#(?=#\w*\[)")


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """A count with its noun, in the singular or the plural.

    Args:
        count: how many.
        noun: what is counted.
        nouns: its plural, where it does not just take an s.

    >>> plural(1, "row"), plural(30_000, "row"), plural(0, "category", "categories")
    ('1 row', '30,000 rows', '0 categories')
    """
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def defuse(text: str) -> str:
    r"""Text of which no CI system takes a line for a command.

    >>> defuse("rows\n ::error::x, ##vso[task.complete]")
    'rows\n : :error::x, # #vso[task.complete]'
    """
    return _COMMAND.sub(lambda found: f"{found[0]} ", text)
