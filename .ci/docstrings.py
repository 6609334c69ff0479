"""Fits docstrings to the site: a griffe extension, used by mkdocs.yml and docs.py."""

from __future__ import annotations

import re
from typing import Any

import griffe

EXAMPLE = re.compile(r"^(>>> .*(?:\n.+)*)", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Shows examples as code, and functions that are called as their module is."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Put each example that stands on its own between fences.

        Markdown takes ``>>>`` for a quotation; docstrings keep it, since doctest runs it.
        """
        if obj.docstring:
            obj.docstring.value = EXAMPLE.sub(r"```pycon\n\1\n```", obj.docstring.value)

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Let ``fsq.training_set`` mean the function, not the module that holds it.

        Python's import binds the name to the function; griffe finds the module first.
        """
        for name in pkg.exports or () if pkg.name == "fsq" else ():
            found = pkg.members[str(name)]
            if found.is_alias and found.is_module and name in found.members:
                target = found.members[str(name)]
                pkg.members[str(name)] = griffe.Alias(str(name), target, parent=pkg)
