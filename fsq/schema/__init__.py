"""What every output has in common: types, the detail's fields, provenance, Arrow and BigQuery."""

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
