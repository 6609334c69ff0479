"""Names that mean the same, in another case or Unicode form, or with marks and blanks around."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable

from fsq.errors import short

# What editors and exports leave around a name: byte order marks (the last one misread as Latin-1),
# and characters without width.
_MARKS = "\ufeff\u200b\u200c\u200d\u2060"
_MISREAD_MARK = "ï»¿"


def normalize_name(name: str) -> str:
    r"""A name without whatever never tells two names apart.

    >>> normalize_name("\ufeffPlayer.Lookup "), normalize_name("Doncic\u030c") == "doncič"
    ('player_lookup', True)
    """
    text = name.removeprefix(_MISREAD_MARK).strip(_MARKS).strip().strip(_MARKS)
    return unicodedata.normalize("NFC", text).casefold().replace(".", "_")


def simplify(name: str) -> str:
    r"""Letters and digits of a name, without accents: the same for every spelling.

    >>> simplify("Luka Dončić"), simplify("luka-doncic"), simplify("Doncic\u030c")
    ('lukadoncic', 'lukadoncic', 'doncic')
    """
    text = unicodedata.normalize("NFKD", name).casefold()
    return "".join(c for c in text if c.isalnum())


def describe_difference(name: str, other: str) -> str:
    r"""How two similar names differ; empty if they differ in their letters.

    >>> describe_difference("Pace_Score ", "pace_score")
    'blanks at an end and case'
    >>> describe_difference("Doncic\u030c", "Doncič")
    'Unicode form'
    """
    if name == other or simplify(name) != simplify(other):
        return ""
    steps = list(_STEPS[:4])
    for coarser in _STEPS[4:]:
        if _apply(steps, name) != _apply(steps, other):
            steps.append(coarser)
    # A step counts if the names still differ without it.
    needed = []
    for step in steps:
        rest = [s for s in steps if s is not step]
        if _apply(rest, name) != _apply(rest, other):
            needed.append(step[0])
    return " and ".join([", ".join(needed[:-1]), needed[-1]] if len(needed) > 1 else needed)


def suggest_spelling(wanted: Iterable[str], present: Iterable[str], most: int = 5) -> str | None:
    """Which of the present names may be meant by the missing ones; None if none.

    >>> suggest_spelling(["pace_score"], ["Pace Score", "home"])
    "'Pace Score' for pace_score (differs in case and blanks, dots or signs inside)"
    """
    by_simple: dict[str, list[str]] = {}
    for name in present:
        by_simple.setdefault(simplify(name), []).append(name)
    hints = [
        f"{short(other)!r} for {name} (differs in {describe_difference(other, name)})"
        for name in wanted
        for other in by_simple.get(simplify(name), [])
        if describe_difference(other, name)
    ]
    if not hints:
        return None
    rest = len(hints) - most
    return ", ".join(hints[:most]) + (f" and {rest} more" if rest > 0 else "")


def describe_missing(
    missing: Collection[str], present: Iterable[str], cure: str = "pass the result of fsq.score"
) -> list[str]:
    """The problems of rows without some columns; and which columns may be meant by others.

    >>> describe_missing(["day"], ["DAY"])[1]
    "column names are spelled differently: 'DAY' for day (differs in case); rename them"
    """
    problems = [f"no column {c}; {cure}" for c in missing]
    if hints := suggest_spelling(missing, present):
        problems.append(f"column names are spelled differently: {hints}; rename them")
    return problems


def _strip_marks(text: str) -> str:
    return text.removeprefix(_MISREAD_MARK).translate(dict.fromkeys(map(ord, _MARKS)))


def _compose(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _drop_accents(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text)
    return "".join(c for c in parts if not unicodedata.combining(c))


def _keep_letters(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


_Step = tuple[str, Callable[[str], str]]
# How names differ, and what removes each difference; the last two also remove earlier ones.
_STEPS: tuple[_Step, ...] = (
    ("an invisible character", _strip_marks),
    ("blanks at an end", str.strip),
    ("Unicode form", _compose),
    ("case", str.casefold),
    ("accents", _drop_accents),
    ("blanks, dots or signs inside", _keep_letters),
)


def _apply(steps: Iterable[_Step], text: str) -> str:
    for _, change in steps:
        text = change(text)
    return text
