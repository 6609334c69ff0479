from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.support.cli import Command, CommandResult
from tests.support.object_stores import KINDS, ObjectStores, find_missing, serve

# They need Google's analyzer, which may not be installed, and have no doctests.
collect_ignore = ["support/zetasql_catalog.py", "support/zetasql_values.py"]

slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("dev", deadline=None, max_examples=60, suppress_health_check=slow)
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True)
# Whether a test fails counts, not its smallest example.
unshrunk = [Phase.explicit, Phase.generate]
settings.register_profile("mutation", settings.get_profile("ci"), phases=unshrunk)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Command:
    from fsq.cli import main

    def call(*words: object) -> CommandResult:
        return CommandResult(main([str(w) for w in words]), *capsys.readouterr())

    return call


def started(command: list[str]) -> tuple[subprocess.Popen[str], dict[str, str]]:
    """A running emulator, and the environment that it printed."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(2)]
    if not all(line.startswith("export ") for line in lines):
        stopped(process)
        raise AssertionError(lines)
    return process, dict(s.removeprefix("export ").strip().split("=", 1) for s in lines)


def stopped(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdout is not None
    process.stdout.close()


def command(*words: str) -> list[str]:
    fsq = Path(sys.executable).with_name("fsq")
    return [str(fsq), "emulator", "--rest-port", "0", "--grpc-port", "0", *words]


UNMENDED = (
    "from fsq.emulator import serve\n"
    "def ready(rest, grpc):\n"
    "    print(f'export BIGQUERY_EMULATOR_HOST={rest}', flush=True)\n"
    "    print(f'export BIGQUERY_STORAGE_EMULATOR_HOST={grpc}', flush=True)\n"
    "serve(ready=ready, patches=())"
)


@pytest.fixture(scope="session")
def unmended() -> Iterator[dict[str, str]]:
    """The emulator as it comes: without patches, and without the rules of the real service."""
    process, environment = started([sys.executable, "-c", UNMENDED])
    yield environment
    stopped(process)


@pytest.fixture(scope="session")
def emulator() -> Iterator[dict[str, str]]:
    """One emulator for each worker of the session, on free ports."""
    process, environment = started(command())
    yield environment
    stopped(process)


@pytest.fixture(scope="session")
def object_stores() -> Iterator[Callable[[str], ObjectStores]]:
    """Starts each kind of object store when it is first asked for; skips what cannot run here."""
    with ExitStack() as running:
        served: dict[str, ObjectStores] = {}

        def serve_once(kind: str) -> ObjectStores:
            if missing := find_missing(kind):
                pytest.skip(missing)
            if kind not in served:
                served[kind] = running.enter_context(serve(kind))
            return served[kind]

        yield serve_once


@pytest.fixture(params=KINDS)
def lake(
    request: pytest.FixtureRequest,
    object_stores: Callable[[str], ObjectStores],
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """A new place in a bucket of each kind of object store, whose clients find it."""
    served = object_stores(request.param)
    for name, value in served.environment.items():
        monkeypatch.setenv(name, value)
    return f"{served.bucket}/{uuid.uuid4().hex[:12]}"


@pytest.fixture
def dataset(emulator: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A new dataset, as ``project.dataset``; fsq and Google's clients find the emulator."""
    from fsq.stores.bigquery.client import open_clients

    for name, value in emulator.items():
        monkeypatch.setenv(name, value)
    name = f"p.d{uuid.uuid4().hex[:12]}"
    with open_clients("p") as clients:
        clients.tables.create_dataset(name)
    return name
