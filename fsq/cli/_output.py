"""What commands print: results on stdout, everything else on stderr.

With ``--json``, stdout gets one document, and results for people go to stderr.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any, TextIO

from fsq.cli._talk import format_record, get_talk
from fsq.masking import mask_secrets
from fsq.utils.documents import encode_json
from fsq.utils.text import defuse

if TYPE_CHECKING:  # rich is loaded when something is printed, so that help is fast
    from rich.console import Console
    from rich.table import Table

# A pipe gets this width whatever the width of the terminal, so that outputs can be compared.
PIPE_WIDTH = 80
_NARROWEST, _WIDEST = 40, 120  # of a terminal's paragraphs

VERDICT_COLOURS = {
    "RED": "bold red",
    "YELLOW": "bold yellow",
    "GREEN": "bold green",
    "INFO": "bold cyan",
    "UNKNOWN": "bold magenta",
}

# Escape sequences first (or their tail would stay), then single control and direction characters.
_UNPRINTABLE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)


def clean(text: object) -> str:
    r"""Text that is safe to print: no secrets, no commands to a CI system, no control characters.

    Tabs and newlines stay.

    >>> clean("lebron\x1b[31mjames\x07"), clean("https://me:word@example.org/rows")
    ('lebronjames', 'https://***@example.org/rows')
    """
    printable = _UNPRINTABLE.sub("", str(text)).encode("utf-8", "replace").decode()
    return defuse(mask_secrets(printable))


def one_line(text: object) -> str:
    r"""Text from the data that is safe within a line: it cannot end the line.

    >>> one_line("james\n::error::x")
    'james ::error::x'
    """
    return clean(" ".join(str(text).splitlines()))


def console(stream: TextIO) -> Console:
    """A console that uses colours on a terminal only, and not if NO_COLOR is set."""
    from rich.console import Console

    terminal = stream.isatty()
    plain = not terminal or bool(os.environ.get("NO_COLOR"))
    return Console(
        file=stream,
        force_terminal=terminal,
        color_system=None if plain else "auto",
        no_color=plain,
        width=None if terminal else PIPE_WIDTH,
        markup=False,
        highlight=False,
        emoji=False,
    )


class Output:
    """Where a command prints.

    Args:
        as_json: print one JSON document on stdout, and everything else on stderr.
    """

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self._consoles: dict[TextIO, Console] = {}

    @property
    def talk(self) -> Console:
        """The console for progress, warnings and errors."""
        return self._choose_console(sys.stderr)

    @property
    def people(self) -> Console:
        """The console for results that people read."""
        return self._choose_console(self.file)

    def _choose_console(self, stream: TextIO) -> Console:
        """The console of a stream, made once: each looks at its terminal first."""
        if stream not in self._consoles:
            self._consoles[stream] = console(stream)
        return self._consoles[stream]

    @property
    def file(self) -> TextIO:
        """The stream of results that people read."""
        return sys.stderr if self.as_json else sys.stdout

    @property
    def is_mute(self) -> bool:
        """Whether nobody reads the result for people: stdout has the document, stderr a log."""
        return self.as_json and not get_talk().has_progress

    @property
    def width(self) -> int:
        """Columns of a paragraph: those of the terminal, unless that is hard to read."""
        if not self.file.isatty():
            return PIPE_WIDTH
        return min(max(self.people.width, _NARROWEST), _WIDEST)

    def line(self, text: object, colours: Mapping[str, str] | None = None) -> None:
        """Print one line of the result, never wrapped, so that paths can be copied.

        Args:
            text: the line. A verdict that begins it has its colour.
            colours: parts of the line, and what is special about them.
        """
        if not self.is_mute:
            self._print_line(self.file, text, VERDICT_COLOURS, colours or {})

    def note(self, text: object) -> None:
        """Print one line that is not part of the result."""
        self.log("info", str(text))

    def warn(self, text: object) -> None:
        """Print a warning."""
        self.log("warning", str(text), "Warning: ")

    def error(self, message: str, hint: str | None = None) -> None:
        """Print an error, and what to do about it."""
        self.log("error", message, "Error: ", hint)

    def log(self, level: str, message: str, label: str = "", hint: str | None = None) -> None:
        """Print a message that is not part of the result, as the options of the command ask.

        Args:
            level: ``debug``, ``info``, ``warning``, ``error`` or ``critical``.
            message: its text.
            label: what begins it where people read it.
            hint: what to do about it.
        """
        talk = get_talk()
        if talk.quiet and level not in ("error", "critical"):
            return
        if talk.as_json:
            sys.stderr.write(format_record(level, clean(message), hint) + "\n")
            return
        told = f"{label}{message}" if hint is None else f"{label}{message}\nHint: {hint}"
        self._print_line(sys.stderr, told)

    def wrapped(self, text: str, indent: str = "") -> None:
        """Print a paragraph of the result, wrapped.

        Args:
            text: the paragraph.
            indent: of the first line, which may hold a label; the other lines get as many blanks.
        """
        blanks = " " * len(indent)
        for line in wrap(
            text,
            self.width,
            initial_indent=indent,
            subsequent_indent=blanks,
            break_on_hyphens=False,
        ):
            self.line(line)

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: str = ""
    ) -> None:
        """Print a table; ``numbers`` names the columns to align right, separated by blanks."""
        if self.is_mute:
            return
        cells = [[_cell(c) for c in columns], *([_cell(v) for v in row] for row in rows)]
        right = {at for at, name in enumerate(columns) if name in numbers.split()}
        if not self.file.isatty() and _is_utf(self.file):
            from fsq.cli._tables import lay_out

            if (text := lay_out(cells, right, PIPE_WIDTH)) is not None:
                self.file.write(text + "\n")
                self.file.flush()  # as a console does, so that it stays in order with stderr
                return
        to = self.people
        if to.is_terminal:
            to.print(_make_rich_table(cells, right))
            return
        with to.capture() as made:  # a cell that is folded may begin a line anywhere
            to.print(_make_rich_table(cells, right))
        to.file.write(defuse(made.get()))
        to.file.flush()

    def _print_line(
        self,
        stream: TextIO,
        text: object,
        begins: Mapping[str, str] | None = None,
        colours: Mapping[str, str] | None = None,
    ) -> None:
        plain = clean(text)
        if not stream.isatty() and "\t" not in plain:  # nothing to colour or lay out
            stream.write(plain + "\n")
            stream.flush()  # as a console does, so that both streams stay in order
            return
        from rich.text import Text

        to, line = self._choose_console(stream), Text(plain)
        if to.is_terminal:
            for word, colour in (begins or {}).items():
                line.highlight_regex(rf"(?m)^ *{word}(?=  )", colour)
            for part, colour in (colours or {}).items():
                line.highlight_words([part], colour)
        to.print(line, soft_wrap=True)

    def document(self, data: Mapping[str, Any]) -> None:
        """Print the result as JSON, with ``--json`` only."""
        if self.as_json:
            # The same text, in which no CI system sees a command.
            text = encode_json(data, indent=2).replace("##", "#\\u0023")
            sys.stdout.write(text + "\n")


def _make_rich_table(cells: Sequence[Sequence[str]], right: Collection[int]) -> Table:
    """A table that folds what does not fit, and emphasizes its heads."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for at, head in enumerate(cells[0]):
        table.add_column(Text(head), justify="right" if at in right else "left", overflow="fold")
    for row in cells[1:]:
        table.add_row(*(Text(cell, VERDICT_COLOURS.get(cell, "")) for cell in row))
    return table


def _is_utf(stream: TextIO) -> bool:
    return (stream.encoding or "utf-8").lower().startswith("utf")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    return one_line(value)
