"""Where the service is reached, if not at Google's public addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Where the service is reached, unless the URI says it.
ENDPOINT_VARIABLE = "FSQ_BIGQUERY_ENDPOINT"
_HOST = re.compile(r"(?=.{1,253}(?::|$))[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+(?::\d{1,5})?", re.I)
_SERVICE = re.compile(r"(?<![a-z0-9])bigquery(?![a-z0-9])", re.I)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Names of servers, with a port if it is not 443; both speak TLS.

    Attributes:
        rest: of the BigQuery API: tables and jobs.
        storage: of the BigQuery Storage API: rows.
    """

    rest: str
    storage: str


def parse_endpoint(text: str) -> Endpoint:
    """The servers that ``text`` names: those of both APIs, or of one, which tells the other.

    Args:
        text: a name that contains ``bigquery``, such as that of a regional or a Private Service
            Connect endpoint; or two names, joined by a comma, the storage API's second.

    Raises:
        ValueError: it names no server, or does not tell that of the other API.

    >>> parse_endpoint("bigquery.europe-west3.rep.googleapis.com").storage
    'bigquerystorage.europe-west3.rep.googleapis.com'
    >>> parse_endpoint("bigquery-corp.p.googleapis.com").storage
    'bigquerystorage-corp.p.googleapis.com'
    """
    hosts = text.split(",")
    if not all(_HOST.fullmatch(host) for host in hosts) or len(hosts) > 2:
        raise ValueError(f"{text} is not the name of a server, nor two, joined by a comma")
    if len(hosts) == 2:
        return Endpoint(*hosts)
    storage, count = _SERVICE.subn("bigquerystorage", text, count=1)
    if not count:
        raise ValueError(f"{text} does not name bigquery; add the storage API's server: {text},…")
    return Endpoint(text, storage)
