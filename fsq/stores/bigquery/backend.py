"""BigQuery as a backend of ``fsq.stores``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import polars as pl

from fsq.contract import Contract
from fsq.schema.output import OutputSchema
from fsq.stores.backend import Backend, Capabilities
from fsq.stores.base import BatchWrite
from fsq.stores.bigquery.variables import GRPC_VARIABLE, REST_VARIABLE
from fsq.stores.column_fit import ColumnFit
from fsq.stores.costs import CostEstimate, Workload
from fsq.stores.migration import LegacyDropResult, Migration
from fsq.stores.schema_diff import SchemaDiff

if TYPE_CHECKING:
    from fsq.stores.bigquery.store import BigQueryStore


class BigQueryBackend(Backend["BigQueryStore"]):
    """Tables of BigQuery."""

    name = "BigQuery"
    schemes = ("bigquery",)
    uri_form = "bigquery://"
    extra = "bigquery"
    capabilities: ClassVar[Capabilities] = Capabilities(
        remote=True,
        bills_bytes=True,
        column_updates=True,
        exact_types=True,
        ddl=True,
        views=True,
        executor_packages=("google-cloud-bigquery-storage",),
        executor_environment=(REST_VARIABLE, GRPC_VARIABLE, "GOOGLE_CLOUD_PROJECT"),
    )

    def open(
        self, uri: str, contract: Contract | None = None, source: str | None = None
    ) -> BigQueryStore:
        """Open a table; the service is not contacted yet.

        Raises:
            InputError: a malformed URI, or the extra is not installed.
        """
        from fsq.stores.bigquery.names import TableName

        TableName.parse(uri)  # a malformed URI is reported before a missing extra
        with self.require_extra():
            from fsq.stores.bigquery.store import BigQueryStore
        return BigQueryStore(uri, contract=contract, source=source)

    def identify_table(self, uri: str) -> str:
        """The table's name without its location."""
        from fsq.stores.bigquery.names import TableName

        return f"bigquery://{TableName.parse(uri).dotted}"

    def fit_columns(self, store: BigQueryStore, columns: Mapping[str, pl.DataType]) -> ColumnFit:
        """How rows of these columns fit the table.

        Raises:
            StoreError: the service refused or did not recover.
        """
        return store.fit(columns)

    def open_batch_write(self, store: BigQueryStore, since: int | None) -> BatchWrite:
        """Begin a write by many processes."""
        from fsq.stores.bigquery.distributed import BigQueryBatchWrite

        return BigQueryBatchWrite(store, since)

    def migrate(self, uri: str, output: OutputSchema, *, dry_run: bool, create: bool) -> Migration:
        """Add the columns, sub-fields and descriptions that a table lacks."""
        with self.require_extra():
            from fsq.stores.bigquery.migrate import migrate
        return migrate(uri, output, dry_run=dry_run, create=create)

    def find_missing(self, uri: str, output: OutputSchema) -> SchemaDiff:
        """What a table lacks."""
        with self.require_extra():
            from fsq.stores.bigquery.migrate import find_missing
        return find_missing(uri, output)

    def drop_legacy(
        self,
        uri: str,
        consumers: Sequence[str],
        contract: Contract,
        *,
        yes: bool,
        input_too: bool,
        snapshot: bool,
    ) -> LegacyDropResult:
        """Drop the legacy fields, unless something still names them."""
        with self.require_extra():
            from fsq.stores.bigquery.legacy import drop_legacy
        return drop_legacy(
            uri, consumers, contract, yes=yes, input_too=input_too, snapshot=snapshot
        )

    def estimate_costs(self, store: BigQueryStore, workload: Workload) -> CostEstimate:
        """What a backfill into a table would move and cost."""
        from fsq.stores.bigquery.pricing import estimate_backfill

        billed_source = workload.source.partition("://")[0] in self.schemes
        billed_bytes = store.estimate_touched_bytes(workload)
        return estimate_backfill(workload, billed_bytes, billed_source=billed_source)
