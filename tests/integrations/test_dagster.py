from __future__ import annotations

import json

import fsq
from fsq.incidents import read_incidents
from tests.integrations.conftest import GOOD, RED, Bench

DRIVE = """
import json, features
job = features.defs.resolve_implicit_global_asset_job_def()
done = job.execute_in_process(partition_key={day!r}, raise_on_error=False)
(check,) = done.get_asset_check_evaluations()
made = [e.asset_key.to_user_string() for e in done.get_asset_materialization_events()]
print(json.dumps([done.success, check.passed, check.metadata["findings"].value, made]))
"""


def test_a_red_partition_blocks_what_lies_downstream(bench: Bench) -> None:
    told = {
        day: json.loads(bench.python(DRIVE.format(day=str(day))).splitlines()[-1])
        for day in (GOOD, RED)
    }
    assert told[GOOD][:2] == [True, True]
    assert told[GOOD][3] == ["scored_features", "training_set"]
    success, passed, findings, made = told[RED]
    assert (success, passed, made) == (False, False, ["scored_features"])
    assert "PlayerCompositeFactorsProcessor did not run" in findings
    assert [i.state for i in read_incidents(fsq.open_store(bench.store))] == ["open"]
