"""Options in a table's URI: where fsq keeps its own tables, and how jobs run."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from fsq.stores.bigquery.endpoints import ENDPOINT_VARIABLE, Endpoint, parse_endpoint

# The most bytes that a single job may be billed for, unless the URI says it.
MAX_BYTES_VARIABLE = "FSQ_MAX_BYTES"
_LABEL = re.compile(r"([a-z][a-z0-9_-]{0,62}):([a-z0-9_-]{0,63})")
_PREFIX = re.compile(r"[A-Za-z0-9_-]{0,200}")
_DATASET = re.compile(r"(?:([a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)\.)?([A-Za-z0-9_]{1,1024})")
_LOCATION = re.compile(r"[A-Za-z0-9-]{2,40}")
FORMS = (
    "location=EU", "staging=dataset", "label=key:value", "job_prefix=nightly_", "max_bytes=10^10",
    "endpoint=bigquery.europe-west3.rep.googleapis.com",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TableOptions:
    """How fsq works on a table.

    Attributes:
        staging: project, or None for the table's, and dataset of the tables that fsq makes for
            itself; None for those of the table.
        labels: of jobs and of fsq's own tables.
        job_prefix: what job ids begin with, before ``fsq_``.
        max_bytes: the most that a single job may be billed for; beyond, it fails and costs nothing.
        endpoint: where the service is reached; None for its public addresses.
    """

    staging: tuple[str | None, str] | None = None
    labels: tuple[tuple[str, str], ...] = ()
    job_prefix: str = ""
    max_bytes: int | None = None
    endpoint: Endpoint | None = None

    def find_max_bytes(self) -> int | None:
        """The most that a job may be billed for, by the URI or the environment.

        Raises:
            ValueError: the environment variable is not a number of bytes.
        """
        text = os.environ.get(MAX_BYTES_VARIABLE)
        if self.max_bytes is not None or not text:
            return self.max_bytes
        return parse_bytes(text)

    def find_endpoint(self) -> Endpoint | None:
        """Where the service is reached, by the URI or the environment.

        Raises:
            ValueError: the environment variable names no server.
        """
        text = os.environ.get(ENDPOINT_VARIABLE)
        return self.endpoint if self.endpoint is not None or not text else parse_endpoint(text)


DEFAULT_OPTIONS = TableOptions()


def parse_options(pairs: Sequence[tuple[str, str]]) -> tuple[str | None, TableOptions]:
    """The location and the options of a URI's query.

    Raises:
        ValueError: one is unknown or malformed.

    >>> parse_options([("location", "EU"), ("staging", "scratch"), ("label", "team:ml")])[1].labels
    (('team', 'ml'),)
    """
    location, staging, prefix, most, endpoint = None, None, "", None, None
    labels: list[tuple[str, str]] = []
    for name, value in pairs:
        if name == "location" and _LOCATION.fullmatch(value):
            location = value
        elif name == "staging" and (found := _DATASET.fullmatch(value)):
            staging = (found[1], found[2])
        elif name == "label" and (found := _LABEL.fullmatch(value)):
            labels.append((found[1], found[2]))
        elif name == "job_prefix" and _PREFIX.fullmatch(value):
            prefix = value
        elif name == "max_bytes":
            most = parse_bytes(value)
        elif name == "endpoint":
            endpoint = parse_endpoint(value)
        else:
            raise ValueError(f"{name}={value} is not an option")
    return location, TableOptions(staging, tuple(labels), prefix, most, endpoint)


def parse_bytes(text: str) -> int:
    """A number of bytes, such as ``5000000000``, ``10^10`` or ``500GB``.

    Raises:
        ValueError: it is not one.

    >>> parse_bytes("10^9"), parse_bytes("2TB"), parse_bytes("1GiB")
    (1000000000, 2000000000000, 1073741824)
    """
    found = re.fullmatch(r"(\d{1,15})(?:\^(\d{1,2})|\s*([KMGTP]?)(i?)B)?", text.strip(), re.I)
    if not found:
        raise ValueError(f"{text} is not a number of bytes")
    count, power, unit, binary = found.groups()
    if power is not None:
        out = int(count) ** int(power)
    else:
        step = "KMGTP".index(unit.upper()) + 1 if unit else 0
        out = int(count) * (1024 if binary else 1000) ** step
    if not 0 < out < 2**63:
        raise ValueError(f"{text} is not a number of bytes")
    return int(out)
