"""Options that the environment or a settings file gives where the command line does not."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fsq.cli._store import shorten_path
from fsq.errors import InputError

OPTION, ENVIRONMENT = "--env", "FSQ_ENV"
FILE, PROJECT_FILE = "fsq.toml", "pyproject.toml"
PREFIX = "FSQ_"
_HEADLINE = "the settings cannot be used"
_ENVIRONMENTS = "env"
# Said each time, so that no file answers for you.
_NEVER = {"help", "json", "yes", "force"}
# Paths in a file are relative to it.
_PATHS = {"store", "source", "schedule", "run_context", "contract", "out", "site"}


@dataclass(frozen=True)
class Setting:
    """What one option is set to.

    Attributes:
        command: the words of the command; none for every command that has the option.
        option: its name, with underscores.
        value: as the file or the environment has it.
        origin: where that is.
    """

    command: tuple[str, ...]
    option: str
    value: Any
    origin: str


@dataclass(frozen=True)
class Settings:
    """What a settings file says, in rising order of precedence."""

    entries: Sequence[Setting] = field(default_factory=tuple)

    def choose(self, command: tuple[str, ...]) -> dict[str, Setting]:
        """The setting of each option that is set for a command."""
        return {e.option: e for e in self.entries if e.command == command[: len(e.command)]}

    def apply(self, command: Any, words: tuple[str, ...]) -> None:
        """Let a command, or all of a group, take options from here and from the environment.

        Raises:
            InputError: a table of the file sets what its command does not have, or several values
                of an option that takes one.
        """
        for name, inner in getattr(command, "commands", {}).items():
            self.apply(inner, (*words, name))
        chosen, defaults = self.choose(words), {}
        for parameter, option in list_options(command):
            parameter.envvar, parameter.show_envvar = name_variable(option), False
            if (setting := chosen.pop(option, None)) is not None:
                defaults[parameter.name] = _fit(setting, is_list=parameter.multiple)
        command.context_settings["default_map"] = defaults
        unknown = [e for e in chosen.values() if e.command == words]
        if unknown and not hasattr(command, "commands"):
            name = " ".join(words)
            problems = [f"{e.origin}: `fsq {name}` has no option {e.option}" for e in unknown]
            raise InputError(problems, _HEADLINE)


def list_options(command: Any) -> Iterator[tuple[Any, str]]:
    """The options of a command that settings may give, with their names."""
    for parameter in command.params:
        names = [n for n in parameter.opts if n.startswith("--")]
        option = _read_name(names[0]) if names else ""
        if option and option not in _NEVER:
            yield parameter, option


def name_variable(option: str) -> str:
    """The environment variable of an option.

    >>> name_variable("max_age")
    'FSQ_MAX_AGE'
    """
    return PREFIX + option.upper()


def take_environment(words: list[str]) -> tuple[list[str], str | None]:
    """The words without ``--env``, and the name of the environment, which a variable gives, too.

    Raises:
        InputError: ``--env`` has no value.

    >>> take_environment(["check", "--env", "prod"])
    (['check'], 'prod')
    """
    kept, name = list[str](), os.environ.get(ENVIRONMENT) or None
    end = words.index("--") if "--" in words else len(words)
    given = iter(words[:end])
    for word in given:
        if word == OPTION:
            name = next(given, None)
            if name is None:
                raise InputError([f"{OPTION} needs a name, such as prod"], _HEADLINE)
        elif word.startswith(f"{OPTION}="):
            name = word.removeprefix(f"{OPTION}=")
        else:
            kept.append(word)
    return [*kept, *words[end:]], name


def read_settings(environment: str | None) -> Settings:
    """Read the nearest settings file: of this folder, or of one above it.

    Args:
        environment: whose settings come before the others; None for none.

    Raises:
        InputError: the file cannot be read, or has no such environment.
    """
    found = _find_file()
    if found is None:
        if environment is not None:
            problem = f"there is no {FILE} that states the environment {environment}"
            raise InputError([f"{problem}; write one, with [env.{environment}]"], _HEADLINE)
        return Settings()
    path, data = found
    environments = data.pop(_ENVIRONMENTS, {})
    if not isinstance(environments, dict):
        raise InputError([f"{path}: write environments as [env.NAME]"], _HEADLINE)
    shown = shorten_path(str(path))
    entries = list(_list_entries(data, (), shown, path.parent))
    if environment is not None:
        if not isinstance(environments.get(environment), dict):
            known = ", ".join(environments) or "none"
            problem = f"{path} has no environment {environment}; it has: {known}"
            raise InputError([problem], _HEADLINE)
        origin = f"{shown} [env.{environment}]"
        entries += _list_entries(environments[environment], (), origin, path.parent)
    return Settings(entries)


def _find_file() -> tuple[Path, dict[str, Any]] | None:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (own := folder / FILE).is_file():
            return own, _read(own)
        project = folder / PROJECT_FILE
        if project.is_file():
            data = _read(project).get("tool", {}).get("fsq")
            if isinstance(data, dict):
                return project, data
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError([f"{path}: {error}"], _HEADLINE) from error


def _list_entries(
    data: Mapping[str, Any], command: tuple[str, ...], origin: str, folder: Path
) -> Iterator[Setting]:
    """Those for every command before those for one."""
    for key, value in data.items():
        if not isinstance(value, dict):
            option = _read_name(key)
            yield Setting(command, option, _resolve(option, _read_value(value), folder), origin)
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _list_entries(value, (*command, key), origin, folder)


def _resolve(option: str, value: Any, folder: Path) -> Any:
    """A path relative to the file as one that holds in the current folder."""
    is_path = option in _PATHS and isinstance(value, str) and "://" not in value
    if not is_path or folder == Path.cwd():
        return value
    if option == "contract" and not value.endswith(".toml"):
        return value
    return str(folder / value)


def _fit(setting: Setting, *, is_list: bool) -> Any:
    """The value as a list where the option takes several, and only there."""
    if isinstance(setting.value, list) == is_list:
        return setting.value
    if is_list:
        return [setting.value]
    problem = f"{setting.origin}: {setting.option} takes one value, not a list"
    raise InputError([problem], _HEADLINE)


def _read_value(value: Any) -> Any:
    """A value as it would be typed: dates and numbers as text; lists stay lists."""
    if isinstance(value, list):
        return [_read_value(v) for v in value]
    return value if isinstance(value, bool) else str(value)


def _read_name(text: str) -> str:
    return text.lstrip("-").replace("-", "_")
