"""The end of the migration period: three legacy fields are no longer written beside the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fsq.errors import InputError
from fsq.stores.bigquery.references import Reference
from fsq.stores.migration import needing_clients


@dataclass(frozen=True, slots=True)
class LegacyDropResult:
    """What is left of the legacy fields, and what was done about it.

    Attributes:
        table: the store's URI.
        fields: the legacy fields that the table had.
        places: what still names one of them; while there are any, nothing is dropped.
        dropped: they are gone.
    """

    table: str
    fields: tuple[str, ...] = ()
    places: tuple[Reference, ...] = ()
    dropped: bool = False

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data, for JSON."""
        return {
            "store": self.table,
            "fields": [*self.fields],
            "dropped": self.dropped,
            "refused": bool(self.places),
            "places": [p.to_dict() for p in self.places],
        }


def drop_legacy(
    uri: str, consumers: Sequence[str] = (), *, yes: bool = False, input_too: bool = False
) -> LegacyDropResult:
    """Drop the legacy fields from a BigQuery table, unless something still names them.

    Looked at are the views, materialized views and routines of the table's dataset, what
    ``consumers`` lists, and the table itself: as long as it has rows that were not scored yet,
    or feature arrays, their sources are in ``feature_sources`` alone.

    Args:
        uri: ``bigquery://project.dataset.table``.
        consumers: files, folders, views and fields; see ``fsq.stores.consumers.examined``.
        yes: really drop them; else only say what stands in the way.
        input_too: drop ``feature_sources`` although the table itself needs it.

    Raises:
        InputError: the store is no BigQuery table, or a consumer cannot be found.
        StoreError: there is no table, or the service refused.
    """
    if not uri.startswith("bigquery://"):
        problem = (
            f"{uri} is no BigQuery table; in a Delta table the legacy fields take next to no room "
            "and nobody's SQL depends on them, so they stay"
        )
        raise InputError([problem], "the legacy fields were not dropped")
    with needing_clients():
        from fsq.stores.bigquery.legacy import drop_legacy
    return drop_legacy(uri, consumers, yes=yes, input_too=input_too)
