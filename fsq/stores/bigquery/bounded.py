"""Google's BigQuery client, whose every request ends.

As it comes, it waits without a limit for the answer to a request, and tries ten minutes where a
service cannot be reached, most often in the midst of several such calls.
"""

from __future__ import annotations

from typing import Any

from google.cloud import bigquery

# Seconds after which a request is given up, and for which it is tried again.
TIMEOUT = 120.0


class BoundedClient(bigquery.Client):
    """The same client; limits that it lacks, or that are longer than ours, are ours."""

    def _call_api(self, retry: Any, *given: Any, **named: Any) -> Any:
        """Send a request: all of the client's go this way, those of its jobs and pages too."""
        named["timeout"] = min(named.get("timeout") or TIMEOUT, TIMEOUT)
        if retry is not None:
            retry = retry.with_timeout(min(retry.timeout or TIMEOUT, TIMEOUT))
        return super()._call_api(retry, *given, **named)
