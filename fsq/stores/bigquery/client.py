"""Connections, by Application Default Credentials or to the emulator in the environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from fsq.errors import InputError, StoreError
from fsq.stores.bigquery.endpoints import ENDPOINT_VARIABLE, Endpoint
from fsq.stores.bigquery.options import DEFAULT_OPTIONS, MAX_BYTES_VARIABLE, TableOptions
from fsq.stores.bigquery.variables import GRPC_VARIABLE, REST_VARIABLE
from fsq.utils.extras import require_extra

T = TypeVar("T")
# Allows messages of 8 MB and more in both directions.
_OPTIONS = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
# What the ids of fsq's jobs begin with.
JOB_PREFIX = "fsq_"


@dataclass(frozen=True, slots=True)
class Clients:
    """Google's three clients: REST for tables and SQL, gRPC for rows."""

    tables: Any
    reader: Any
    writer: Any


@contextmanager
def open_clients(
    project: str, location: str | None = None, options: TableOptions = DEFAULT_OPTIONS
) -> Iterator[Clients]:
    """Open the clients of a project, and close them afterwards.

    Args:
        project: of the table; ``GOOGLE_CLOUD_PROJECT``, if set, is billed instead.
        location: of the dataset; None lets the service find it.
        options: labels, prefix and limit of the jobs, and where the service is reached.

    Raises:
        InputError: the ``bigquery`` extra is not installed, or the environment is malformed.
        StoreError: there are no credentials, or the service refused or failed. The message
            contains no credentials.
    """
    with require_extra("bigquery", "BigQuery cannot be used"):
        import grpc
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from google.cloud.bigquery import QueryJobConfig

        from fsq.stores.bigquery.hints import find_hint
    rest, storage = os.environ.get(REST_VARIABLE), os.environ.get(GRPC_VARIABLE)
    if bool(rest) != bool(storage):
        raise InputError(
            [f"only one of {REST_VARIABLE} and {GRPC_VARIABLE} is set; set both, or neither"],
            "BigQuery cannot be used",
        )
    billed = os.environ.get("GOOGLE_CLOUD_PROJECT") or project
    most = _read_variable(MAX_BYTES_VARIABLE, options.find_max_bytes)
    endpoint = _read_variable(ENDPOINT_VARIABLE, options.find_endpoint)
    labels = {"tool": "fsq"} | dict(options.labels)
    jobs = QueryJobConfig(labels=labels, maximum_bytes_billed=most)
    if rest and storage:
        clients = _open_emulator(billed, location, jobs, rest, storage)
    else:
        clients = _open_service(billed, location, jobs, endpoint)
    clients.tables.job_prefix = options.job_prefix + JOB_PREFIX
    try:
        yield clients
    except (GoogleAPIError, GoogleAuthError, OSError, grpc.RpcError) as error:
        problem = _describe(error)
        hint = find_hint(problem)
        cure = "" if hint is None else f"\nHint: {hint}"
        raise StoreError(f"BigQuery failed: {problem}{cure}") from error
    finally:
        clients.tables.close()
        clients.reader.transport.close()
        clients.writer.transport.close()


def _read_variable(variable: str, find: Callable[[], T]) -> T:
    """What an environment variable may say.

    Raises:
        InputError: it is malformed.
    """
    try:
        return find()
    except ValueError as error:
        raise InputError([f"{variable}: {error}"], "BigQuery cannot be used") from None


def _open_service(
    project: str, location: str | None, jobs: Any, endpoint: Endpoint | None
) -> Clients:
    """Clients of Google's service.

    Raises:
        InputError: the credentials are those of another universe of Google's.
        StoreError: there are no credentials.
    """
    from google.api_core.client_options import ClientOptions
    from google.auth.exceptions import GoogleAuthError
    from google.cloud import bigquery_storage_v1

    from fsq.stores.bigquery.bounded import BoundedClient

    rest = storage = None
    if endpoint is not None:
        rest = ClientOptions(api_endpoint=f"https://{endpoint.rest}")
        storage = ClientOptions(api_endpoint=endpoint.storage)
    try:
        return Clients(
            BoundedClient(
                project, location=location, default_query_job_config=jobs, client_options=rest
            ),
            bigquery_storage_v1.BigQueryReadClient(client_options=storage),
            bigquery_storage_v1.BigQueryWriteClient(client_options=storage),
        )
    except ValueError as error:  # GOOGLE_CLOUD_UNIVERSE_DOMAIN
        raise InputError([str(error)], "BigQuery cannot be used") from None
    except GoogleAuthError as error:
        cure = "run `gcloud auth application-default login`, or set the two emulator variables"
        problem = f"no Application Default Credentials ({type(error).__name__}); {cure}"
        raise StoreError(problem) from None


def _open_emulator(
    project: str, location: str | None, jobs: Any, rest: str, storage: str
) -> Clients:
    """Clients of an emulator, without credentials or encryption."""
    import grpc
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery_storage_v1
    from google.cloud.bigquery_storage_v1.services.big_query_read import transports as reads
    from google.cloud.bigquery_storage_v1.services.big_query_write import transports as writes

    from fsq.stores.bigquery.bounded import BoundedClient

    def channel() -> Any:
        return grpc.insecure_channel(storage.removeprefix("http://"), options=_OPTIONS)

    return Clients(
        BoundedClient(
            project,
            AnonymousCredentials(),
            location=location,
            default_query_job_config=jobs,
            client_options=ClientOptions(api_endpoint=rest if "://" in rest else f"http://{rest}"),
        ),
        bigquery_storage_v1.BigQueryReadClient(
            transport=reads.BigQueryReadGrpcTransport(channel=channel())
        ),
        bigquery_storage_v1.BigQueryWriteClient(
            transport=writes.BigQueryWriteGrpcTransport(channel=channel())
        ),
    )


def _describe(error: Exception) -> str:
    """The server's message, without the request's address and headers."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, Exception):  # the last error before retries timed out
        return f"{_describe(cause)} (after retries)"
    message = getattr(error, "message", None)
    if message is None and callable(details := getattr(error, "details", None)):
        message = details()
    return f"{type(error).__name__}: {message or error}"
