"""What normally holds, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from fsq.profile.rows import HOUR
from fsq.profile.steps import ENTITY
from fsq.profile.structure import Structure

_EXPLAINED = 0.5  # share of the variance that is worth a sentence


def describe(names: Sequence[str], structure: Structure) -> list[str]:
    """What normally holds between the features, one sentence each, the strictest first."""
    out = []
    for grouping in structure.groupings:
        where = _list([_name_column(c) for c in (*grouping.columns, "date")])
        out += [f"{names[f]} is one value per {where}." for f in grouping.features]
    for mirror in structure.mirrors:
        mine, theirs = names[mirror.feature], names[mirror.other]
        out.append(
            f"{mine} {_RELATIONS[mirror.relation].format(mirror.side, theirs, mirror.total)}."
        )
    out += [f"{names[t.feature]} equals the column {t.column}." for t in structure.twins]
    carriers = structure.carriers
    for f, name in enumerate(names):
        if carriers.leaps[f] < float("inf"):
            along = "record" if carriers.names[f] == ENTITY else carriers.names[f]
            step = f"{carriers.leaps[f]:.4g}"
            out.append(f"{name} moves by up to {step} from one {along}'s date to its next.")
    if structure.regressions is not None:
        for f, share in enumerate(structure.regressions.explained):
            if share >= _EXPLAINED:
                out.append(f"The other features explain {share:.0%} of {names[f]}.")
    return out


_RELATIONS = {
    "equals": "equals the other {0}'s {1} in the same event",
    "negates": "is the negative of the other {0}'s {1} in the same event",
    "complements": "and the other {0}'s {1} in the same event add up to {2:g}",
}


def _name_column(column: str) -> str:
    hourly = HOUR.format("")
    return f"{column.removesuffix(hourly)} (hour)" if column.endswith(hourly) else column


def _list(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
