"""What is refused of buckets and of their URIs, and what messages say."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import fsq
from fsq.backfilling.source import scan_source
from fsq.cli import main
from fsq.errors import FsqError, StoreRefusedError
from fsq.stores import (
    identify_table,
    migrate,
    open_store,
)
from fsq.stores.objects.bucket import list_objects
from tests.soak.victims import servers
from tests.support.frames import wide
from tests.support.object_stores import serve

pytestmark = pytest.mark.xdist_group("object stores")
KEYS = ["game_date", "player_lookup"]
STAMP = "quality_computed_at"


@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_a_store_that_ignores_conditions_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wide(10, 2).write_parquet(tmp_path / "rows.parquet")
    with serve(kind, conditions=False) as served:
        for name, value in served.environment.items():
            monkeypatch.setenv(name, value)
        store = f"{served.bucket}/careless/store"
        words = ["backfill", "--source", str(tmp_path / "rows.parquet"), "--store", store]
        assert main(words) == 3
        said = capsys.readouterr().err
        assert "ignores that an object must not be replaced" in said
        assert "nothing was written" in said
        assert list(list_objects(served.bucket)) == []
        with pytest.raises(StoreRefusedError):
            migrate(store, create=True)


def test_switches_that_make_writes_unsafe_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve("s3") as served:
        for name, value in served.environment.items():
            monkeypatch.setenv(name, value)
        store = open_store(f"{served.bucket}/store")
        monkeypatch.setenv("AWS_S3_ALLOW_UNSAFE_RENAME", "true")
        with pytest.raises(StoreRefusedError, match="unset it"):
            store.replace(fsq.score(wide(4, 1)))
        monkeypatch.delenv("AWS_S3_ALLOW_UNSAFE_RENAME")
        monkeypatch.setenv("AWS_CONDITIONAL_PUT", "disabled")
        with pytest.raises(StoreRefusedError, match="does not support conditional writes"):
            store.replace(fsq.score(wide(4, 1)))


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("s3://key:secret@lake/store", "has credentials in it"),
        ("s3://key:se/secret@lake/store", "has credentials in it"),
        ("s3://key:secret/store", "has credentials in it"),
        ("az://lake/rows.parquet?sv=2024&sig=secret", "has credentials in it"),
        ("abfss://lake:secret@a.dfs.core.windows.net/store", "has credentials in it"),
        ("s3:///store", "names no bucket"),
        ("gs://lake/a//b", "empty part"),
        ("s3://lake/../b", "'..' in its path"),
        ("abfss://lake/store", "names no account"),
        ("az://lake/a%20b", "misread"),
        ("s3://lake?sig=secret/x", "has credentials in it"),
        ("ftp://lake/store", "ftp:// stores are not supported; use a folder or s3://"),
    ],
)
def test_uris_that_cannot_be_used(uri: str, said: str) -> None:
    with pytest.raises(FsqError) as error:
        open_store(uri)
    assert said in str(error.value)
    with pytest.raises(FsqError) as scanned:
        scan_source(uri)
    with pytest.raises(FsqError) as globbed:
        scan_source(f"{uri}*")
    for raised in (error, scanned, globbed):
        assert "secret" not in str(raised.value)


def test_one_place_has_one_name() -> None:
    names = {identify_table(u) for u in ("s3://lake/t", "s3a://lake/t/", "s3://lake/t//")}
    assert names == {"s3://lake/t"}
    assert identify_table("abfs://c@a.dfs.core.windows.net/t").startswith("abfss://")


def test_errors_say_what_to_do(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    scheme = lake.partition("://")[0]
    for command in (
        ["check", "--store"],
        ["trend", "--store"],
        ["backfill", "--store", "x", "--source"],
    ):
        assert main([*command, f"{scheme}://no-such-bucket/store"]) == 3
        said = capsys.readouterr().err
        assert "there is no such bucket; create it" in said
        assert "\x1b" not in said
    assert main(["check", "--store", f"{lake}/none"]) == 3
    assert "there is no store at" in capsys.readouterr().err


def test_missing_credentials_and_endpoints_are_named(
    object_stores: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [n for n in os.environ if n.startswith(("AWS_", "AZURE_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    assert main(["check", "--store", "az://lake/store"]) == 3
    said = capsys.readouterr().err
    assert "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY" in said
    options = ["aws_access_key_id=tester", "aws_secret_access_key=hush", "region=us-east-1"]
    words = [w for o in options for w in ("--storage-option", o)]
    endpoint = "--storage-option=endpoint_url=http://127.0.0.1:9"
    assert main(["check", "--store", "s3://lake/store", *words, endpoint]) == 3
    said = capsys.readouterr().err
    assert "set AWS_ALLOW_HTTP=true" in said
    assert "hush" not in said
    assert not any(n.startswith("AWS_") for n in os.environ)
    assert main(["check", "--store", "s3://lake/store", "--storage-option", "hush"]) == 2
    said = capsys.readouterr().err
    assert "NAME=VALUE" in said
    assert "hush" not in said


def test_options_on_the_command_line_are_enough(
    lake: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = servers()
    for name in options:
        monkeypatch.delenv(name)
    wide(10, 2).write_parquet(tmp_path / "rows.parquet")
    given = [
        w
        for name, value in options.items()
        for w in ("--storage-option", f"{name.lower()}={value}")
    ]
    words = ["backfill", "--source", str(tmp_path / "rows.parquet"), "--store", f"{lake}/store"]
    assert main([*given, *words]) == 0
    capsys.readouterr()
    assert main(["trend", "--store", f"{lake}/store", *given, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)
