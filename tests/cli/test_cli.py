"""What a person or a script sees of fsq: status, stdout, stderr and files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fsq
from fsq.cli import main
from fsq.cli._output import PIPE_WIDTH, clean
from fsq.schema.arrow import ARROW_SCHEMA
from fsq.schema.columns import COLUMN_NAMES
from tests.support.frames import NAMES, legacy, wide

COMMANDS = ["score", "backfill", "check", "explain", "trend", "report", "demo", "emulator",
            "sql", "contract", "contract show",
            "contract check", "contract diff"]  # fmt: skip


@dataclass
class Run:
    """One finished command."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document


Command = Callable[..., Run]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Command:
    def call(*words: object) -> Run:
        status = main([str(w) for w in words])
        return Run(status, *capsys.readouterr())

    return call


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    wide().write_parquet(path)
    return path


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_help(run: Command, command: str) -> None:
    told = run(*command.split(), "--help")
    assert told.status == 0
    assert told.err == ""
    assert "Usage: fsq" in told.out
    described = told.out.split("\n\n")[1].strip()
    assert described
    assert not described.startswith("Options")
    assert all(len(line) <= PIPE_WIDTH for line in told.out.splitlines())


def test_version(run: Command) -> None:
    assert run("--version").out == f"fsq {fsq.__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["score"],
        ["score", "in.parquet"],
        ["contract"],
        ["score", "in.parquet", "--out", "out.parquet", "--as-of", "noon"],
        ["score", "in.parquet", "--out", "out.parquet", "--on-unknown-source", "ignore"],
        ["backfill", "--source", "s", "--store", "d", "--start", "6.2.2026"],
        ["backfill", "--source", "s", "--store", "d", "--last", "7d", "--season", "2025-26"],
        ["backfill", "--source", "s", "--store", "d", "--last", "week"],
        ["backfill", "--source", "s", "--store", "d", "--season", "2025-27"],
        [
            "backfill",
            "--source",
            "s",
            "--store",
            "d",
            "--start",
            "2026-02-02",
            "--end",
            "2026-02-01",
        ],
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_wrong_usage_exits_2(run: Command, words: list[str], as_json: bool) -> None:
    told = run(*words, *(["--json"] if as_json else []))
    assert told.status == 2
    assert told.err.startswith("Error: ")
    assert "Hint: " in told.err
    assert ("error" in told.document) if as_json else (told.out == "")


