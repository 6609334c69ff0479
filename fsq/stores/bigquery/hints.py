"""What to do when the service refuses, by the words or the code of its error."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import grpc
from google.cloud.bigquery_storage_v1 import types
from grpc_status import rpc_status

_TYPE = "google.cloud.bigquery.storage.v1.StorageError"
_NO_TABLE = "check the table's name, and that it was not dropped during the run"
_DATA_EDITOR = "ask for the role BigQuery Data Editor on the dataset"
# By the codes of gRPC, then by those of the Storage Write API.
_CODES = {
    "UNAUTHENTICATED": "run `gcloud auth application-default login`",
    "PERMISSION_DENIED": _DATA_EDITOR,
    "NOT_FOUND": _NO_TABLE,
    "INVALID_ARGUMENT": "compare the rows with the table's schema: `fsq schema migrate --dry-run`",
    "FAILED_PRECONDITION": "the stream was finalized or committed by someone else; run it again",
    "RESOURCE_EXHAUSTED": "a quota is exhausted; wait, or write with fewer streams",
    "TABLE_NOT_FOUND": _NO_TABLE,
    "STREAM_NOT_FOUND": "streams live for 24 hours; run it again with fewer dates",
    "INVALID_STREAM_STATE": "a finalized stream must be committed within 4 hours; run it again",
    "STREAM_FINALIZED": "the stream was finalized by someone else; run it again",
    "SCHEMA_MISMATCH_EXTRA_FIELDS": "not every server knows a new column yet; wait a few minutes",
    "CMEK_NOT_PROVIDED": "the project requires an encryption key; set one on the table",
    "INVALID_CMEK_PROVIDED": "the table's encryption key does not exist or is in another location",
    "CMEK_ENCRYPTION_ERROR": "the table's encryption key is disabled or destroyed; enable it",
    "KMS_SERVICE_ERROR": "the key service failed; run it again",
    "KMS_PERMISSION_DENIED": "give BigQuery's service agent the role Cloud KMS CryptoKey "
    "Encrypter/Decrypter on the table's key",
}
# Words in errors of jobs and requests, in lower case, and what to do; the first match counts.
_WORDS = (
    (
        r"reasonable timeframe|certificate is not yet valid",
        "this machine's clock is wrong; set it",
    ),
    (
        r"not found: dataset",
        "create the dataset first: bq mk --dataset project:dataset, or CREATE SCHEMA; in the "
        "emulator, too",
    ),
    (
        r"streaming buffer",
        "rows that insertAll streamed cannot be changed for 30 to 90 minutes; wait, or have "
        "upstream write with the Storage Write API or load jobs",
    ),
    (
        r"\bcdc\b|change data capture|_change_type",
        "a CDC stream writes to this table, and DML cannot change it meanwhile; score it "
        "into another table: --store bigquery://project.dataset.another_table",
    ),
    (
        r"billing has not been enabled|sandbox|dml queries are not allowed in the free tier",
        "the sandbox has no DML; enable billing for the project that pays",
    ),
    (
        r"bytes ?billed",
        "raise --max-bytes, or narrow the dates; nothing was billed",
    ),
    (
        r"too many dml statements|dml statements outstanding|concurrent update",
        "other jobs keep changing the table; run it again later, or with more rows per commit: "
        "--commit-rows",
    ),
    (
        r"partitions? modif|exceeds limit of \d+ partitions|too many partitions",
        "a statement may change 4,000 partitions, and a table has a daily limit; narrow the dates",
    ),
    (
        r"quota ?exceeded|rate ?limit|exceeded quota",
        "a quota is exhausted; wait, or request more: https://cloud.google.com/bigquery/quotas",
    ),
    (
        r"partition elimination",
        "the table requires a filter that the statement lacks; report this as a bug in fsq",
    ),
    (
        r"setcategory|policy ?tag",
        "you may not set policy tags; ask for the role Data Catalog Admin, or remove them from "
        "the source's columns",
    ),
    (
        r"row access polic",
        "the table has row access policies; you need one that shows every row: FILTER USING (TRUE)",
    ),
    (
        r"bigquery\.jobs\.create",
        "ask for the role BigQuery Job User on the project that pays",
    ),
    (
        r"readsessions",
        "ask for the role BigQuery Read Session User on the project that pays, and for BigQuery "
        "Data Viewer on the dataset",
    ),
    (
        r"vpc service controls|organization's policy",
        "a VPC Service Controls perimeter blocks you; ask for an ingress rule",
    ),
    (
        r"access denied|permission .* denied|permission_denied",
        _DATA_EDITOR,
    ),
)


def find_hint(message: str) -> str | None:
    """What to do about an error message of the service; None if it says all that is known.

    >>> find_hint("Quota exceeded: too many table update operations")[:24]
    'a quota is exhausted; wa'
    """
    text = message.lower()
    return next((cure for words, cure in _WORDS if re.search(words, text)), None)


def find_code_hint(code: str | None) -> str | None:
    """What to do about a code of gRPC or of the Storage Write API; None if it is unknown.

    >>> find_code_hint("CMEK_NOT_PROVIDED")
    'the project requires an encryption key; set one on the table'
    """
    return _CODES.get(code or "")


def find_storage_code(details: Iterable[Any]) -> str | None:
    """The name of the code that the Storage Write API adds to an error; None without one.

    Args:
        details: of a ``google.rpc.Status``.
    """
    for detail in details:
        if detail.type_url.rpartition("/")[2] == _TYPE:
            return str(types.StorageError.deserialize(detail.value).code.name)
    return None


def find_call_code(error: grpc.RpcError) -> str | None:
    """The name of that code in the error of a failed call; None without one."""
    try:
        status = rpc_status.from_call(error)
    except (ValueError, AttributeError):  # its code or text differ from the call's, or no details
        return None
    return None if status is None else find_storage_code(status.details)
