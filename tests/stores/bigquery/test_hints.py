"""A refusal of the service comes with what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsq.cli import main
from fsq.stores.bigquery.hints import find_hint
from tests.support.frames import wide
from tests.support.rest_front import Answer, Request, failed_job, fronted
from tests.support.warehouse import held, tables

# Words of the service, from its documentation and from bug reports.
MESSAGES = {
    "UPDATE or DELETE statement over table p.d.t would affect rows in the streaming buffer, which "
    "is not supported": "insertAll",
    "DML operations are not allowed on table p:d.t with active CDC upsert stream": "another table",
    "Table p.d.t has change data capture enabled": "another table",
    "Billing has not been enabled for this project. DML queries are not allowed.": "enable billing",
    "Query exceeded limit for bytes billed: 1000000. 20971520 or higher required.": "--max-bytes",
    "Resources exceeded: Too many DML statements outstanding against table p:d.t, limit is 20": (
        "--commit-rows"
    ),
    "Quota exceeded: Your table exceeded quota for imports or query appends per table": "quota",
    "Exceeded rate limits: too many table update operations for this table": "quota",
    "Too many partitions produced by query, allowed 4000, query produces at least 4001": "4,000",
    "Access Denied: Project p: User does not have bigquery.jobs.create permission in project p": (
        "Job User"
    ),
    "Permission bigquery.readsessions.create denied on resource projects/p": "Read Session User",
    "Access Denied: Table p:d.t: Permission bigquery.tables.updateData denied on table": (
        "Data Editor"
    ),
    "Access Denied: User does not have permission bigquery.tables.setCategory": "policy tags",
    "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: x": (
        "perimeter"
    ),
    "('invalid_grant: Invalid JWT: Token must be a short-lived token (60 minutes) and in a "
    "reasonable timeframe. Check your iat and exp values in the JWT claim.',)": "clock is wrong",
    "DML is not allowed on tables with row access policies": "FILTER USING (TRUE)",
}


@pytest.mark.parametrize("message", MESSAGES)
def test_words_of_the_service(message: str) -> None:
    hint = find_hint(message)
    assert hint is not None
    assert MESSAGES[message] in hint


def test_other_words_get_no_hint() -> None:
    assert find_hint("Syntax error: Unexpected end of statement at [1:7]") is None


@pytest.mark.parametrize("message", [*MESSAGES][:4])
def test_a_merge_that_is_refused_says_what_to_do(
    message: str,
    dataset: str,
    emulator: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source, uri = tmp_path / "rows.parquet", f"bigquery://{dataset}.t"
    wide().write_parquet(source)

    def refused(request: Request) -> Answer | None:
        merges = request.sql.lstrip().startswith(f"MERGE `{dataset}.t`")
        return failed_job(request, "invalidQuery", message) if merges else None

    with fronted(monkeypatch, emulator, refused):
        assert main(["backfill", "--source", str(source), "--store", uri]) == 3
    said = capsys.readouterr().err
    assert MESSAGES[message] in said
    assert "Hint" in said
    assert held(uri).height == 0
    assert not [t for t in tables(dataset) if "staging" in t]
