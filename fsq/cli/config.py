"""``fsq config``: which settings are in force, and where each comes from."""

from __future__ import annotations

import os
import re
from typing import Any

import typer

from fsq.cli import _options as o
from fsq.cli._output import Output
from fsq.cli._settings import Setting, Settings, list_options, name_variable
from fsq.errors import InputError
from fsq.masking import mask_secrets

# URLs of channels hold secrets.
_SECRET = re.compile(r"(?<=://)[^,\s]+")
_CHANNELS = {"notify", "webhook"}


def command(ctx: typer.Context, as_json: o.JsonOpt = False) -> None:
    """Show the settings in force, and where each comes from.

    An option comes from the command line, else from its variable, such as FSQ_STORE, else from the
    nearest fsq.toml, or [tool.fsq] in pyproject.toml. There, [check] holds for one command, and
    [env.prod] for --env prod.
    """
    settings = ctx.obj if isinstance(ctx.obj, Settings) else Settings()
    commands = _list_commands(ctx)
    _require_known(settings, commands)
    known = {option for options in commands.values() for option in options}
    found = [
        Setting((), option, os.environ[variable], variable)
        for option in sorted(known)
        if os.environ.get(variable := name_variable(option))
    ]
    over = {setting.option for setting in found}
    latest = {(e.command, e.option): e for e in settings.entries if e.option not in over}
    found += latest.values()
    out = Output(as_json)
    rows = [
        (e.option.replace("_", "-"), " ".join(e.command) or "every", _show(e), e.origin)
        for e in found
    ]
    if rows:
        out.table(("option", "command", "value", "from"), rows)
    else:
        out.line("no settings: each option comes from the command line, or has its default")
    names = ("option", "command", "value", "from")
    out.document({"settings": [dict(zip(names, row, strict=True)) for row in rows]})


def _show(setting: Setting) -> str:
    many = isinstance(setting.value, list)
    text = ", ".join(map(str, setting.value)) if many else str(setting.value)
    return _SECRET.sub("…", text) if setting.option in _CHANNELS else mask_secrets(text)


def _list_commands(ctx: typer.Context) -> dict[tuple[str, ...], set[str]]:
    """The options of every command, by its words."""
    found: dict[tuple[str, ...], set[str]] = {}

    def add(group: Any, words: tuple[str, ...]) -> None:
        for name, inner in group.commands.items():
            found[(*words, name)] = {option for _, option in list_options(inner)}
            if hasattr(inner, "commands"):
                add(inner, (*words, name))

    assert ctx.parent is not None, "commands belong to fsq"  # noqa: S101
    add(ctx.parent.command, ())
    return found


def _require_known(settings: Settings, commands: dict[tuple[str, ...], set[str]]) -> None:
    """Refuse what no command has.

    Raises:
        InputError: a setting names no command, or no option of it.
    """
    problems = []
    for entry in settings.entries:
        below = [o for c, o in commands.items() if c[: len(entry.command)] == entry.command]
        where = f"`fsq {' '.join(entry.command)}`" if entry.command else "any command"
        if not below:
            problems.append(f"{entry.origin}: there is no command {' '.join(entry.command)}")
        elif not any(entry.option in options for options in below):
            problems.append(f"{entry.origin}: {entry.option} is no option of {where}")
    if problems:
        raise InputError(problems, "the settings cannot be used")
