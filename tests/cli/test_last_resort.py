"""Whatever happens: an exit status that says what failed, a short message, and valid JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fsq
from fsq.cli._streams import fit_encoding
from fsq.errors import InputError
from fsq.utils.documents import encode_json
from tests.support.cli import Command
from tests.support.frames import wide


class Panic(BaseException):
    """Like a panic of Polars, which is no Exception."""


BUGS: list[BaseException] = [
    ValueError("x" * 200_000),
    KeyError("opponent_pace"),
    TypeError("unsupported format string passed to NoneType.__format__"),
    ZeroDivisionError(),
    RecursionError("maximum recursion depth exceeded"),
    MemoryError(),
    AssertionError("line 1\n" * 400),
    UnicodeDecodeError("utf-8", b"\xff" * 9_000, 0, 1, "invalid start byte"),
    pl.exceptions.ComputeError("a column\n\nResolved plan until failure:\n" + "DF\n" * 80),
    Panic("called `Option::unwrap()` on a `None` value"),
    GeneratorExit(),
    SystemExit(1),
]


@pytest.mark.parametrize("error", BUGS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("how", [[], ["--json"], ["-v"]])
def test_a_bug_exits_70_and_says_where_the_details_are(
    run: Command, monkeypatch: pytest.MonkeyPatch, error: BaseException, how: list[str]
) -> None:
    def fail(name: str) -> None:
        raise error

    monkeypatch.setattr("fsq.contract.load_contract", fail)
    told = run("contract", "show", "v2_33features", *how)
    assert told.status == 70
    assert type(error).__name__ in told.err
    assert ("Traceback" in told.err) == ("-v" in how)
    if "-v" not in how:
        assert "-v" in told.err
        assert len(told.err.splitlines()) == 2
        assert len(told.err) < 1_500
    if "--json" in how:
        assert told.document["error"]["exit_status"] == 70
    else:
        assert told.out == ""


@pytest.mark.parametrize("error", [BrokenPipeError(32, "Broken pipe"), ConnectionResetError()])
def test_a_broken_connection_is_neither_a_bug_nor_a_finding(
    run: Command, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def fail(name: str) -> None:
        raise error

    monkeypatch.setattr("fsq.contract.load_contract", fail)
    assert run("contract", "show", "v2_33features").status == 3


@pytest.mark.parametrize("verbose", [False, True])
def test_an_error_with_many_problems_is_short(
    run: Command, monkeypatch: pytest.MonkeyPatch, verbose: bool
) -> None:
    problems = [f"column c{i}: " + "y" * (10 if i else 140_000) for i in range(300)]

    def fail(name: str) -> None:
        raise InputError(problems)

    monkeypatch.setattr("fsq.contract.load_contract", fail)
    told = run("contract", "show", "v2_33features", "--json", *(["-v"] if verbose else []))
    assert told.status == 2
    assert told.document["error"]["problems"] == problems
    if verbose:
        assert "c299" in told.err
    else:
        assert len(told.err.splitlines()) < 20
        assert len(told.err) < 3_000
        assert "more lines; -v shows all" in told.err


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]))
    | st.dates()
    | st.sampled_from([Path("x"), float("inf"), float("nan")]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.dates(), inner) | st.tuples(),
)


def _refuse(constant: str) -> None:
    raise AssertionError(constant)


@given(json_values)
def test_every_document_is_valid_json(value: Any) -> None:
    text = encode_json({"value": value})
    json.loads(text, parse_constant=_refuse)
    assert "\\ud8" not in text.lower() or json.loads(text)["value"] is not None
    json.dumps(json.loads(text), ensure_ascii=False).encode()  # no half of a surrogate pair


HUGE = {
    "the largest": [1.797e308],
    "the smallest": [-1.797e308],
    "both": [1.797e308, -1.797e308],
    "some": [1e200, 1.0],
    "tiny": [5e-324],
    "infinite": [float("inf")],
    "not a number": [float("nan"), 1.0],
}


@pytest.mark.parametrize("name", HUGE)
@pytest.mark.parametrize("where", ["last date", "history"])
def test_extreme_values_are_findings_and_their_json_is_valid(
    run: Command, tmp_path: Path, name: str, where: str
) -> None:
    rows = wide(600, 6)
    last = pl.col("game_date") == rows["game_date"].max()
    values = pl.Series(HUGE[name] * rows.height).head(rows.height).alias("#")
    chosen = last if where == "last date" else ~last
    rows = rows.with_columns(values).with_columns(
        pl.when(chosen).then("#").otherwise(c).alias(c) for c in ("team_pace", "points_avg_last_5")
    )
    store = str(tmp_path / "store")
    fsq.open_store(store).replace(fsq.score(rows.drop("#")))
    day = str(rows["game_date"].max() if where == "last date" else rows["game_date"].min())
    told = run("check", "--store", store, "--date", day, "--json")
    document = json.loads(told.out, parse_constant=_refuse)
    assert told.status == 1
    named = {f for finding in document["findings"] for f in finding["features"]}
    assert named & {"team_pace", "points_avg_last_5"}


@given(st.text(), st.sampled_from(["cp1252", "ascii", "utf-16", "cp437", "latin-1", "shift_jis"]))
def test_any_text_fits_any_terminal(text: str, encoding: str) -> None:
    fitted = fit_encoding(text, encoding)
    fitted.encode(encoding)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        assert fitted != text
    else:
        assert fitted == text


def _fsq(*words: object, **how: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "fsq", *map(str, words)]
    how = {"stderr": subprocess.PIPE} | how
    return cast("subprocess.CompletedProcess[bytes]", subprocess.run(command, check=False, **how))


@pytest.mark.parametrize(
    ("command", "encoding"),
    [("check", "cp1252"), ("check", "utf-16"), ("trend", "ascii"), ("trend", "cp437")],
)
def test_the_terminal_may_lack_what_is_drawn(short_store: str, command: str, encoding: str) -> None:
    env = os.environ | {"PYTHONIOENCODING": encoding}
    done = _fsq(command, "--store", short_store, env=env, stdout=subprocess.PIPE)
    assert done.stderr.decode(encoding) == ""
    assert done.returncode == 0 if command == "trend" else done.returncode in (0, 1)
    told = done.stdout.decode(encoding)
    assert "matchup" in told
    assert ("█" in told) == (encoding == "utf-16") or encoding == "cp437"


OUTPUTS = [
    ["check", "--store", "STORE"],
    ["check", "--store", "STORE", "--json"],
    ["contract", "show", "v2_33features", "--toml"],
    ["sql"],
    ["--help"],
]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", OUTPUTS, ids=" ".join)
def test_a_full_disk_under_stdout_exits_3(short_store: str, words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = _fsq(*(w.replace("STORE", short_store) for w in words), stdout=full)
    assert done.returncode == 3
    assert b"stdout cannot be written" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.parametrize("words", OUTPUTS, ids=" ".join)
def test_a_reader_that_left_gives_141_in_silence(short_store: str, words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = _fsq(*(w.replace("STORE", short_store) for w in words), stdout=writer)
    finally:
        os.close(writer)
    assert done.returncode == 141
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    assert b"Error" not in done.stderr


@pytest.mark.parametrize(
    ("shell", "status"),
    [
        ("{fsq} contract show v2_33features >&-", 0),
        ("{fsq} contract show v2_33features 2>&- >/dev/null", 0),
        ("{fsq} contract show nothing 2>&-", 2),
        ("{fsq} contract show nothing 2>/dev/full", 2),
        ("{fsq} contract show nothing >/dev/full", 2),
    ],
)
def test_a_closed_stream_does_not_change_the_status(shell: str, status: int) -> None:
    command = shell.format(fsq=f"{sys.executable} -m fsq")
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert done.returncode == status
    assert b"Traceback" not in done.stderr


def test_words_that_the_system_cannot_decode_are_refused(run: Command) -> None:
    told = run("explain", "Don\udcc4\udc8d", "2026-02-06", "--store", "st", "--json")
    assert told.status == 2
    assert "PYTHONUTF8=1" in told.err
    assert told.document["error"]["type"] == "UsageError"


@pytest.mark.parametrize("words", [["-h"], ["check", "-h"], ["contract", "show", "-h"]])
def test_short_help(run: Command, words: list[str]) -> None:
    told = run(*words)
    assert (told.status, told.err) == (0, "")
    assert told.out == run(*words[:-1], "--help").out


def test_verbose_tells_more_wherever_it_stands(run: Command, tmp_path: Path) -> None:
    rows = tmp_path / "rows.parquet"
    wide().write_parquet(rows)
    words = ["score", rows, "--out", tmp_path / "o.parquet"]
    assert run("-v", *words).status == run(*words, "-v").status == run(*words).status == 0
