"""What the shell offers where a contract, a date or a key is typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from fsq.cli._date_words import DATE_WORDS

if TYPE_CHECKING:
    from fsq.stores import Store

_MOST = 50
_SHIPPED = Path(__file__).parents[1] / "contract" / "shipped"


def complete_contract(incomplete: str) -> list[str]:
    """Shipped contracts, and files of contracts; nothing is loaded for it.

    >>> complete_contract("v3")
    ['v3_37features']
    """
    shipped = sorted(path.stem for path in _SHIPPED.glob("*.toml"))
    folder = Path(incomplete).parent if "/" in incomplete else Path()
    own: list[str] = []
    with suppress(OSError):
        own = sorted(str(path) for path in folder.glob("*.toml"))
    return _choose([*shipped, *own], incomplete)


def complete_date(ctx: typer.Context, incomplete: str) -> list[str]:
    """The dates of the store that the line or the settings name, newest first, and words."""

    def list_dates(store: Store) -> Iterable[str]:
        day = store.contract.table.date
        days = store.read(columns=[day]).collect()[day].unique().drop_nulls().sort(descending=True)
        return map(str, days)

    return _choose([*DATE_WORDS, *_ask_store(ctx, list_dates)], incomplete)


def complete_key(ctx: typer.Context, incomplete: str) -> list[str]:
    """Values of the first key of the records of the store's newest date."""

    def list_keys(store: Store) -> Iterable[str]:
        from fsq.cli._newest import find_newest_date

        newest, key = find_newest_date(store), store.contract.table.keys[0]
        rows = store.read(newest, newest, columns=[key]).collect()
        return map(str, rows[key].unique().drop_nulls().sort())

    return _choose(_ask_store(ctx, list_keys), incomplete)


def _ask_store(ctx: typer.Context, ask: Callable[[Store], Iterable[str]]) -> Iterator[str]:
    """What a store answers; nothing where none is named or it cannot be read."""
    uri = ctx.params.get("store") or _find_setting(ctx)
    if not uri:
        return
    with suppress(Exception):  # a shell that completes shows no errors
        from fsq.stores import open_store

        yield from ask(open_store(str(uri)))


def _find_setting(ctx: typer.Context) -> Any:
    return (ctx.command.context_settings.get("default_map") or {}).get("store")


def _choose(offered: Iterable[str], incomplete: str) -> list[str]:
    found = dict.fromkeys(text for text in offered if text.startswith(incomplete))
    return list(found)[:_MOST]
