from __future__ import annotations

import json

from tests.integrations.conftest import GOOD, RED, Bench

DRIVE = f"""
import json
from datetime import date
from prefect.client.orchestration import get_client
from prefect.testing.utilities import prefect_test_harness
from features import features
with prefect_test_harness(server_startup_timeout=120), get_client(sync_client=True) as client:
    states = [
        features(date.fromisoformat(day), return_state=True).name for day in {[str(GOOD), str(RED)]}
    ]
    shown = {{a.description: a.data for a in client.read_artifacts() if a.key == "features"}}
    tasks = sorted(r.name.rpartition("-")[0] for r in client.read_task_runs())
print(json.dumps([states, shown, tasks]))
"""


def test_a_red_date_fails_the_flow_and_shows_why(bench: Bench) -> None:
    bench.environment = {
        "PREFECT_HOME": str(bench.home / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    said = bench.python(DRIVE)
    states, shown, tasks = json.loads(next(x for x in said.splitlines() if x.startswith("[[")))
    assert states == ["Completed", "Failed"]
    assert tasks == ["check", "check", "score", "score", "train"]
    assert shown[str(GOOD)].startswith("## 🟢 fsq check: green")
    assert "PlayerCompositeFactorsProcessor did not run" in shown[str(RED)]
