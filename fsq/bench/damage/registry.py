"""Every template, by family."""

from __future__ import annotations

from dataclasses import replace

from fsq.bench.damage import kinds
from fsq.bench.damage.choices import everywhere, varied
from fsq.bench.damage.controls import CONTROLS
from fsq.bench.damage.fallback import LABELLED, SILENT
from fsq.bench.damage.joins import JOINS, LEAKS
from fsq.bench.damage.old_values import OLD
from fsq.bench.damage.row_faults import ROWS
from fsq.bench.damage.stamps import PROVENANCE_FAULTS
from fsq.bench.damage.template import Template, make_template
from fsq.bench.damage.units import UNITS, drift
from fsq.errors import InputError

LASTING = "lasting faults"
CONTROL = "controls"
_DATES = 10
_LAST = (
    "first table falls back, 10 %", "first table falls back, one subgroup",
    "first table silent defaults, 10 %", "first table frozen a week ago",
    "one feature by 60, all", "first table of another entity, 30 %",
    "stamps three days older, all", "a tenth of the rows missing",
)  # fmt: skip
_SINGLE = (*LABELLED, *SILENT, *OLD, *UNITS, *JOINS, *LEAKS, *PROVENANCE_FAULTS, *ROWS)


def _make_lasting() -> tuple[Template, ...]:
    by_name = {t.name: t for t in _SINGLE}
    lasting = [
        replace(by_name[n], name=f"ten dates: {n}", family=LASTING, lasts=_DATES) for n in _LAST
    ]
    slow = make_template(
        "ten dates: a slow drift", LASTING, kinds.SHIFTS, varied(0), everywhere, drift(0.1)
    )
    return (*lasting, replace(slow, lasts=_DATES))


TEMPLATES: tuple[Template, ...] = (*_SINGLE, *_make_lasting(), *CONTROLS)
FAMILIES = tuple(dict.fromkeys(t.family for t in TEMPLATES))


def select_templates(words: str | None = None) -> tuple[Template, ...]:
    """The templates whose name or family contains one of some texts.

    Args:
        words: the texts, separated by ``;``; None for all templates.

    Raises:
        InputError: there are none.

    >>> [t.name for t in select_templates("leaks")]
    ['own event in the window, all', 'own event in the window, 30 %']
    """
    if words is None:
        return TEMPLATES
    wanted = [w.strip() for w in words.split(";") if w.strip()]
    found = tuple(t for t in TEMPLATES if any(w in t.name or w in t.family for w in wanted))
    if not found:
        problem = f"no template has {words!r} in its name; families: {list(FAMILIES)}"
        raise InputError([problem], "detection cannot be measured")
    return found
