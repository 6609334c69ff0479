"""``fsq profile``: what normally holds in a store, learned from its clean dates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fsq.cli import _options as o
from fsq.cli._dates import choose_dates
from fsq.cli._output import Output
from fsq.cli._store import open_for_reading, read_calendar
from fsq.errors import InputError
from fsq.utils.files import atomic_write
from fsq.utils.text import plural

if TYPE_CHECKING:
    from fsq.profile import Profile

app = typer.Typer(
    help="Learn, show, compare and pin what normally holds in a store.",
    rich_markup_mode=None,
)
_ENDINGS = (".json", ".parquet")


@app.callback()
def _group() -> None:
    pass


@app.command("learn")
def learn(
    store: o.StoreOpt,
    start: o.StartOpt = None,
    end: o.EndOpt = None,
    contract: o.StoreContractOpt = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the profile even if it is pinned.")
    ] = False,
    as_json: o.JsonOpt = False,
) -> None:
    """Learn from the dates without faults, for `fsq check` to compare with."""
    from fsq.store_profile import learn_from_store

    out = Output(as_json)
    start, end = choose_dates(
        None, start, end, "no profile was learned", read_calendar(store, contract)
    )
    with open_for_reading(store, contract) as opened:
        profile = learn_from_store(opened, start, end, force=force)
    sentences = profile.describe()
    out.line(profile.headline)
    out.line(f"{plural(len(sentences), 'sentence')}; `fsq profile show` prints them")
    out.document({"store": store} | _to_dict(profile))


@app.command("show")
def show(
    store: o.StoreOpt, contract: o.StoreContractOpt = None, as_json: o.JsonOpt = False
) -> None:
    """Print what normally holds, in sentences."""
    from fsq.store_profile import require_profile

    out = Output(as_json)
    with open_for_reading(store, contract) as opened:
        profile = require_profile(opened)
    for line in str(profile).splitlines():
        out.line(line)
    out.document({"store": store} | _to_dict(profile))


@app.command("diff")
def diff(
    other: Annotated[
        str, typer.Argument(metavar="OTHER", help="An exported profile, or another store.")
    ],
    store: o.StoreOpt,
    contract: o.StoreContractOpt = None,
    as_json: o.JsonOpt = False,
) -> None:
    """Compare with another profile: - marks what holds there only, + here only."""
    from fsq.store_profile import require_profile

    out = Output(as_json)
    with open_for_reading(store, contract) as opened:
        profile = require_profile(opened)
    lines = _read_other(other).compare(profile)
    for line in lines:
        out.line(line)
    out.line(plural(len(lines), "difference"))
    out.document({"store": store, "other": other, "differences": lines})


@app.command("export")
def export(
    store: o.StoreOpt,
    path: Annotated[Path, typer.Option("--out", metavar="FILE", help="A .json or .parquet file.")],
    contract: o.StoreContractOpt = None,
    as_json: o.JsonOpt = False,
) -> None:
    """Write the profile to a file that `fsq profile diff` reads."""
    from fsq.profile import write_profile
    from fsq.store_profile import require_profile

    out = Output(as_json)
    _require_ending(path)
    with open_for_reading(store, contract) as opened:
        table = write_profile(require_profile(opened))
    with atomic_write(path) as file:
        if path.suffix == ".json":
            file.write(table.write_json().encode())
        else:
            table.write_parquet(file)
    out.line(f"Wrote {path}")
    out.document({"store": store, "out": str(path)})


@app.command("pin")
def pin(
    store: o.StoreOpt,
    off: Annotated[
        bool, typer.Option("--off", help="Unpin it: backfills may learn another one.")
    ] = False,
    contract: o.StoreContractOpt = None,
    as_json: o.JsonOpt = False,
) -> None:
    """Keep the profile as it is: no backfill learns another one."""
    from fsq.store_profile import pin_profile

    out = Output(as_json)
    with open_for_reading(store, contract) as opened:
        profile = pin_profile(opened, pinned=not off)
    out.line(profile.headline)
    out.document({"store": store} | _to_dict(profile))


def _to_dict(profile: Profile) -> dict[str, object]:
    dates = profile.clean_dates
    return {
        "contract": {"name": profile.contract, "version_hash": profile.version_hash},
        "pinned": profile.pinned,
        "clean_dates": [d.isoformat() for d in dates],
        "sentences": profile.describe(),
    }


def _read_other(other: str) -> Profile:
    """An exported profile, or that of a store."""
    import polars as pl

    from fsq.profile import read_profile
    from fsq.store_profile import require_profile

    path = Path(other)
    if path.suffix not in _ENDINGS or path.is_dir():
        with open_for_reading(other) as opened:
            return require_profile(opened)
    try:
        table = pl.read_json(path) if path.suffix == ".json" else pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError([f"{other} cannot be read: {error}"], "no profile to compare") from error
    return read_profile(table)


def _require_ending(path: Path) -> None:
    if path.suffix not in _ENDINGS:
        problem = f"--out {path}: the name must end in one of {', '.join(_ENDINGS)}"
        raise InputError([problem], "the profile cannot be written")
