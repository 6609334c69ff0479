"""Buckets of Amazon S3, Google Cloud Storage, Azure Blob Storage, and what speaks their protocols.

delta-rs, Polars and obstore are built on one library, ``object_store``, and read their credentials
and endpoints from the same environment variables.
"""
