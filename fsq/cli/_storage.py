"""The option for object stores, which may stand anywhere in a command, and several times."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from fsq.errors import InputError

OPTION = "--storage-option"


def take_storage_options(words: list[str]) -> tuple[list[str], list[str]]:
    """The words without storage options, and the options.

    Raises:
        InputError: the last one has no value.

    >>> take_storage_options(["check", "--storage-option", "region=eu", "--store", "s3://b/t"])
    (['check', '--store', 's3://b/t'], ['region=eu'])
    """
    end = words.index("--") if "--" in words else len(words)
    kept, options = list[str](), list[str]()
    given = iter(words[:end])
    for word in given:
        if word == OPTION:
            value = next(given, None)
            if value is None:
                problem = f"{OPTION} needs a value, such as aws_region=eu-west-1"
                raise InputError([problem], "the storage options cannot be used")
            options.append(value)
        elif word.startswith(f"{OPTION}="):
            options.append(word.removeprefix(f"{OPTION}="))
        else:
            kept.append(word)
    return [*kept, *words[end:]], options


@contextmanager
def storage_options(pairs: list[str]) -> Iterator[None]:
    """Put storage options into the environment for the block; every client looks there.

    Raises:
        InputError: one is not of the form ``NAME=VALUE``.
    """
    if not pairs:
        yield
        return
    from fsq.stores.objects.uri import read_options

    wanted = read_options(pairs)
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        _restore(before)


def _restore(before: Mapping[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
