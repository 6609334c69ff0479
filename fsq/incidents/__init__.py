"""The ledger of incidents beside a store: what is open, what ended, and what was accepted."""

from fsq.incidents.incident import Incident
from fsq.incidents.ledger import (
    accept_incident,
    list_accepted,
    list_excluded_dates,
    note_notices,
    note_repair,
    read_incidents,
    recall_incidents,
    record_findings,
)
from fsq.incidents.matching import Change
from fsq.incidents.notices import list_owed

__all__ = [
    "Change",
    "Incident",
    "accept_incident",
    "list_accepted",
    "list_excluded_dates",
    "list_owed",
    "note_notices",
    "note_repair",
    "read_incidents",
    "recall_incidents",
    "record_findings",
]
