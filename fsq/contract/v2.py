"""TRANSITIONAL: the output of v2_33features as constants."""

from fsq.contract.loading import SHIPPED, _read_merged
from fsq.contract.model import Contract

_C = Contract.model_validate(_read_merged(SHIPPED / "v2_33features.toml"))
COLUMNS = _C.output.columns
COLUMN_NAMES = _C.output.names
POLARS_SCHEMA = _C.output.polars
ARROW_SCHEMA = _C.output.arrow
TABLE_SCHEMA = _C.output.table
KEY_COLUMNS = _C.output.keys
KEYS = _C.table.key
LEGACY_FIELDS = _C.output.legacy
CATEGORIES = _C.category_names
SOURCE_TYPES = (*_C.source_type_names, "default")
