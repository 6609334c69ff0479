"""Words of the data call nobody, whatever chat shows them."""

from __future__ import annotations

import re
from datetime import date
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fsq.checking.notify import notify
from fsq.utils.text import defuse_mentions

CALLS = ["@everyone", "@here", "@channel", "@all", "@lebron", "<!channel>", "<!here|all>", "<@42>"]
CALLS += ["<@!42>", "<@&42>", "<#42>", "<!subteam^S1>", "<at>James</at>", "@Everyone", "<AT>x</AT>"]
# What Discord, Slack, Teams, Mattermost and others look for.
KNOWN = re.compile(r"@(everyone|here|channel|all\b)|(?<!\w)@\w|<[@!#&]|<at>", re.IGNORECASE)


class Channel:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def notify(self, **words: str) -> bool:
        self.told += [words["title"], words["body"]]
        return True


@pytest.mark.parametrize("call", CALLS)
def test_names_in_notifications_call_nobody(call: str) -> None:
    incident = SimpleNamespace(
        severity="red",
        title=f"feature {call} is stuck",
        id="i1",
        first_date=date(2026, 2, 6),
        how=None,
        cause=f"all 31 in team {call}",
        remedy=(f"run-processor {call}",),
        owed={"discord": "opened"},
    )
    done: Any = SimpleNamespace(store=f"warehouse/{call}", owed=[incident])
    channel, ledger = Channel(), MagicMock()
    assert notify([("discord", channel)], done, ledger) == []
    ledger.update_side.assert_called_once()
    assert len(channel.told) == 2
    assert not any(KNOWN.search(text) for text in channel.told)
    assert call.strip("<>@!") in channel.told[1].replace(" ", "")


@given(st.text(st.sampled_from("@<>!#&at eveyonhrcl/42\n"), max_size=40))
@example("@@2")
def test_no_text_calls_anybody(text: str) -> None:
    defused = defuse_mentions(text)
    assert not KNOWN.search(defused)
    assert defused.replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("text", ["me@example.com", "a < b", "s3://bucket/a@1", "x <= 3 & y"])
def test_what_calls_nobody_stays(text: str) -> None:
    assert defuse_mentions(text) == text
