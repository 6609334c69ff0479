"""Words for people."""

from __future__ import annotations


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
