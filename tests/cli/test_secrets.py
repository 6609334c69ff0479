"""A URL with a secret, wherever somebody may put one: nothing that is told or written has it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import fsq
from fsq.backfilling.source import name_source
from fsq.diagnosis.causes import make_backfill_command
from tests.support.cli import Command
from tests.support.frames import wide
from tests.support.healthy_days import LAST

SECRET = "s3cret"
URLS = [
    f"https://user:{SECRET}@host.invalid/a.parquet",
    f"https://{SECRET}@host.invalid/a",
    f"https://host.invalid/a.parquet?access_token={SECRET}",
    f"https://host.invalid/a?X-Amz-Signature={SECRET}&x=1",
    f"s3://key:{SECRET}@bucket/x",
    f"s3://bucket/x.parquet?X-Amz-Security-Token={SECRET}",
    f"abfss://c@account.dfs.core.windows.net/x?sv=1&sig={SECRET}",
    f"bigquery://p.d.t?token={SECRET}",
    f"bigquery://user:{SECRET}@p.d.t",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    rows = wide(40, 2)
    rows.write_parquet(folder / "in.parquet")
    fsq.open_store(str(folder / "st")).replace(fsq.score(rows))
    return folder


@pytest.mark.parametrize(
    "words",
    [
        "score URL --out o.parquet",
        "score in.parquet --out URL",
        "backfill --source URL --store new",
        "backfill --source in.parquet --store URL",
        "check --store URL",
        "check --store st --source URL",
        "check --store st --contract URL",
        "check --store st --schedule URL",
        "check --store st --max-age URL",
        "check --store st --storage-option URL",
        "check --stoer=URL",
        "explain x 2026-01-01 --store URL",
        "trend --store st --out URL",
        "report --store st --out URL",
        "training-set --store st --on-default keep --out URL",
        "model check URL --store st",
        "schema migrate URL",
        "contract show URL",
        "contract init URL --key a --date b",
        "profile show --store URL",
        "incidents accept x --why URL --store URL",
        "demo URL",
        "config --env URL",
    ],
)
def test_no_secret_is_told_or_written(
    run: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    for number, url in enumerate(URLS):
        more = ([], ["-v"], ["--json"])[number % 3]
        done = run(*(w.replace("URL", url) for w in words.split()), *more)
        assert SECRET not in done.out + done.err
        assert done.status != 70
        assert done.out + done.err
        assert sorted(folder.iterdir()) == before  # no folder is called like a URL


@pytest.mark.parametrize("url", URLS[:4])
def test_commands_and_remembered_sources_have_no_secret(url: str) -> None:
    assert SECRET not in make_backfill_command(url, url, LAST, LAST)
    assert SECRET not in name_source(url)


def test_settings_are_shown_without_secrets(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    channels = [f"slack://{SECRET}/b/c", f"mailto://me:{SECRET}@example.org"]
    Path("fsq.toml").write_text(
        f"store = {json.dumps(URLS[0])}\nnotify = {json.dumps(channels)}\n"
        f"webhook = 'https://hooks.example/{SECRET}'\n"
    )
    monkeypatch.setenv("FSQ_SOURCE", URLS[3])
    for words in ([], ["--json"]):
        told = run("config", *words)
        assert SECRET not in told.out + told.err
        assert "host.invalid" in told.out
