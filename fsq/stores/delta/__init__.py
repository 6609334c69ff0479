"""Delta Lake as a store."""
