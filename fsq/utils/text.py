"""Words for people."""

from __future__ import annotations

import re

# What runners of GitHub, Azure and TeamCity take for a command in the log of a job.
_COMMAND = re.compile(r"(?m)^([^\S\n]*):(?=:)|#(?=#\w*\[)")

# What chats take for a call to people: @everyone anywhere, @name where a word begins, and the
# marks of Slack, Discord and Teams: <!channel>, <@42>, <#42>, <at>.
_MENTION = re.compile(r"@(?=everyone|here|channel|all\b)|(?<!\w)@(?=\w)|<(?=[@!#&]|/?at>)", re.I)


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


def defuse_mentions(text: str) -> str:
    """Text of which no chat takes a part for a call to somebody; addresses stay as they are.

    >>> defuse_mentions("red for @everyone, <!channel> and <@42>; ask me@example.com")
    'red for @ everyone, < !channel> and < @ 42>; ask me@example.com'
    """
    return _MENTION.sub(lambda found: f"{found[0]} ", text)
