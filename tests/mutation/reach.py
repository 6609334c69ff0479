"""Which tests run which lines: a pytest plugin that notes it, and what is read from its notes.

``python -m pytest -p tests.mutation.reach --reach FILE --reach-of fsq/profile tests/profile``
"""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Reach:
    """What the tests of a group run: seconds per test, and tests per file and line."""

    seconds: dict[str, float]
    lines: dict[str, dict[str, list[str]]]

    @classmethod
    def load(cls, path: Path) -> Reach:
        """Read what the plugin wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def list_tests(self, file: str, line: int, source: str, most: float) -> list[str]:
        """Tests that may notice a change of a line, fast ones first, of ``most`` seconds in all.

        First those that run the line, then others that run the file: what one test has computed
        may be kept for the next. A line outside of functions is run once, at import, whichever
        test comes first; so all tests of the file may notice.
        """
        of_file = self.lines.get(file, {})
        inside = _is_inside_function(source, line)
        near = set(of_file.get(str(line), ())) if inside else set()
        every = {test for tests in of_file.values() for test in tests}
        chosen: list[str] = []
        left = most
        for test in sorted(every, key=lambda t: (t not in near, self.seconds.get(t, 0.0))):
            left -= self.seconds.get(test, 0.0)
            if left < 0 and chosen:
                break
            chosen.append(test)
        return chosen


def _is_inside_function(source: str, line: int) -> bool:
    functions = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef))
    return any(f.body[0].lineno <= line <= (f.end_lineno or 0) for f in functions)


class _Notes:
    """Follows a run of pytest and writes what each test ran."""

    def __init__(self, out: Path, places: list[str]) -> None:
        import coverage  # of the extra ``dev``; tests of this file do without

        self.out = out
        self.seconds: defaultdict[str, float] = defaultdict(float)
        include = [p if p.endswith(".py") else f"{p}/*" for p in places]
        self.coverage = coverage.Coverage(data_file=None, include=include, messages=False)
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.coverage.switch_context(item.nodeid)
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration

    def pytest_unconfigure(self) -> None:
        self.coverage.stop()
        data = self.coverage.get_data()
        here = Path.cwd()
        lines = {
            Path(file).relative_to(here).as_posix(): {
                line: [c for c in contexts if c]
                for line, contexts in sorted(data.contexts_by_lineno(file).items())
            }
            for file in data.measured_files()
        }
        self.out.write_text(json.dumps({"seconds": self.seconds, "lines": lines}), encoding="utf-8")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where to note what, of which packages."""
    parser.addoption("--reach", type=Path)
    parser.addoption("--reach-of", action="append")


def pytest_configure(config: pytest.Config) -> None:
    """Follow this run."""
    notes = _Notes(config.getoption("--reach"), config.getoption("--reach-of"))
    config.pluginmanager.register(notes)
