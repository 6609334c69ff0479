"""What the real service does and bqemulator 1.4.0 does not; one function per rule.

With these, a statement or a read that would fail in production fails here, too, with the
service's words. ``tests/emulator/test_rules.py`` shows each with and without its rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import grpc
import sqlglot
from bqemulator.api.routes import tables
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.grpc_api import read_servicer
from bqemulator.jobs import executor
from bqemulator.sql.rewriter import partition_pseudo_columns
from bqemulator.versioning import ddl
from sqlglot import exp

from fsq.emulator.answers import (
    compress_answers,
    parse_session,
    read_texts_in_filters,
    select_nested_fields,
)
from fsq.emulator.datasets import name_missing_datasets

_UNREADABLE = ("VIEW", "MATERIALIZED_VIEW", "EXTERNAL")
_CREATES_VIEW = re.compile(r"\s*CREATE\s+(OR\s+REPLACE\s+)?VIEW\b", re.IGNORECASE)
_LONGEST_RESTRICTION = 2**20
_COMPARISONS = (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Is)


def keep_partition_filter() -> None:
    """Keep ``requirePartitionFilter``, which now stands beside ``timePartitioning``."""
    parse, describe = tables._rest_to_table_meta, tables._table_to_rest

    def to_meta(project: str, dataset: str, body: dict[str, Any], *args: Any) -> Any:
        required = body.get("requirePartitionFilter")
        if required is not None and body.get("timePartitioning"):
            body["timePartitioning"]["requirePartitionFilter"] = required
        return parse(project, dataset, body, *args)

    def to_rest(table: Any) -> dict[str, Any]:
        body: dict[str, Any] = describe(table)
        if _required_column(table) is not None:
            body["requirePartitionFilter"] = True
        return body

    tables._rest_to_table_meta, tables._table_to_rest = to_meta, to_rest


def require_read_filter() -> None:
    """Refuse read sessions of views, and those without a filter that a table requires."""
    original = read_servicer.BigQueryReadHandler._handle_create_read_session

    def create(self: Any, data: bytes, context: Any) -> bytes:
        session = parse_session(data)
        problem = _find_read_problem(session, self._ctx.catalog)
        if problem is not None:
            context.set_code(grpc.StatusCode.INVALID_ARGUMENT)
            context.set_details(f"request failed: {problem}")
            return b""
        answer: bytes = original(self, data, context)
        return answer

    read_servicer.BigQueryReadHandler._handle_create_read_session = create


def _find_read_problem(session: Any, catalog: Any) -> str | None:
    names = read_servicer._parse_table_path(session.table)
    table = names and catalog.get_table(*names)
    if table is None:
        return None
    if table.table_type in _UNREADABLE:
        return f"read API does not support reading tables of type {table.table_type}"
    restriction = session.read_options.row_restriction
    if len(restriction) > _LONGEST_RESTRICTION:
        return "row_restriction is longer than 1 MB"
    column = _required_column(table)
    where = sqlglot.parse_one(restriction or "TRUE", read="bigquery")
    if column is not None and not _restricts(where, column, None):
        return _describe_missing_filter(table, column)
    return None


def require_statement_filter() -> None:
    """Refuse statements that lack a filter which a table requires, and merges that cannot prune."""
    original = executor._reject_dml_on_immutable

    def reject(project: str, sql: str, ctx: Any) -> None:
        original(project, sql, ctx)
        if _CREATES_VIEW.match(sql) or (tree := _parse(sql)) is None:
            return
        for problem in _find_statement_problems(tree, project, ctx.catalog):
            raise InvalidQueryError(problem)

    executor._reject_dml_on_immutable = reject


def _find_statement_problems(tree: Any, project: str, catalog: Any) -> Iterator[str]:
    for node in tree.find_all(exp.Table):
        if not node.db:
            continue
        table = catalog.get_table(node.catalog or project, node.db, node.name)
        if table is None:
            continue
        if table.table_type == "VIEW" and table.view_query:
            yield from _find_statement_problems(_parse(table.view_query), project, catalog)
            continue
        column, scope = _required_column(table), node.find_ancestor(exp.Select, exp.Merge)
        scope = scope or node.root()
        alias = node.alias or None
        if column is None or isinstance(scope, exp.Insert | exp.Create | exp.Alter | exp.Drop):
            continue
        if isinstance(scope, exp.Merge) and scope.this is node:
            fine = _merge_prunes(scope, column, alias)
        else:
            parts = [
                scope.args.get("where"),
                *(j.args.get("on") for j in scope.args.get("joins") or ()),
            ]
            fine = any(_restricts(p, column, alias) for p in parts if p is not None)
        if not fine:
            yield _describe_missing_filter(table, column)


def _merge_prunes(merge: Any, column: str, alias: str | None) -> bool:
    """Whether a merge's conditions limit the partitions of its target.

    With both clauses of NOT MATCHED, the join is a full outer one, whose condition limits
    nothing; a constant FALSE makes two scans of it, and the clause limits that of the target.
    """
    whens = merge.args["whens"].expressions
    by_source = [w for w in whens if not w.args.get("matched") and w.args.get("source")]
    on = merge.args["on"]
    never = isinstance(on, exp.Boolean) and not on.this
    if by_source and not never:
        return False
    if never:
        tests = [w.args.get("condition") for w in by_source]
        return all(t is not None and _restricts(t, column, alias) for t in tests)
    return _restricts(on, column, alias)


def _restricts(condition: Any, column: str, alias: str | None) -> bool:
    """Whether a condition compares the column with constants."""
    for test in condition.find_all(*_COMPARISONS):
        columns = [*test.find_all(exp.Column)]
        own = [c for c in columns if c.name.lower() == column.lower()]
        own = [c for c in own if c.table in ("", alias)]
        if own and len(own) == len(columns):
            return True
    return False


def _required_column(table: Any) -> str | None:
    """The column that every reader must restrict; None if there is none."""
    by = table.time_partitioning
    if by is None or not by.require_partition_filter:
        return None
    return by.field or "_PARTITIONTIME"


def _describe_missing_filter(table: Any, column: str) -> str:
    place = f"{table.project_id}.{table.dataset_id}.{table.table_id}"
    return (
        f"Cannot query over table '{place}' without a filter over column(s) '{column}' that can "
        "be used for partition elimination"
    )


def alter_several_columns() -> None:
    """Run ``ALTER TABLE`` with several changes, which DuckDB takes one by one."""
    original = executor._run_single_sql

    async def run(project: str, sql: str, *args: Any, **kwargs: Any) -> Any:
        tree = _parse_alteration(sql)
        if tree is None:
            return await original(project, sql, *args, **kwargs)
        for action in tree.args["actions"]:
            single = tree.copy()
            single.set("actions", [action.copy()])
            result = await original(project, single.sql("bigquery"), *args, **kwargs)
        return result

    executor._run_single_sql = run


def _parse_alteration(sql: str) -> Any:
    tree = _parse(sql) if sql.lstrip()[:5].upper() == "ALTER" else None
    several = isinstance(tree, exp.Alter) and len(tree.args.get("actions") or ()) > 1
    return tree if several else None


@lru_cache(64)
def _parse(sql: str) -> Any:
    """The statement as a tree, not to be changed; None if it cannot be parsed."""
    try:
        return sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.errors.SqlglotError:
        return None


def take_options_of_snapshots() -> None:
    """Accept options of ``CREATE SNAPSHOT TABLE``, such as an expiration, without effect."""
    known = ddl._CREATE_SNAPSHOT_RE
    options = known.pattern.replace(r"\s*;?\s*$", r"(?:\s+OPTIONS\s*\(.*\))?\s*;?\s*$")
    ddl._CREATE_SNAPSHOT_RE = re.compile(options, known.flags)


def qualify_pseudo_columns() -> None:
    """Understand ``T._PARTITIONTIME`` as well as ``_PARTITIONTIME``."""
    names = r"(?:\b[A-Za-z_]\w*\.)?\b(_PARTITIONDATE|_PARTITIONTIME)\b"
    partition_pseudo_columns._PARTITION_PSEUDO_COLUMN_RE = re.compile(names, re.IGNORECASE)


RULES = (
    keep_partition_filter,
    require_read_filter,
    require_statement_filter,
    select_nested_fields,
    compress_answers,
    read_texts_in_filters,
    qualify_pseudo_columns,
    alter_several_columns,
    take_options_of_snapshots,
    name_missing_datasets,
)
