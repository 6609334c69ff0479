from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="session")
def analyzer() -> Any:
    """Google's own analyzer; tests of the group "zetasql" share one."""
    pytest.importorskip("zetasql", reason="Google's analyzer is not installed")
    from tests.support.zetasql_catalog import BigQueryAnalyzer

    return BigQueryAnalyzer()
