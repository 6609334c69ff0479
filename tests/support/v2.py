"""The output of ``v2_33features``, for tests of what holds for it alone."""

from __future__ import annotations

from fsq.contract import load_contract

CONTRACT = load_contract("v2_33features")
OUTPUT = CONTRACT.output
COLUMNS = OUTPUT.columns
COLUMN_NAMES = OUTPUT.names
POLARS_SCHEMA = OUTPUT.polars
ARROW_SCHEMA = OUTPUT.arrow
TABLE_SCHEMA = OUTPUT.table
KEYS = CONTRACT.table.key
LEGACY_FIELDS = OUTPUT.legacy
