"""A table of BigQuery by its URI: connected to, found, and created for the rows to write."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from google.api_core.exceptions import NotFound
from google.cloud.bigquery import SchemaField

from fsq.contract import Contract
from fsq.stores.base import table_disappeared
from fsq.stores.bigquery.carried import copy_fields
from fsq.stores.bigquery.client import Clients, open_clients
from fsq.stores.bigquery.fields import new_table, table_fields
from fsq.stores.bigquery.kinds import require_writable
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.origin import read_origin
from fsq.stores.bigquery.own import warn_of_expiration
from fsq.stores.origin import Origin, OriginOfRows
from fsq.utils.forks import require_whole_process


class BigQueryTable(OriginOfRows):
    """A table in BigQuery, which need not exist yet.

    Args:
        uri: ``bigquery://project.dataset.table``.
        contract: of the rows to write; None for what the table remembers.
        source: URI of the source of the rows to write; None for what the table remembers.

    Raises:
        InputError: the URI has another form.
    """

    def __init__(
        self, uri: str, contract: Contract | None = None, source: str | None = None
    ) -> None:
        super().__init__(uri, contract, source)
        self.name = TableName.parse(uri)
        self._interrupted = threading.Event()
        self._seen = False  # a table that disappears is not created again

    @contextmanager
    def connect(self) -> Iterator[Clients]:
        """Open the clients, as a context manager."""
        require_whole_process()
        name = self.name
        with open_clients(name.project, name.location, name.options) as clients:
            clients.tables.interrupted = self._interrupted
            yield clients

    def interrupt(self) -> None:
        """Cancel the job that another thread waits for, and wait for no other."""
        self._interrupted.set()

    def version(self) -> int | None:
        """Time of the last change, in milliseconds since 1970; None if there is no table."""
        with self.connect() as clients:
            table = self.get(clients)
            return None if table is None else get_version(table)

    def origin(self) -> Origin | None:
        """What the table beside this one says of the rows' contract and source."""
        with self.connect() as clients:
            return read_origin(clients.tables, self.name, self.uri)

    def find(self, clients: Clients) -> Any | None:
        """The table as Google's client returns it; None if there is none."""
        try:
            table = clients.tables.get_table(self.name.dotted)
        except NotFound:
            return None
        # Where jobs are found again, if the answer to their submission is lost.
        clients.tables._location = clients.tables.location or table.location
        return table

    def get(self, clients: Clients) -> Any | None:
        """The same for a write, or before one: a table that disappears later is an error."""
        table = self.find(clients)
        self._seen = self._seen or table is not None
        return table

    def get_or_create(self, clients: Clients, schema: pa.Schema) -> Any:
        """The table; it is created for rows of this schema if there is none.

        Raises:
            InputError: it is a view, a snapshot or an external table.
            StoreError: there was one, and it disappeared.
        """
        table = self.get(clients)
        if table is None:
            return self._create(clients, schema)
        require_writable(table, self.name)
        return table

    def find_source_fields(self, clients: Clients) -> Mapping[str, SchemaField]:
        """The columns of the source, if it is a table of BigQuery, too."""
        if self._source is None or not self._source.startswith("bigquery://"):
            return {}
        try:
            source = clients.tables.get_table(TableName.parse(self._source).dotted)
        except NotFound:
            return {}
        return copy_fields(source.schema)

    def _create(self, clients: Clients, schema: pa.Schema) -> Any:
        if self._seen:
            raise table_disappeared(self.uri)
        self._seen = True
        fields = table_fields(schema, self.contract.output, self.find_source_fields(clients))
        table = new_table(self.name, fields, self.contract.output)
        created = clients.tables.create_table(table, exists_ok=True)
        warn_of_expiration(created, self.name)
        return created


def get_version(table: Any) -> int:
    """Time of a table's last change, in milliseconds since 1970."""
    return int(table.modified.timestamp() * 1000)
