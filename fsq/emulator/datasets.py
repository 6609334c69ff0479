"""A dataset that does not exist, in the words of the real service."""

from __future__ import annotations

import re
from typing import Any

import duckdb
from bqemulator.domain.errors import NotFoundError
from bqemulator.jobs import error_mapper
from bqemulator.storage.engine import DuckDBEngine

# How bqemulator 1.4.0 names the schema of a dataset to its engine, and what the engine then says.
_SCHEMA = re.compile(r'Schema with name "?(?P<project>[\w-]+?)__(?P<dataset>\w+?)"? does not exist')


def name_missing_datasets() -> None:
    """Say that a dataset is not found, where a table is created or a project has a short name.

    As it comes, creating a table ends with an internal error, which clients try again for minutes;
    and queries in a project such as ``p`` end with "Access Denied".
    """
    execute = DuckDBEngine.execute

    def run(self: Any, sql: str, parameters: list[Any] | None = None) -> Any:
        try:
            return execute(self, sql, parameters)
        except duckdb.CatalogException as error:
            found = _SCHEMA.search(str(error))
            if found is None or not sql.lstrip().upper().startswith("CREATE"):
                raise
            name = f"{found['project']}:{found['dataset']}"
            raise NotFoundError(f"Not found: Dataset {name} was not found in location US") from None

    DuckDBEngine.execute = run
    error_mapper._is_bq_invalid_project_format = lambda project: False
