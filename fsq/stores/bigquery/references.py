"""Who still names the legacy fields: whole identifiers in SQL and code, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fsq.errors import InputError
from fsq.schema.columns import LEGACY_FIELDS
from fsq.stores.bigquery.names import TableName
from fsq.stores.migration import LegacyReference

# BigQuery does not tell the cases of column names apart, so neither does this.
_LEGACY_NAME = re.compile(rf"(?<![A-Za-z0-9_])(?:{'|'.join(LEGACY_FIELDS)})(?![A-Za-z0-9_])", re.I)
_LONGEST = 120


def find_in_text(text: str, where: str) -> list[LegacyReference]:
    """Every line of a text that names a legacy field as a whole word.

    Comments count: a refusal too many costs a glance, one too few breaks a consumer.

    >>> [p.field for p in find_in_text("SELECT f.feature_sources, my_feature_sources", "a view")]
    ['feature_sources']
    """
    return [
        LegacyReference(where, number, field, _shorten(line))
        for number, line in enumerate(text.splitlines(), 1)
        for field in dict.fromkeys(m[0].lower() for m in _LEGACY_NAME.finditer(line))
    ]


def _shorten(line: str) -> str:
    line = line.strip()
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


@dataclass(frozen=True, slots=True)
class Consumers:
    """A checked list of consumers.

    Attributes:
        references: what the files and the names in the list name.
        tables: views of BigQuery that the list names; they are to be looked at.
    """

    references: tuple[LegacyReference, ...]
    tables: tuple[TableName, ...]


def find_references(consumers: Sequence[str]) -> Consumers:
    """Look through a list of consumers.

    Args:
        consumers: files with SQL or code, or with a name in each line; folders of such files;
            legacy fields that somebody is known to use; views, as ``project.dataset.view``.

    Raises:
        InputError: an entry is none of these, so that a misspelt one is not taken for silence.

    >>> find_references(["matchup_data_status"]).references[0].where
    'the list of consumers'
    """
    references: list[LegacyReference] = []
    tables: list[TableName] = []
    problems: list[str] = []
    for entry in consumers:
        if entry.lower() in LEGACY_FIELDS:
            references.append(LegacyReference("the list of consumers", None, entry.lower(), entry))
        elif Path(entry).exists():
            try:
                references += _search_files(Path(entry))
            except OSError as error:
                problems.append(f"{entry} cannot be read: {error}")
        else:
            try:
                tables.append(TableName.parse(entry))
            except InputError:
                kinds = "no file, no folder, no project.dataset.view and no legacy field"
                problems.append(f"{entry!r} is {kinds}; correct it")
    if problems:
        raise InputError(problems, "the list of consumers cannot be used")
    return Consumers(tuple(references), tuple(tables))


def _search_files(path: Path) -> Iterator[LegacyReference]:
    for file in _list_files(path):
        content = file.read_bytes()
        if path.is_dir() and b"\0" in content[:8192]:
            continue  # a picture, say: no code
        yield from find_in_text(content.decode("utf-8", "replace"), str(file))


def _list_files(path: Path) -> Iterable[Path]:
    """The file, or those of a folder but what is hidden, such as ``.git``."""
    if not path.is_dir():
        return [path]
    inside = (f for f in path.rglob("*") if f.is_file())
    return sorted(
        f for f in inside if not any(p.startswith(".") for p in f.relative_to(path).parts)
    )
