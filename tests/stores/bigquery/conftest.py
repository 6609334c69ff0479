from __future__ import annotations

from collections.abc import Iterator

import pytest

from fsq.stores.bigquery.client import Clients, open_clients


@pytest.fixture
def clients(dataset: str) -> Iterator[Clients]:
    with open_clients("p") as found:
        yield found
