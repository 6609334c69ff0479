"""Every colour of reports, pictures and notebooks, stated once."""

from __future__ import annotations

from collections.abc import Sequence

# Distinct to colour-blind readers; charts add dashes where lines overlap.
LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b")
MORE_LINES = ("#56b4e9", "#8c564b", "#7e57c2", "#7f7f7f", "#e377c2")  # where there are more
ACCENT = LINES[0]
INK = "#1b1f24"

TIERS = {
    "gold": "#b8860b",
    "silver": "#8a94a6",
    "bronze": "#b5651d",
    "poor": "#cc4778",
    "critical": "#7e03a8",
}
ALERTS = {"green": "#2e8b57", "yellow": "#e6a817", "red": "#c0392b"}
# Kinds of source, best first; the last colour is that of defaults alone.
_SOURCES = ("#0072b2", "#56b4e9", "#009e73", "#cc79a7", "#b8860b", "#7e57c2", "#7f7f7f")
_DEFAULT = "#d55e00"

# Text on white, and on the dark page: a contrast of at least 4.5 to 1.
VERDICT_TEXT = {
    "red": "#b3261e",
    "yellow": "#8a5a00",
    "green": "#1a6b3c",
    "unknown": "#57606a",
    "info": "#0b5cad",
}
VERDICT_TEXT_DARK = {
    "red": "#ff8a80",
    "yellow": "#f2c14e",
    "green": "#6fd08c",
    "unknown": "#aab2bd",
    "info": "#7db8ff",
}
LIGHT_THEME = {
    "back": "#ffffff",
    "panel": "#f6f7f9",
    "ink": INK,
    "soft": "#57606a",
    "line": "#d0d7de",
    "link": VERDICT_TEXT["info"],
} | VERDICT_TEXT
DARK_THEME = {
    "back": "#14171b",
    "panel": "#1d2228",
    "ink": "#e8ebef",
    "soft": "#aab2bd",
    "line": "#3a424c",
    "link": VERDICT_TEXT_DARK["info"],
} | VERDICT_TEXT_DARK


def colour_sources(names: Sequence[str]) -> dict[str, str]:
    """The colour of each kind of source, best first, and of ``default``.

    >>> list(colour_sources(["measured", "estimated"]))
    ['measured', 'estimated', 'default']
    """
    colours = {name: _SOURCES[i % len(_SOURCES)] for i, name in enumerate(names)}
    return colours | {"default": _DEFAULT}


def make_css_variables(theme: dict[str, str]) -> str:
    """A theme as declarations of CSS variables.

    >>> make_css_variables({"ink": "#000000", "back": "#ffffff"})
    '--ink: #000000; --back: #ffffff;'
    """
    return " ".join(f"--{name}: {colour};" for name, colour in theme.items())
