"""Tables and parameters of BigQuery as Google's own analyzer takes them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import wasmtime
from zetasql.api import CatalogBuilder, TableBuilder, TypeFactory
from zetasql.core import wasm_client
from zetasql.core.local_service import ZetaSqlLocalService
from zetasql.types import (
    AnalyzeRequest,
    AnalyzerOptions,
    EvaluateQueryRequest,
    LanguageOptions,
    ParameterMode,
    ProductMode,
    SimpleCatalog,
    TypeKind,
    ZetaSQLBuiltinFunctionOptions,
)
from zetasql.wasi._pb2.zetasql.local_service.local_service_pb2 import (
    AnalyzeResponse,
    EvaluateQueryResponse,
)

from tests.support.zetasql_values import read_answer, write_content

_CACHE = Path(__file__).parents[2] / "build" / "wasmtime"
_KINDS = {
    "STRING": TypeKind.TYPE_STRING, "INTEGER": TypeKind.TYPE_INT64, "INT64": TypeKind.TYPE_INT64,
    "FLOAT": TypeKind.TYPE_DOUBLE, "FLOAT64": TypeKind.TYPE_DOUBLE, "BOOLEAN": TypeKind.TYPE_BOOL,
    "BOOL": TypeKind.TYPE_BOOL, "DATE": TypeKind.TYPE_DATE, "TIMESTAMP": TypeKind.TYPE_TIMESTAMP,
    "DATETIME": TypeKind.TYPE_DATETIME, "TIME": TypeKind.TYPE_TIME, "BYTES": TypeKind.TYPE_BYTES,
    "JSON": TypeKind.TYPE_JSON, "NUMERIC": TypeKind.TYPE_NUMERIC,
}  # fmt: skip


_SCHEMA = "INFORMATION_SCHEMA"
_VIEWS = [{"name": n, "type": "STRING"} for n in ("table_name", "view_definition")]


def field_type(field: Mapping[str, Any]) -> Any:
    """The type of a field of the REST API."""
    kind = field["type"]
    if kind in ("RECORD", "STRUCT"):
        found = TypeFactory.create_struct_type(
            [(f["name"], field_type(f)) for f in field["fields"]]
        )
    else:
        found = TypeFactory.create_simple_type(_KINDS[kind])
    return TypeFactory.create_array_type(found) if field.get("mode") == "REPEATED" else found


def _make_table(name: str, fields: Iterable[Mapping[str, Any]]) -> Any:
    table = TableBuilder(name)
    for field in fields:
        table.add_column(field["name"], field_type(field))
    return table


def parameter_type(kind: Mapping[str, Any]) -> Any:
    """The type of a query parameter of the REST API."""
    if kind["type"] == "ARRAY":
        return TypeFactory.create_array_type(parameter_type(kind["arrayType"]))
    if kind["type"] == "STRUCT":
        fields = [(f["name"], parameter_type(f["type"])) for f in kind["structTypes"]]
        return TypeFactory.create_struct_type(fields)
    return TypeFactory.create_simple_type(_KINDS[kind["type"]])


def _start_service() -> ZetaSqlLocalService:
    """The service inside this process; its compiled code is kept, since that takes 20 seconds."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    settings = _CACHE.with_suffix(".toml")
    settings.write_text(f'[cache]\ndirectory = "{_CACHE.as_posix()}"\n')

    def make_config() -> wasmtime.Config:
        config = wasmtime.Config()
        config.cache = str(settings)
        return config

    wasm_client.Config = make_config
    wasm_client.WasmClient.write_bytes = _write_bytes
    wasm_client.WasmClient.read_bytes = _read_bytes
    return ZetaSqlLocalService.get_instance()


def _write_bytes(client: wasm_client.WasmClient, start: int, data: bytes) -> None:
    """Copy bytes into the engine's memory at once; the package writes one by one."""
    memory = ctypes.addressof(client.memory.data_ptr().contents)
    ctypes.memmove(memory + start, data, len(data))


