"""The commands, each loaded from its own module once it is listed, completed or run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperGroup
from typer.main import get_group

from fsq.cli._settings import Settings

# In the order of the help. Each has a module of its name, with a ``command``, or an ``app`` if
# it has commands of its own. These modules import what they call within their functions, so that
# help and completion need no more than Typer.
COMMANDS = (
    "score",
    "backfill",
    "check",
    "repair",
    "explain",
    "trend",
    "report",
    "training-set",
    "sql",
    "demo",
    "emulator",
    "bench",
    "incidents",
    "profile",
    "model",
    "contract",
    "schema",
    "config",
)


class CommandsByModule(TyperGroup):
    """The group of all commands, which loads only those that are asked for."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = cast(Any, _LateCommands())

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, without loading a command."""
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command, which takes what the command line leaves out from settings."""
        command = super().get_command(ctx, cmd_name)
        if command is not None and isinstance(ctx.obj, Settings):
            ctx.obj.apply(command, (cmd_name,))
        return command


class _LateCommands(Mapping[str, Any]):
    """Commands by name."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        return _load_command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


@lru_cache
def _load_command(name: str) -> Any:
    """Make a command from its module."""
    module = import_module(f"fsq.cli.{name.replace('-', '_')}")
    parent = typer.Typer(rich_markup_mode=None)
    if hasattr(module, "app"):
        parent.add_typer(module.app, name=name)
    else:
        parent.command(name)(module.command)
    return get_group(parent).commands[name]
