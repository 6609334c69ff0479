"""Names of tables and columns, validated before they reach SQL or a request."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import parse_qsl

from fsq.errors import InputError
from fsq.stores.bigquery.options import DEFAULT_OPTIONS, FORMS, TableOptions, parse_options

_PROJECT = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_DATASET = re.compile(r"[A-Za-z0-9_]{1,1024}")
# Leaves room for the suffixes of the tables beside it.
_TABLE = re.compile(r"[A-Za-z0-9_-]{1,980}")
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,299}")

# What every date that BigQuery can hold meets; it satisfies a required filter on them.
EVERY_DATE = "BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'"


@dataclass(frozen=True, slots=True)
class TableName:
    """A table; its three parts are valid identifiers.

    >>> TableName.parse("bigquery://p.nba.features?location=EU").sql
    '`p.nba.features`'
    """

    project: str
    dataset: str
    table: str
    location: str | None = None
    options: TableOptions = DEFAULT_OPTIONS

    @classmethod
    def parse(cls, uri: str) -> TableName:
        """Parse ``bigquery://project.dataset.table``, optionally with options after a ``?``.

        The options are ``location=EU``, ``staging=dataset``, ``label=key:value``,
        ``job_prefix=nightly_``, ``max_bytes=500GB`` and ``endpoint=…``, joined by ``&``.

        Raises:
            InputError: it has another form; no server was contacted.
        """
        path, _, query = uri.removeprefix("bigquery://").partition("?")
        parts = path.split(".")
        forms = (_PROJECT, _DATASET, _TABLE)
        valid = len(parts) == 3 and all(f.fullmatch(p) for f, p in zip(forms, parts, strict=True))
        try:
            location, options = parse_options(parse_qsl(query, keep_blank_values=True))
        except ValueError as error:
            cure = f"they are {', '.join(FORMS)}, joined by &"
            problem = f"the options of {uri!r} cannot be read: {error}; {cure}"
            raise InputError([problem], "the table cannot be opened") from None
        if not valid:
            cure = "write bigquery://project.dataset.table, optionally with ?location=EU"
            raise InputError(
                [f"{uri!r} does not name a table; {cure}"], "the table cannot be opened"
            )
        project, dataset, table = parts
        return cls(project, dataset, table, location, options)

    @property
    def dotted(self) -> str:
        """``project.dataset.table``."""
        return f"{self.project}.{self.dataset}.{self.table}"

    @property
    def sql(self) -> str:
        """The name for use in SQL."""
        return f"`{self.dotted}`"

    @property
    def path(self) -> str:
        """The name for requests of the Storage APIs."""
        return f"projects/{self.project}/datasets/{self.dataset}/tables/{self.table}"

    def beside(self, suffix: str) -> TableName:
        """A table that fsq keeps for this one, in the dataset for staging or else in the same.

        Its name has another prefix, so wildcard queries on the table do not match it.

        >>> TableName("p", "nba", "features").beside("ledger").table
        '_fsq_ledger__features'
        """
        name = f"_fsq_{suffix}__{self.table}"
        if self.options.staging is None:
            return replace(self, table=name)
        project, dataset = self.options.staging
        # Tables of several datasets may have the same name.
        mark = hashlib.blake2b(self.dotted.encode(), digest_size=5).hexdigest()
        return replace(
            self, project=project or self.project, dataset=dataset, table=f"{name}__{mark}"
        )

    def formerly_beside(self, suffix: str) -> TableName:
        """The name of the same table in the first release."""
        return replace(self, table=f"{self.table}__fsq_{suffix}")


def quote_column(name: str) -> str:
    """Quote a column's name for SQL.

    Raises:
        InputError: it is not an identifier.

    >>> quote_column("flight_date")
    '`flight_date`'
    """
    if not _COLUMN.fullmatch(name):
        cure = "rename it with letters, digits and underscores"
        raise InputError([f"column {name!r} is not a BigQuery identifier; {cure}"])
    return f"`{name}`"


def format_date(day: date) -> str:
    """A date as a SQL literal.

    >>> format_date(date(2026, 2, 6))
    "DATE '2026-02-06'"
    """
    return f"DATE '{day.isoformat()}'"
