"""A site of several stores: a page each, and an index with their state.

Each store has two files, its page and its state as JSON, named after it; the index is made of the
states that are there. So jobs of different stores never write the same file but the index, which
the next run makes again.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from fsq.diagnosis.findings import SEVERITIES, VERDICTS
from fsq.errors import InputError, StoreError
from fsq.reporting.assets import make_index_script
from fsq.reporting.contents import Contents, read_contents
from fsq.reporting.headline import HEADLINE
from fsq.reporting.morning import look_at_newest
from fsq.reporting.rendering import render, render_page
from fsq.stores import Store, identify_table
from fsq.utils.documents import encode_json
from fsq.utils.files import read_text, write_atomically

_INDEX = "index.html"
_FORMAT = 1
_MARK = '<meta name="generator" content="fsq report">'
_RECENT = 30  # dates that the index shows of a store
_MAX_STATE = 1_000_000


def write_site(
    store: Store,
    folder: Path,
    start: date | None = None,
    end: date | None = None,
    max_age: timedelta | None = None,
    now: datetime | None = None,
) -> Path:
    """Write the page of a store into a folder, and its index of all stores again.

    Only files of this store, and the index, are replaced, and only if fsq wrote them.

    Args:
        store: the store.
        folder: of the site; made if it is not there.
        start: first date; None for the store's first.
        end: last date, included; None for the store's last.
        max_age: how long ago the newest date may have ended; older is red.
        now: the clock; the current time by default.

    Returns:
        The store's page.

    Raises:
        InputError: a file in the way is not one of fsq's; or as for a report.
        StoreError: the store cannot be read, or the folder cannot be written.
    """
    name = name_page(store.uri)
    page, state = folder / f"{name}.html", folder / f"{name}.json"
    _require_own([page, folder / _INDEX], state)
    made = read_contents(store, store.contract, start, end, now, max_age)
    write_atomically(page, render_page(made, index=_INDEX))
    write_atomically(state, encode_json(_describe(made, page.name), indent=1) + "\n")
    write_atomically(folder / _INDEX, _render_index(read_states(folder, made.now)))
    return page


def name_page(uri: str) -> str:
    """A file's name for a store: its last part, and a digest that tells it from others.

    >>> name_page("bigquery://project.dataset.features")
    'project-dataset-features-4e611a9a'
    """
    last = re.sub(r"[^A-Za-z0-9_]+", "-", uri.rstrip("/").rpartition("/")[2]).strip("-")
    return f"{last[:60] or 'store'}-{sha256(str(identify_table(uri)).encode()).hexdigest()[:8]}"


def read_states(folder: Path, now: datetime) -> list[dict[str, Any]]:
    """The state of every store of a site as it is by now, the worst first.

    Raises:
        StoreError: the folder cannot be read.
    """
    try:
        found = [_read_state(path) for path in sorted(folder.glob("*.json"))]
    except OSError as error:
        raise StoreError(f"{folder} cannot be read: {error}") from error
    states = [_let_age(state, now) for state in found if state is not None]
    return sorted(states, key=lambda s: (VERDICTS.index(s["verdict"]), s["store"]))


def _read_state(path: Path) -> dict[str, Any] | None:
    """The state in a file; None if it is another file."""
    try:
        state = json.loads(read_text(path, _MAX_STATE))
    except (ValueError, OSError):
        return None
    known = isinstance(state, dict) and state.get("fsq_site") == _FORMAT
    return state if known and state.get("verdict") in VERDICTS else None


def _let_age(state: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A state that is red, or late, if no newer date came since it was written."""
    try:
        due = datetime.fromisoformat(str(state.get("due"))).astimezone(UTC)
    except (ValueError, OverflowError):  # none, or that of another version
        return state | {"due": None}
    if state.get("due_severity") not in SEVERITIES:
        return state | {"due": None}
    if now < due:
        return state
    late = f"a newer date was due by {due:%Y-%m-%d %H:%M} UTC: did the job run?"
    aged = {"due": None, "late": late}
    return state | aged | ({"verdict": "red"} if state.get("due_severity") == "red" else {})


def _require_own(pages: list[Path], state: Path) -> None:
    """Refuse to replace what fsq did not write."""
    others = [p for p in pages if p.exists() and _MARK not in _read_start(p)]
    if state.exists() and _read_state(state) is None:
        others.append(state)
    if others:
        cure = "choose another folder, or move it away"
        raise InputError([f"{p} was not written by fsq report; {cure}" for p in others], HEADLINE)


def _read_start(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(4_000)
    except OSError:
        return ""


def _describe(made: Contents, page: str) -> dict[str, Any]:
    """The state of a store as JSON types."""
    dx, morning = made.dx, look_at_newest(made)
    recent = sorted(dx.dates)[-_RECENT:]
    return {
        "fsq_site": _FORMAT,
        "store": made.uri,
        "page": page,
        "contract": dx.contract.name,
        "verdict": morning.verdict,
        "newest": morning.newest.isoformat(),
        "ended": morning.ended.isoformat(),
        "late": morning.late,
        "due": None if morning.due is None else morning.due.at.isoformat(),
        "due_severity": None if morning.due is None else morning.due.severity,
        "findings": [
            {"severity": f["severity"], "title": f["title"], "opened": f["opened"]}
            for f in morning.findings
        ],
        "earlier_findings": morning.earlier,
        "ready_to_train_pct": round(100 * made.readiness.ready / int(dx.days["rows"].sum()), 1),
        "recent": [{"date": d.isoformat(), "verdict": dx.dates[d]} for d in recent],
        "made": made.now.isoformat(timespec="seconds"),
    }


def _render_index(states: list[dict[str, Any]]) -> str:
    return render("index.html.j2", {"index": make_index_script()}, states=states)
