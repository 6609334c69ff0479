"""Telling people what has changed, by apprise: Slack, Teams, PagerDuty, mail and many more."""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fsq.checking.result import StoreCheck
from fsq.errors import InputError, StoreError
from fsq.incidents import Change, list_owed, note_notices
from fsq.stores import Store
from fsq.utils.extras import require_extra
from fsq.utils.text import defuse_mentions

# Slack's limits for the blocks of ?blocks=yes, less what escaping may add, in characters.
_HEADER, _SECTION = 150 - 10, 3000 - 200
WORDS = {"opened": "opened", "worse": "got worse", "resolved": "resolved"}


def open_channels(urls: Sequence[str]) -> list[tuple[str, Any]]:
    """The channels of apprise's URLs, each with a name of its own that holds no secret.

    Raises:
        InputError: apprise is not installed, or knows no such URL; the message does not have it.
    """
    if not urls:
        return []
    with require_extra("notify", "nobody can be notified"):
        import apprise
    opened, kinds = [], Counter[str]()
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
        kinds[name] += 1
        opened.append((name if kinds[name] == 1 else f"{name} {kinds[name]}", channel))
    return opened


def _fit_blocks(service: Any) -> None:
    """Split what Slack would refuse: a block's text is shorter than that of a plain message."""
    if getattr(service, "use_blocks", False):
        service.title_maxlen, service.body_maxlen = _HEADER, _SECTION
        service.overflow_mode = "split"


def notify(channels: Sequence[tuple[str, Any]], done: StoreCheck, store: Store) -> list[str]:
    """Tell every channel what it has not been told yet, and note in the ledger that it was.

    What a channel did not accept, or a run that was ended did not tell, is told by a later call. If
    a run ends between telling and noting it, that is told again.

    Returns:
        What could not be told or noted, in phrases that name no URL.
    """
    failed = []
    for name, channel in channels:
        changes = list_owed(done.owed, name)
        if not changes:
            continue
        if not _tell(channel, *make_message(done.store, changes)):
            failed.append(f"{name} did not accept the notification; the next check sends it again")
            continue
        try:
            note_notices(store, name, changes)
        except StoreError as error:
            failed.append(
                f"{name} was notified, and will be again, since it was not noted: {error}"
            )
    return failed


def _tell(channel: Any, title: str, body: str) -> bool:
    with _silent():
        try:
            return bool(
                channel.notify(
                    title=defuse_mentions(title), body=defuse_mentions(body), body_format="text"
                )
            )
        except Exception:  # a plug-in of others must not fail the check
            return False


def make_message(store: str, changes: Sequence[Change]) -> tuple[str, str]:
    """Title and text: what changed, why, and which commands repair what is open."""
    changes = sorted(changes, key=lambda c: list(WORDS).index(c.what))
    counted = [
        f"{n} {word}" for what, word in WORDS.items() if (n := sum(c.what == what for c in changes))
    ]
    title = f"fsq: {store}: {', '.join(counted)}"
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
