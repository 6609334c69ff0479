"""Telling people what has changed, by apprise: Slack, Teams, PagerDuty, mail and many more."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fsq.checking.result import StoreCheck
from fsq.errors import InputError
from fsq.incidents import Change
from fsq.utils.extras import require_extra
from fsq.utils.text import defuse_mentions

# Slack's limits for the blocks of ?blocks=yes, less what escaping may add, in characters.
_HEADER, _SECTION = 150 - 10, 3000 - 200
WORDS = {"opened": "opened", "worse": "got worse", "resolved": "resolved"}


def open_channels(urls: Sequence[str]) -> list[tuple[str, Any]]:
    """The channels of apprise's URLs, each with a name that holds no secret.

    Raises:
        InputError: apprise is not installed, or knows no such URL; the message does not have it.
    """
    if not urls:
        return []
    with require_extra("notify", "nobody can be notified"):
        import apprise
    opened = []
    for url in urls:
        name = url.partition("://")[0] if "://" in url else "it"
        channel = apprise.Apprise()
        with _silent():
            is_known = channel.add(url)
        if not is_known:
            cure = "write one as https://appriseit.com/services/ shows, such as slack://..."
            problem = f"--notify: {name} is no URL that can be notified; {cure}"
            raise InputError([problem], "nobody can be notified")
        for service in channel:
            _fit_blocks(service)
        opened.append((name, channel))
    return opened


def _fit_blocks(service: Any) -> None:
    """Split what Slack would refuse: a block's text is shorter than that of a plain message."""
    if getattr(service, "use_blocks", False):
        service.title_maxlen, service.body_maxlen = _HEADER, _SECTION
        service.overflow_mode = "split"


def notify(channels: Sequence[tuple[str, Any]], done: StoreCheck) -> list[str]:
    """Tell every channel what has changed; nothing if nothing has.

    Returns:
        What could not be told, in phrases that name no URL.
    """
    if not done.changes:
        return []
    title, body = map(defuse_mentions, make_message(done))
    failed = []
    for name, channel in channels:
        with _silent():
            try:
                is_told = channel.notify(title=title, body=body, body_format="text")
            except Exception:  # a plug-in of others must not fail the check
                is_told = False
        if not is_told:
            failed.append(f"{name} did not accept the notification")
    return failed


def make_message(done: StoreCheck) -> tuple[str, str]:
    """Title and text: what changed, why, and which commands repair what is open."""
    changes = sorted(done.changes or (), key=lambda c: list(WORDS).index(c.what))
    counted = [
        f"{n} {word}" for what, word in WORDS.items() if (n := sum(c.what == what for c in changes))
    ]
    title = f"fsq: {done.store}: {', '.join(counted)}"
    return title, "\n\n".join(_describe(change) for change in changes)


def _describe(change: Change) -> str:
    incident = change.incident
    head = f"{WORDS[change.what].upper()} [{incident.severity}] {incident.title} ({incident.id})"
    when = f"since {incident.first_date}"
    if incident.how is not None:  # an incident may be over before anybody hears of it
        return f"{head}\n{when}, {incident.how}"
    commands = [f"  {command}" for command in incident.remedy]
    return "\n".join([head, f"{when}. {incident.cause}", *commands])


@contextmanager
def _silent() -> Iterator[None]:
    """Without apprise's own log, which may hold URLs, and without its plug-ins' warnings."""
    log = logging.getLogger("apprise")
    before = log.disabled
    log.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.disabled = before