FAULTS: dict[str, tuple[Callable[[], pl.DataFrame], list[str]]] = {
    "missing columns": (
        lambda: wide().drop("pace_score", "home_away__source"),
        ["pace_score", "home_away__source"],
    ),
    "wrong type": (
        lambda: wide().with_columns(pace_score=pl.lit("fast"), game_date=pl.lit(7)),
        ["pace_score", "game_date"],
    ),
    "unknown words": (
        lambda: wide().with_columns(pace_score__source=pl.lit("phase9")),
        ["'phase9' (40)"],
    ),
    "duplicate keys": (lambda: pl.concat([wide(), wide().head(1)]), ["duplicate", "player0"]),
    "NULL key": (
        lambda: wide().with_columns(player_lookup=pl.lit(None, pl.String)),
        ["player_lookup: NULL in 40 rows"],
    ),
    "legacy rows without a name": (
        lambda: legacy(wide(), [*NAMES[:25]]),
        ["vegas_points_line", "ppm_avg_last_10"],
    ),
    "several at once": (
        lambda: pl.concat([wide(), wide().head(1)]).with_columns(
            pace_score__source=pl.lit("phase9")
        ),
        ["duplicate", "phase9"],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("into", ["out.parquet", "store"])
@pytest.mark.parametrize("as_json", [False, True])
def test_bad_rows_are_refused_before_any_work(
    run: Command, tmp_path: Path, fault: str, into: str, as_json: bool
) -> None:
    make, wanted = FAULTS[fault]
    make().write_parquet(tmp_path / "in.parquet")
    told = run(
        "score", tmp_path / "in.parquet", "--out", tmp_path / into, *(["--json"] if as_json else [])
    )
    assert told.status == 2
    assert told.err.count("Error: ") == 1
    assert "Traceback" not in told.err
    assert [w for w in wanted if w not in told.err] == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.parquet"]
    if as_json:
        problems = told.document["error"]["problems"]
        assert [w for w in wanted if w not in " ".join(problems)] == []
    else:
        assert told.out == ""


def test_bad_rows_leave_the_former_output(run: Command, tmp_path: Path) -> None:
    wide().drop("pace_score").write_parquet(tmp_path / "in.parquet")
    (tmp_path / "out.parquet").write_text("former")
    assert run("score", tmp_path / "in.parquet", "--out", tmp_path / "out.parquet").status == 2
    assert (tmp_path / "out.parquet").read_text() == "former"


@pytest.mark.parametrize("command", ["score", "backfill"])
def test_a_source_that_is_not_there(run: Command, tmp_path: Path, command: str) -> None:
    absent, target = tmp_path / "absent.parquet", tmp_path / "out"
    words = {
        "score": ("score", absent, "--out", f"{target}.parquet"),
        "backfill": ("backfill", "--source", absent, "--store", target),
    }
    told = run(*words[command])
    assert (told.status, told.out) == (2, "")
    assert "absent.parquet" in told.err
    assert list(tmp_path.iterdir()) == []


def test_score_writes_plain_arrow_types(run: Command, rows: Path, tmp_path: Path) -> None:
    told = run("score", rows, "--out", tmp_path / "new" / "out.parquet")
    assert told.status == 0
    assert told.err == ""
    assert "40 rows of 4 dates" in told.out
    written = pq.read_table(tmp_path / "new" / "out.parquet")
    quality = pa.schema([written.schema.field(n) for n in COLUMN_NAMES])
    assert quality.equals(ARROW_SCHEMA)
    drop = ["quality_computed_at"]
    want = fsq.score(wide()).drop(drop)
    assert pl.read_parquet(tmp_path / "new" / "out.parquet").drop(drop).equals(want)
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["out.parquet"]


def test_score_without_rows_writes_columns(run: Command, tmp_path: Path) -> None:
    wide().clear().write_parquet(tmp_path / "in.parquet")
    assert run("score", tmp_path / "in.parquet", "--out", tmp_path / "o.parquet").status == 0
    assert pl.read_parquet(tmp_path / "o.parquet").shape == (0, 3 + len(COLUMN_NAMES))


def test_score_into_a_store_and_on_from_it(run: Command, rows: Path, tmp_path: Path) -> None:
    assert run("score", rows, "--out", tmp_path / "store").status == 0
    again = run("score", tmp_path / "store", "--out", tmp_path / "o.parquet", "--json")
    assert again.status == 0
    assert again.document["rows"] == 40


def test_score_takes_the_options_of_the_library(run: Command, rows: Path, tmp_path: Path) -> None:
    context = {"pipeline_run_id": "run-7", "by_date": {"2026-01-02": {"pipeline_run_id": "run-8"}}}
    (tmp_path / "run.json").write_text(json.dumps(context))
    told = run(
        "score",
        rows,
        "--out",
        tmp_path / "o.parquet",
        "--contract",
        "v2_33features_capped",
        "--run-context",
        tmp_path / "run.json",
        "--as-of",
        "2026-01-05T00:00:00Z",
    )
    assert told.status == 0
    ids = (
        pl.read_parquet(tmp_path / "o.parquet")
        .group_by("game_date")
        .agg(
            pl.col("upstream_pipeline_run_id").unique().first(),
            pl.col("feature_schema_version").first(),
        )
    )
    found = {day: (run_id, version) for day, run_id, version in ids.iter_rows()}
    assert found[date(2026, 1, 1)] == ("run-7", "v2_33features_capped")
    assert found[date(2026, 1, 2)] == ("run-8", "v2_33features_capped")


@pytest.mark.parametrize("command", ["score", "backfill"])
def test_damaged_pages_are_bad_input(run: Command, tmp_path: Path, command: str) -> None:
    path, target = tmp_path / "rows.parquet", tmp_path / "store"
    wide(400).write_parquet(path)
    content = bytearray(path.read_bytes())
    for at in range(200, len(content) // 2, 50):  # pages, not the footer
        content[at] ^= 0xFF
    path.write_bytes(content)
    words = [path, "--out"] if command == "score" else ["--source", path, "--store"]
    told = run(command, *words, target)
    assert told.status == 2
    assert str(path) in told.err
    assert "Traceback" not in told.err
    assert not target.exists()


@pytest.mark.parametrize("command", ["score", "backfill"])
def test_a_folder_of_two_schemas_is_bad_input(run: Command, tmp_path: Path, command: str) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    rows = wide()
    rows.head(20).write_parquet(folder / "a.parquet")
    rows.tail(20).drop(NAMES[0]).write_parquet(folder / "b.parquet")
    words = [folder, "--out"] if command == "score" else ["--source", folder, "--store"]
    told = run(command, *words, tmp_path / "store")
    assert told.status == 2
    assert NAMES[0] in told.err
    assert not (tmp_path / "store").exists()


def test_unknown_words_may_count_as_defaults(run: Command, tmp_path: Path) -> None:
    make, _ = FAULTS["unknown words"]
    make().write_parquet(tmp_path / "in.parquet")
    told = run(
        "score",
        tmp_path / "in.parquet",
        "--out",
        tmp_path / "o.parquet",
        "--on-unknown-source",
        "default",
        "--json",
    )
    assert told.status == 0
    assert told.document["unknown_sources"] == {"phase9": 40}
    assert told.err.count("phase9") == 1


def test_a_bad_run_context(run: Command, rows: Path, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"run": 7}')
    told = run(
        "score", rows, "--out", tmp_path / "o.parquet", "--run-context", tmp_path / "run.json"
    )
    assert told.status == 2
    assert not (tmp_path / "o.parquet").exists()


def test_an_output_that_cannot_be_written(run: Command, rows: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = run("score", rows, "--out", tmp_path / "file" / "o.parquet")
    assert told.status == 3
    assert told.err.startswith("Error: ")


def test_backfill_goes_on_where_it_was(run: Command, rows: Path, tmp_path: Path) -> None:
    words = ("backfill", "--source", rows, "--store", tmp_path / "store", "--json")
    plan = run(*words, "--dry-run").document
    assert [s["reason"] for s in plan["plan"]] == ["new"] * 4
    assert not (tmp_path / "store").exists()
    first = run(*words, "--start", "2026-01-02", "--end", "2026-01-03").document
    assert (first["dates"], first["rows"]) == (2, 20)
    second = run(*words, "--season", "2025-26").document
    assert (second["dates"], second["skipped"]) == (2, 2)
    assert sum(second["tiers"].values()) == 20
    assert run(*words).document["dates"] == 0
    assert run(*words, "--force").document["dates"] == 4
    assert fsq.open_store(str(tmp_path / "store")).read().collect().height == 40


def test_backfill_for_people(run: Command, rows: Path, tmp_path: Path) -> None:
    words = ("backfill", "--source", rows, "--store", tmp_path / "store")
    planned = run(*words, "--dry-run")
    assert "2026-01-01" in planned.out
    assert "4 dates with 40 rows to score; nothing was written" in planned.out
    done = run(*words)
    assert "40 rows of 4 dates" in done.out
    assert "critical" in done.out
    assert done.err == ""


def test_a_store_that_is_none(run: Command, rows: Path, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "letter.txt").write_text("dear")
    told = run("backfill", "--source", rows, "--store", tmp_path / "store", "--json")
    assert told.status == 3
    assert told.document["error"]["type"] == "StoreError"


def test_contract_show(run: Command) -> None:
    told = run("contract", "show", "v3_37features")
    assert "star_teammate_out" in told.out
    assert all(len(line) <= PIPE_WIDTH for line in told.out.splitlines())
    shown = run("contract", "show", "--json").document
    assert [f["name"] for f in shown["features"]] == list(NAMES)


def test_contract_check(run: Command, tmp_path: Path) -> None:
    assert run("contract", "check", "v2_33features").status == 0
    mine = tmp_path / "mine.toml"
    mine.write_text('extends = "v2_33features"\n[tiers]\ngold_above = 101\nsilver_from = "x"\n')
    told = run("contract", "check", mine, "--json")
    assert told.status == 2
    assert any("gold_above" in p for p in told.document["error"]["problems"])
    assert any("silver_from" in p for p in told.document["error"]["problems"])


def test_contract_diff(run: Command) -> None:
    told = run("contract", "diff", "v2_33features", "v2_33features_capped", "--json")
    assert told.status == 0
    places = {d["place"] for d in told.document["differences"]}
    assert places == {"name", "score_caps.0", "score_caps.1"}
    grown = run("contract", "diff", "v2_33features", "v3_37features", "--json").document
    assert {"place", "a", "b"} == set(grown["differences"][0])
    new = next(d for d in grown["differences"] if d["place"] == "features.star_teammate_out")
    assert (new["a"], new["b"]["index"]) == (None, 33)
    same = run("contract", "diff", "v2_33features", "v2_33features")
    assert (same.status, same.out) == (0, "0 differences\n")


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("a\x1b[31mred\x1b[0m", "ared"),
        ("\x1b]0;title\x07x", "x"),
        ("bell\x07\x9b", "bell"),
        ("\u202eright", "right"),
        ("Dončić\tline\n", "Dončić\tline\n"),
    ],
)
def test_data_cannot_drive_the_terminal(text: str, want: str) -> None:
    assert clean(text) == want


def test_control_characters_in_the_input_are_not_printed(run: Command, tmp_path: Path) -> None:
    rows = wide().with_columns(player_lookup=pl.lit("\x1b[31mjames\x07"))
    rows.write_parquet(tmp_path / "in.parquet")
    told = run("score", tmp_path / "in.parquet", "--out", tmp_path / "o.parquet")
    assert told.status == 2
    assert "james" in told.err
    assert "\x1b" not in told.err
    assert "\x07" not in told.err


def test_the_process_itself(rows: Path, tmp_path: Path) -> None:
    """Status, one document and no colours, through the real entry point into pipes."""
    code = "import sys; from fsq.cli import main; sys.exit(main())"
    words = [sys.executable, "-c", code, "score", str(rows), "--out"]
    env = os.environ | {"FORCE_COLOR": "1", "COLUMNS": "200"}
    good = subprocess.run(
        [*words, str(tmp_path / "o.parquet"), "--json"],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["rows"] == 40
    assert "\x1b" not in good.stdout + good.stderr
    bad = subprocess.run(
        [*words, str(tmp_path / "p.parquet"), "--contract", "none"],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )
    assert (bad.returncode, bad.stdout) == (2, "")
    assert "Traceback" not in bad.stderr


def test_demo(run: Command, tmp_path: Path) -> None:
    made = run("demo", tmp_path / "demo", "--seed", "3", "--json").document
    assert Path(made["rows_path"]).name == "season_2025-26.parquet"
    assert pl.scan_parquet(made["rows_path"]).select(pl.len()).collect().item() == made["rows"]
    assert Path(made["incidents_path"]).exists()
    assert run("demo", tmp_path, "--season", "2025-27").status == 2
