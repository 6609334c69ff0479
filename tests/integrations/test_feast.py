from __future__ import annotations

import json

import polars as pl
import pytest

from tests.integrations.conftest import GOOD, RED, Bench

LOOK = """
import json, polars as pl
from feast import FeatureStore
rows = pl.read_parquet("features.parquet").filter(game_date=pl.date(2026, 2, 5))
names = ["points_avg_season", "pace_score"]
player = rows["player_lookup"][0]
online = FeatureStore(".").get_online_features(
    [f"player_features:{n}" for n in names], [{"player_lookup": player}]
).to_dict()
print(json.dumps([[online[n][0] for n in names], list(rows.select(names).row(0))]))
"""


def test_a_view_is_materialized_only_from_healthy_rows(bench: Bench) -> None:
    bench.environment = {"FEAST_USAGE": "False"}
    midnight = pl.col("game_date").cast(pl.Datetime("us", "UTC"))
    rows = pl.read_parquet(bench.source).with_columns(event_time=midnight)
    rows.write_parquet(bench.source)
    bench.run("feast", "apply")
    said = bench.run("python", "materialize.py", str(RED), status=1)
    assert "PlayerCompositeFactorsProcessor did not run" in said
    online, stored = json.loads(bench.python(LOOK).splitlines()[-1])
    assert online == [None, None]
    bench.run("python", "materialize.py", str(GOOD))
    online, stored = json.loads(bench.python(LOOK).splitlines()[-1])
    assert online == pytest.approx(stored)
