"""What every output has in common: types, the detail's fields, provenance, Arrow and BigQuery."""
