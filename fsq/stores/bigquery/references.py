"""References to the legacy fields: whole identifiers in SQL and code, each with its line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fsq.errors import InputError
from fsq.stores.bigquery.names import TableName
from fsq.stores.migration import LegacyReference

_LONGEST = 120


def find_in_text(text: str, where: str, fields: Sequence[str]) -> list[LegacyReference]:
    """Find every line of a text that names a legacy field as a whole word.

    Comments count: a needless refusal costs a glance, a missed reference breaks a consumer.

    Args:
        text: SQL, code, or names.
        where: what messages call it.
        fields: the legacy fields.

    >>> sql = "SELECT f.feature_sources, my_feature_sources"
    >>> [p.field for p in find_in_text(sql, "a view", ["feature_sources"])]
    ['feature_sources']
    """
    # BigQuery's column names are case-insensitive.
    name = re.compile(rf"(?<![A-Za-z0-9_])(?:{'|'.join(fields)})(?![A-Za-z0-9_])", re.I)
    return [
        LegacyReference(where, number, field, _shorten(line))
        for number, line in enumerate(text.splitlines(), 1)
        for field in dict.fromkeys(m[0].lower() for m in name.finditer(line))
    ]


def _shorten(line: str) -> str:
    line = line.strip()
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


@dataclass(frozen=True, slots=True)
class Consumers:
    """The consumers of a table.

    Attributes:
        references: those in files, and fields that are known to be in use.
        tables: views in BigQuery, still to be searched.
    """

    references: tuple[LegacyReference, ...]
    tables: tuple[TableName, ...]


def find_references(consumers: Sequence[str], fields: Sequence[str]) -> Consumers:
    """Search the consumers of a table.

    Args:
        consumers: files with SQL or code, or with one name per line; folders of such files;
            legacy fields that are in use; views, as ``project.dataset.view``.
        fields: the legacy fields.

    Raises:
        InputError: an entry is none of these; a misspelt one must not pass unnoticed.

    >>> find_references(["feature_sources"], ["feature_sources"]).references[0].where
    'the list of consumers'
    """
    references: list[LegacyReference] = []
    tables: list[TableName] = []
    problems: list[str] = []
    for entry in consumers:
        if entry.lower() in fields:
            references.append(LegacyReference("the list of consumers", None, entry.lower(), entry))
        elif Path(entry).exists():
            try:
                references += _search_files(Path(entry), fields)
            except OSError as error:
                problems.append(f"{entry} cannot be read: {error}")
        else:
            try:
                tables.append(TableName.parse(entry))
            except InputError:
                kinds = "not a file, folder, project.dataset.view or legacy field"
                problems.append(f"{entry!r} is {kinds}; correct it")
    if problems:
        raise InputError(problems, "the list of consumers cannot be used")
    return Consumers(tuple(references), tuple(tables))


def _search_files(path: Path, fields: Sequence[str]) -> Iterator[LegacyReference]:
    for file in _list_files(path):
        content = file.read_bytes()
        if path.is_dir() and b"\0" in content[:8192]:
            continue  # a picture, say
        yield from find_in_text(content.decode("utf-8", "replace"), str(file), fields)


def _list_files(path: Path) -> Iterable[Path]:
    """The file, or those of a folder except hidden ones, such as ``.git``."""
    if not path.is_dir():
        return [path]
    inside = (f for f in path.rglob("*") if f.is_file())
    return sorted(
        f for f in inside if not any(p.startswith(".") for p in f.relative_to(path).parts)
    )
