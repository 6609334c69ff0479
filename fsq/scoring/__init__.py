"""The scoring rules: detail (level 1, per feature), record (levels 2 and 3)."""
