from __future__ import annotations

from tests.integrations.conftest import GOOD, RED, Bench


def test_a_build_stops_on_a_date_not_fit_to_predict_on(bench: Bench) -> None:
    bench.environment = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "NO_COLOR": "1"}
    bench.run("fsq", "score", str(bench.source), "--out", "scored.parquet")
    said = bench.run("dbt", "build", "--vars", f"{{day: {GOOD}}}")
    assert "PASS=3 " in said
    said = bench.run("dbt", "build", "--vars", f"{{day: {RED}}}", status=1)
    assert "FAIL 1 fit_to_predict_on" in said
    assert "SKIP relation main.trainable" in said
