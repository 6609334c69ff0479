"""The result of a check for other tools: GitHub, JUnit, Prometheus, OpenLineage."""

from __future__ import annotations

from collections.abc import Callable

from fsq.checking.formats.github import render_github
from fsq.checking.formats.junit import render_junit
from fsq.checking.formats.openlineage import render_openlineage
from fsq.checking.formats.prometheus import render_prometheus
from fsq.checking.result import FailOn, StoreCheck
from fsq.diagnosis.rendering import render_markdown

# Each renders a whole document, which ends with a newline.
RENDERERS: dict[str, Callable[[StoreCheck, FailOn], str]] = {
    "markdown": lambda done, _: render_markdown(done.dx.summary),
    "github": render_github,
    "junit": render_junit,
    "prometheus": render_prometheus,
    "openlineage": render_openlineage,
}
