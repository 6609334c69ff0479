from __future__ import annotations

import json

import fsq
from tests.integrations.conftest import FILLED, FIRST, Bench

LOOK = """
import json, mlflow
client = mlflow.MlflowClient()
(run,) = client.search_runs(["0"])
text = lambda name: mlflow.artifacts.load_text(f"{run.info.artifact_uri}/fsq/{name}")
names = ("check.md", "check.json", "waterfall.csv", "provenance.json")
print(json.dumps([run.data.tags, run.data.metrics, {name: text(name) for name in names}]))
"""


def test_a_run_keeps_what_its_features_were(bench: Bench) -> None:
    bench.environment = {"MLFLOW_TRACKING_URI": f"sqlite:///{bench.home}/mlflow.db"}
    bench.run("python", "train.py")
    tags, metrics, files = json.loads(bench.python(LOOK).splitlines()[-1])
    made = fsq.training_set(fsq.open_store(bench.store), "actual_points", start=FIRST, end=FILLED)
    assert tags["fsq.fingerprint"] == made.fingerprint
    assert tags["fsq.contract"].startswith("v2_33features ")
    assert metrics == {"fsq.records": len(made)}
    assert files["waterfall.csv"] == made.waterfall.write_csv()
    assert json.loads(files["provenance.json"])["fingerprint"] == made.fingerprint
    assert json.loads(files["check.json"])["verdict"] == tags["fsq.verdict"]
    assert tags["fsq.verdict"] in files["check.md"]
