"""The phrases that titles and causes of findings are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from fsq.contract import Contract
from fsq.diagnosis.findings import Signal
from fsq.diagnosis.nouns import name_entities, name_events, name_examples

_MOST_NAMES = 4


class Text(NamedTuple):
    """What a finding says to people: one line, and a sentence."""

    title: str
    cause: str


@dataclass(frozen=True)
class Facts:
    """What the text of a finding may mention.

    Args:
        signal: that of the worst date.
        features: names over all dates, in index order.
        contract: of the scoring.
    """

    signal: Signal
    features: tuple[str, ...]
    contract: Contract

    @property
    def evidence(self) -> dict[str, Any]:
        """Figures of the worst date."""
        return self.signal.evidence

    @cached_property
    def indices(self) -> str:
        """The features by their indices, such as ``features 5-8``."""
        return format_indices([self.contract.names.index(f) for f in self.features])

    @property
    def feature(self) -> str:
        """The name of the only feature, or the indices of several."""
        return self.features[0] if len(self.features) == 1 else self.indices

    @property
    def are(self) -> str:
        """The verb that follows ``feature`` or ``indices``."""
        return "is" if len(self.features) == 1 else "are"

    @property
    def names(self) -> str:
        """The names of the first few features."""
        rest = len(self.features) - _MOST_NAMES
        named = ", ".join(self.features[:_MOST_NAMES])
        return f"{named} and {rest} more" if rest > 0 else named

    @property
    def table(self) -> str:
        """The upstream table."""
        return self.signal.table or "the source"

    @property
    def job(self) -> str:
        """The processor that writes the table."""
        writer = self.contract.writer(self.signal.table) if self.signal.table else None
        return writer.name if writer else f"whatever writes {self.table}"

    @property
    def rows(self) -> str:
        """Affected rows of all rows."""
        return f"{self.signal.rows_affected:,} of {self.signal.rows:,} rows"

    @property
    def run(self) -> str:
        """The beginning of a sentence: whether the job ran; empty if nothing says so."""
        ran = self.evidence.get("ran")
        if ran is None:
            return ""
        return f"{self.job} ran, but " if ran else f"{self.job} did not run; "

    @property
    def rarity(self) -> str:
        """How rare the figures are, as a sentence after a blank; empty if nothing says so."""
        band = self.evidence.get("band") or {}
        dates, as_far = band.get("clean_dates"), band.get("as_far")
        if not dates:
            return ""
        if not as_far:
            return f" Not once in {dates:,} clean dates."
        return f" This far from usual on {as_far:,} of {dates:,} clean dates."

    @property
    def usual_share(self) -> str:
        """The earlier dates' median, in percent."""
        share = self.evidence.get("usual_share")
        return "unknown" if share is None else f"{share:.0%}"

    @property
    def entities(self) -> str:
        """What the records are about, such as ``players``."""
        return name_entities(self.contract.table)

    @property
    def events(self) -> str:
        """The members of a window, such as ``games``."""
        return name_events(self.contract.table)

    @property
    def examples(self) -> str:
        """The first few records in brackets, after a blank; empty if none is known."""
        names = self.evidence.get(name_examples(self.contract.table)) or []
        rest = self.signal.rows_affected - len(names)
        more = f" and {rest:,} more" if names and rest > 0 else ""
        return f" ({', '.join(names)}{more})" if names else ""


def format_indices(indices: list[int]) -> str:
    """Feature indices in words.

    >>> format_indices([5, 6, 7, 8, 13])
    'features 5-8, 13'
    """
    if not indices:
        return "no feature"
    spans: list[list[int]] = []
    for i in sorted(indices):
        if spans and i == spans[-1][-1] + 1:
            spans[-1].append(i)
        else:
            spans.append([i])
    listed = ", ".join(f"{s[0]}-{s[-1]}" if len(s) > 1 else str(s[0]) for s in spans)
    return f"feature{'s' if len(indices) > 1 else ''} {listed}"
