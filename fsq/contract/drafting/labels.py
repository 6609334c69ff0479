"""Source labels that occur in the data, and which of them mean a default."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from fsq.contract.drafting.roles import HEADLINE, Roles
from fsq.contract.text import Line, to_key
from fsq.errors import InputError, short

UNLABELLED = "measured"
_LABEL = re.compile(r"[a-z][a-z0-9_]{0,99}")
_DEFAULTS = {
    "default", "defaulted", "fallback", "missing", "none", "null", "unknown", "imputed", "filled",
    "placeholder", "unavailable", "absent",
}  # fmt: skip
_ALWAYS = ("default", "missing")  # every contract has these
_COUNTED = {"default", "training_quality", "critical", "optional"}  # names of other counts
_MOST = 250


@dataclass(frozen=True)
class DraftLabels:
    """Source labels of a draft.

    Attributes:
        lines: of ``[sources]``.
        defaults: labels that mark a value as a default.
        unlabelled: the label of values without one; None if every feature has a source.
        reason: what that was read from.
    """

    lines: Sequence[Line]
    defaults: frozenset[str]
    unlabelled: str | None
    reason: str


def read_labels(rows: pl.LazyFrame, roles: Roles) -> DraftLabels:
    """Read every source label of the features.

    Raises:
        InputError: a label cannot stand in a contract, or there are too many.
    """
    counts = _count_labels(rows, roles)
    if not counts:
        line = Line(UNLABELLED, _source(UNLABELLED), "every value that is there")
        reason = "no column says where a value came from: what is there counts as measured"
        return DraftLabels([line], frozenset(_DEFAULTS), UNLABELLED, reason)
    wrong = sorted(short(label) for label in counts if not _LABEL.fullmatch(label))
    if wrong:
        problem = f"source labels that a contract cannot name: {wrong[:20]}"
        cure = "write them in lower case with letters, digits and _"
        raise InputError([f"{problem}; {cure}"], HEADLINE)
    if len(counts) > _MOST:
        problem = f"{len(counts):,} source labels; a contract has at most {_MOST}"
        raise InputError([f"{problem}: are these labels?"], HEADLINE)
    total = sum(counts.values())
    lines = []
    for label, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        is_default = label in _DEFAULTS
        if label in _ALWAYS:
            continue
        meaning = "the name says that it is a placeholder" if is_default else "as good as this?"
        what = f"{count / total:.1%} of labels; {meaning}"
        lines.append(Line(to_key(label), _source(label), what))
    if not any(label not in _DEFAULTS for label in counts):
        lines.append(Line(UNLABELLED, _source(UNLABELLED), "no label says that a value is real"))
    return DraftLabels(lines, frozenset(_DEFAULTS), None, "")


def _source(label: str) -> dict[str, object]:
    if label in _DEFAULTS:
        return {"type": "default", "base": 40, "reliability": 0}
    kind = f"{label}_source" if label in _COUNTED else label
    return {"type": kind[:100], "base": 100, "reliability": 1}


def _count_labels(rows: pl.LazyFrame, roles: Roles) -> Counter[str]:
    schema = rows.collect_schema()
    out: Counter[str] = Counter()
    for name in roles.features:
        if f"{name}__source" in schema:
            labels = rows.select(label=pl.col(f"{name}__source").cast(pl.String))
            _add(out, labels)
    text = schema.get("feature_sources")
    if isinstance(text, pl.String | pl.Categorical):
        found = pl.col("feature_sources").cast(pl.String).str.extract_all(r':\s*"[^"]*"')
        each = rows.select(label=found).explode("label", empty_as_null=True, keep_nulls=True)
        _add(out, each.select(pl.col("label").str.extract(r'"([^"]*)"')))
    return out


def _add(counts: Counter[str], labels: pl.LazyFrame) -> None:
    table = labels.drop_nulls().group_by("label").len().collect()
    counts.update(dict(table.iter_rows()))
