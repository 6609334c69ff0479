"""What Slack is sent: the JSON of a message, as text and as blocks."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from fsq.checking.notify import open_channels

TOKENS = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
Send = Callable[[str, str, str], list[dict[str, Any]]]


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch) -> Send:
    """Sends a title and a text by a URL of Slack; returns what Slack was to get."""
    pytest.importorskip("apprise")
    import requests

    sent: list[dict[str, Any]] = []

    def keep(_: Any, method: str, url: str, data: str, **__: Any) -> SimpleNamespace:
        sent.append(json.loads(data))
        return SimpleNamespace(status_code=200, content=b"ok", text="ok")

    monkeypatch.setattr(requests.Session, "request", keep)

    def send_message(options: str, title: str, body: str) -> list[dict[str, Any]]:
        ((name, channel),) = open_channels([f"slack://{TOKENS}/{options}"])
        assert name == "slack"
        assert channel.notify(title=title, body=body, body_format="text")
        return sent

    return send_message


def test_a_message_keeps_its_text_and_mentions_nobody(send: Send) -> None:
    (message,) = send("", "fsq: s: 1 opened", "OPENED [red] <!channel> of a_b_c\n  fsq check")
    (shown,) = message["attachments"]
    assert shown["title"] == "fsq: s: 1 opened"
    assert shown["text"] == "OPENED [red] &lt;!channel&gt; of a_b_c\n  fsq check"


def test_blocks_stay_within_slack_s_limits(send: Send) -> None:
    incidents = [f"OPENED [red] incident {i}\n{'why ' * 60}" for i in range(40)]
    sent = send("?blocks=yes", "fsq: " + "store" * 50, "\n\n".join(incidents))
    blocks = [block for message in sent for block in message["attachments"][0]["blocks"]]
    texts = {
        kind: [b["text"] for b in blocks if b["type"] == kind] for kind in ("header", "section")
    }
    assert len(sent) > 1
    assert all(len(t["text"]) <= 150 for t in texts["header"])
    assert all(len(t["text"]) <= 3000 for t in texts["section"])
    assert {t["type"] for t in texts["section"]} == {"plain_text"}
    told = "".join(t["text"] for t in texts["section"])
    assert all(f"incident {i}" in told for i in range(40))
