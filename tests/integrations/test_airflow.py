from __future__ import annotations

import pytest

from tests.integrations.conftest import GOOD, RED, Bench


@pytest.fixture
def airflow(bench: Bench) -> Bench:
    bench.environment = {
        "AIRFLOW_HOME": str(bench.home / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(bench.home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    bench.run("airflow", "db", "migrate")
    return bench


def test_a_red_date_stops_the_dag_at_once(airflow: Bench) -> None:
    said = airflow.run("airflow", "dags", "test", "features", str(GOOD))
    assert "end task task_id=train" in said
    said = airflow.run("airflow", "dags", "test", "features", str(RED), status=1)
    assert "PlayerCompositeFactorsProcessor did not run" in said
    assert "end task task_id=check" in said
    assert "end task task_id=train" not in said
    assert "up_for_retry" not in said
