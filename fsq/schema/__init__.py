"""What every output has in common: types, the detail's fields, provenance, Arrow and BigQuery."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fsq.schema.arrow import arrow_schema, from_arrow, to_arrow
    from fsq.schema.columns import DETAIL_FIELDS, Column
    from fsq.schema.output import OutputSchema

__all__ = [
    "DETAIL_FIELDS",
    "Column",
    "OutputSchema",
    "arrow_schema",
    "from_arrow",
    "to_arrow",
]
# Loaded when they are used: Arrow takes a while.
_LATE = {
    "DETAIL_FIELDS": "columns",
    "Column": "columns",
    "OutputSchema": "output",
    "arrow_schema": "arrow",
    "from_arrow": "arrow",
    "to_arrow": "arrow",
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