def _read_bytes(client: wasm_client.WasmClient, start: int, size: int) -> bytes:
    memory = ctypes.addressof(client.memory.data_ptr().contents)
    return ctypes.string_at(memory + start, size)


class BigQueryAnalyzer:
    """Google's analyzer, with the features of BigQuery that it can be told."""

    def __init__(self) -> None:
        self._client = _start_service().wasm_client
        self._language = LanguageOptions.maximum_features()
        self._language.product_mode = ProductMode.PRODUCT_EXTERNAL
        self._language.supported_statement_kinds = []  # all of them

    def make_catalog(self, tables: Mapping[str, Iterable[Mapping[str, Any]]]) -> Any:
        """A catalog of tables, by ``project.dataset.table``, with fields of the REST API.

        A name such as ``region-eu.INFORMATION_SCHEMA.JOBS`` is a view of the service.
        """
        functions = ZetaSQLBuiltinFunctionOptions(language_options=self._language)
        builder = CatalogBuilder("bigquery").with_builtin_functions(functions)
        views: dict[str, list[Any]] = {}
        for name, fields in tables.items():
            place, _, view = name.partition(f".{_SCHEMA}.")
            if view:
                views.setdefault(place, []).append(_make_table(view, fields).build())
                continue
            table = _make_table(name, fields)
            builder.add_table(table.add_column("_PARTITIONTIME", TypeKind.TYPE_TIMESTAMP).build())
            views.setdefault(name.rpartition(".")[0], [_make_table("VIEWS", _VIEWS).build()])
        catalog = builder.build()
        catalog.catalog = [
            SimpleCatalog(name=place, catalog=[SimpleCatalog(name=_SCHEMA, table=found)])
            for place, found in sorted(views.items())
        ]
        return catalog

    def analyze(
        self, sql: str, catalog: Any, parameters: Iterable[Mapping[str, Any]] = ()
    ) -> str | None:
        """What the analyzer has against a statement; None if nothing."""
        options = self._make_options(parameters)
        request = AnalyzeRequest(sql_statement=sql, options=options, simple_catalog=catalog)
        try:
            # The answer stays as it is: the package takes seconds to turn it into Python objects.
            self._client.call_grpc_func(
                "ZetaSqlLocalService_Analyze", request.to_proto(), AnalyzeResponse
            )
        except Exception as error:  # the package's own classes differ by release
            return str(error)
        return None

    def evaluate(
        self, sql: str, tables: Mapping[str, tuple[pl.DataFrame, Iterable[Mapping[str, Any]]]]
    ) -> pl.DataFrame:
        """What Google's reference evaluator answers to a SELECT.

        It holds 128 MB of intermediate rows and takes its time: the tables must be small.

        Args:
            sql: the statement, without a semicolon at its end.
            tables: rows and fields of the REST API, by ``project.dataset.table``.
        """
        catalog = self.make_catalog({name: fields for name, (_, fields) in tables.items()})
        request = EvaluateQueryRequest(
            sql=sql, options=self._make_options(), simple_catalog=catalog
        ).to_proto()
        for name, (rows, fields) in tables.items():
            request.table_content[name].CopyFrom(write_content(rows, fields))
        call = self._client.call_grpc_func
        return read_answer(
            call("ZetaSqlLocalService_EvaluateQuery", request, EvaluateQueryResponse)
        )

    def _make_options(self, parameters: Iterable[Mapping[str, Any]] = ()) -> AnalyzerOptions:
        typed = [(p["name"], parameter_type(p["parameterType"])) for p in parameters]
        return AnalyzerOptions(
            language_options=self._language,
            parameter_mode=ParameterMode.PARAMETER_NAMED,
            query_parameters=[AnalyzerOptions.QueryParameter(name=n, type=t) for n, t in typed],
        )
