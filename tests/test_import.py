"""What is loaded before it is needed: measured by modules, which no load on the machine changes."""

from __future__ import annotations

import importlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import fsq
from fsq.cli._commands import COMMANDS
from fsq.utils.late import run_after_import
from tests.support.frames import wide

ALL = ("polars", "numpy", "pyarrow", "pydantic", "deltalake", "google.cloud", "grpc", "altair",
       "jinja2", "rich", "rich.console", "typer", "pandas", "pyspark", "duckdb", "apprise", "ssl",
       "httpx", "tenacity", "fsq.backfilling", "fsq.intake.columnar",
       "fsq.stores.bigquery.client")  # fmt: skip
# Typer reads the values of options with pydantic.
TYPED = {"typer", "pydantic"}
LISTED = f"""
import json, sys
print(json.dumps([m for m in {ALL} if m in sys.modules]), file=sys.stderr)
"""


def list_loaded(code: str, **environment: str) -> set[str]:
    """The heavy modules that a fresh process has loaded after running code."""
    done = subprocess.run(
        [sys.executable, "-c", code + LISTED],
        capture_output=True,
        check=True,
        text=True,
        env=os.environ | environment,
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_import_loads_nothing_heavy() -> None:
    assert list_loaded("import fsq") == set()


@pytest.mark.parametrize("order", ["import fsq, polars", "import polars, fsq"])
def test_polars_frames_get_their_methods_in_either_order(order: str) -> None:
    code = f"{order}\nassert polars.DataFrame().fsq and polars.LazyFrame().fsq"
    assert list_loaded(code) == {"polars"}


def test_polars_may_be_missing_at_first() -> None:
    code = """
import sys, fsq
sys.modules["polars"] = None
try:
    import polars
except ImportError:
    del sys.modules["polars"]
import polars
assert polars.DataFrame().fsq
assert not any("fsq" in type(finder).__module__ for finder in sys.meta_path)
"""
    assert list_loaded(code) == {"polars"}


def test_an_action_waits_until_the_import_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, done = "fsq_test_late_module", list[str]()
    (tmp_path / f"{name}.py").write_text("import os\nx = 1 / int(os.environ['FSQ_LATE'])\n")
    monkeypatch.syspath_prepend(tmp_path)
    run_after_import(name, lambda: done.append(sys.modules[name].__name__))
    monkeypatch.setenv("FSQ_LATE", "0")
    with pytest.raises(ZeroDivisionError):
        importlib.import_module(name)
    assert done == []
    monkeypatch.setenv("FSQ_LATE", "1")
    importlib.import_module(name)
    del sys.modules[name]
    importlib.import_module(name)
    assert done == [name]


def test_names_and_errors_need_nothing_heavy() -> None:
    code = "import fsq; dir(fsq); fsq.InputError; fsq.StoreError; fsq.__version__"
    assert list_loaded(code) == set()


def test_a_contract_needs_no_arrow() -> None:
    assert list_loaded("import fsq.contract") == {"pydantic", "polars"}


def run_cli(*words: str) -> str:
    return f"from fsq.cli import main\nassert main({[*words]}) in (0, 1)"


def test_version_needs_typer_alone() -> None:
    assert list_loaded(run_cli("--version")) == {"typer"}


@pytest.mark.parametrize("words", [[], *([c] for c in COMMANDS), ["contract", "init"],
                                   ["schema", "migrate"], ["profile", "learn"]])  # fmt: skip
def test_help_needs_typer_alone(words: list[str]) -> None:
    assert list_loaded(run_cli(*words, "-h")) <= TYPED


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("fsq che", "check"), ("fsq check --sto", "--store"), ("fsq schema mig", "migrate")],
)
def test_completion_needs_typer_alone(typed: str, offered: str) -> None:
    code = f"""
import contextlib, io
from fsq.cli import main
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
    main([])
assert {offered!r} in out.getvalue(), out.getvalue()
"""
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    assert list_loaded(code, _FSQ_COMPLETE="complete_bash", **words) <= TYPED


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    uri = str(tmp_path_factory.mktemp("few") / "store")
    fsq.open_store(uri).replace(fsq.score(wide(20, 2)))
    return uri


@pytest.mark.parametrize(
    "words", [["check"], ["trend"], ["explain", "player0", "2026-01-02"], ["check", "--json"]]
)
def test_a_store_is_read_with_what_that_needs(store: str, words: list[str]) -> None:
    loaded = list_loaded(run_cli(*words, "--store", store))
    assert {"polars", "pyarrow", "pydantic", "deltalake"} <= loaded
    assert not loaded & {"google.cloud", "grpc", "altair", "jinja2", "pandas", "pyspark", "duckdb"}
    assert not loaded & {"fsq.backfilling", "fsq.intake.columnar"}  # they read sources
    assert "fsq.stores.bigquery.client" not in loaded
    assert "rich.console" not in loaded  # nothing to colour in a pipe


def test_a_process_does_not_look_for_garbage_as_it_ends() -> None:
    code = """
import gc, sys
from fsq.cli import main
sys.argv = ["fsq", "contract", "diff", "v2_33features", "v2_33features"]
main(sys.argv[1:])  # as part of a longer process
assert gc.get_freeze_count() == 0
assert main() == 0
assert gc.get_freeze_count() > 10_000
"""
    list_loaded(code)


def test_garbage_is_hardly_looked_for_while_a_command_runs(store: str) -> None:
    code = f"""
import gc, sys
from fsq.cli import main
looked = []
gc.callbacks.append(lambda phase, _: looked.append(phase))
sys.argv = ["fsq", "check", "--store", {store!r}]
assert main() in (0, 1)
assert len(looked) <= 2 * 3, looked  # each time it starts and stops
"""
    assert "typer" in list_loaded(code)


def test_every_public_name_is_there_and_listed() -> None:
    assert set(fsq.__all__) <= set(dir(fsq))
    assert all(getattr(fsq, name) is getattr(fsq, name) for name in fsq.__all__)
    functions = [v for n in fsq.__all__ if callable(v := getattr(fsq, n))]
    assert [pickle.loads(pickle.dumps(f)) for f in functions] == functions


def test_a_package_is_found_without_an_import_of_its_own() -> None:
    code = "import fsq\nassert fsq.contract.load_contract"
    assert "google.cloud" not in list_loaded(code)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'scorr'"):
        getattr(fsq, "scorr")  # noqa: B009 - mypy knows that it is not there
