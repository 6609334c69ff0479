"""From signals to findings in words: what happened, why, and which commands repair it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from datetime import date
from typing import Any

from fsq.contract import Contract
from fsq.diagnosis.findings import SEVERITIES, Finding, Signal, runs

KINDS = {
    "processor_did_not_run": "a job did not run; its features are defaults",
    "processor_wrote_nothing": "a job ran, but its table has no record for the rows",
    "upstream_table_missing": "a table has no record for the rows; nobody says what ran",
    "processor_wrote_part": "a job left out more rows than on earlier dates",
    "feature_missing": "a feature is default for nearly all rows, others of its table are not",
    "default_rate_shift": "a feature falls back more often than on earlier dates",
    "run_context_disagrees": "a job is said not to have run, but its features are there",
    "stuck_constant": "a feature that should vary does not",
    "silent_default": "values equal the default exactly, but are not called so",
    "stale_data": "upstream records are too old",
    "range_violation": "values lie beyond the contract's range",
    "missing_rows": "there are fewer rows than on earlier dates",
    "surplus_rows": "there are more rows than on earlier dates",
    "optional_coverage": "optional features are there for an unusual share of rows",
    "optional_absent": "optional features are there for no row, now and before",
    "category_shift": "a category's quality fell, and no other finding says why",
    "distribution_shift": "values are spread otherwise than on earlier dates",
    "season_start": "windows are still filling, since the season has just begun",
}

_COMMAND_DATES = 3  # more dates than this are said as a range


def findings(
    signals: list[Signal], dates: list[date], contract: Contract, source: str, store: str
) -> list[Finding]:
    """One finding per cause, those that hurt most first."""
    groups = _joined(runs(signals, dates))
    made = [(_harm(g, contract), _finding(g, contract, source, store)) for g in groups]
    made.sort(key=lambda m: (SEVERITIES.index(m[1].severity), -m[0], m[1].dates, m[1].title))
    return [finding for _, finding in made]


def _joined(groups: list[list[Signal]]) -> list[list[Signal]]:
    """Groups of one kind and table on the same dates are one cause."""
    out: dict[tuple[object, ...], list[Signal]] = {}
    for g in groups:
        days = tuple(sorted({s.day for s in g}))
        alone = g[0].subject if g[0].table is None else g[0].table
        out.setdefault((g[0].kind, g[0].severity, alone, days), []).extend(g)
    return list(out.values())


def _harm(group: list[Signal], contract: Contract) -> float:
    """Rows spoilt, each as often as it lost features; a critical feature counts three times."""
    weight = {f.name: 0.25 if f.optional else 3.0 if f.critical else 1.0 for f in contract.features}
    return sum(s.rows_affected * (sum(weight[f] for f in s.features) or 10.0) for s in group)


def _finding(group: list[Signal], contract: Contract, source: str, store: str) -> Finding:
    worst = max(group, key=lambda s: s.rows_affected)
    names = {f for s in group for f in s.features}
    features = tuple(n for n in contract.names if n in names)
    by_day: dict[date, tuple[int, int]] = {}
    for s in group:
        most = max(s.rows_affected, by_day.get(s.day, (0, 0))[0])
        by_day[s.day] = (most, s.rows)
    days = tuple(sorted(by_day))
    writer = contract.writer(worst.table) if worst.table else None
    says = _Words(worst, features, contract, writer.name if writer else None)
    title, cause = says.told()
    remedy: list[str] = []
    repairable = worst.kind not in ("optional_absent", "season_start")
    if repairable and writer and writer.rerun:
        remedy += [writer.rerun.format(date=d) for d in days[:_COMMAND_DATES]]
        if len(days) > _COMMAND_DATES:
            remedy[-1] = f"{writer.rerun.format(date=days[-1])}  # and the dates between"
    if repairable:
        remedy.append(
            f"fsq backfill --source {shlex.quote(source)} --store {shlex.quote(store)} "
            f"--start {days[0]} --end {days[-1]}"
        )
    return Finding(
        worst.kind,
        worst.severity,
        title,
        days,
        features,
        sum(n for n, _ in by_day.values()),
        sum(n for _, n in by_day.values()),
        worst.table,
        writer.name if writer else None,
        cause,
        worst.evidence,
        tuple(remedy),
    )


class _Words:
    """The title and the cause of one finding, by its kind."""

    def __init__(
        self, worst: Signal, features: tuple[str, ...], contract: Contract, processor: str | None
    ) -> None:
        self.s, self.e = worst, worst.evidence
        self.what = spans([contract.names.index(f) for f in features])
        self.names = _some(features)
        self.one = features[0] if len(features) == 1 else self.what
        self.table = worst.table or "the source"
        self.job = processor or f"whatever writes {self.table}"
        self.of = f"{worst.rows_affected:,} of {worst.rows:,} rows"

    def told(self) -> tuple[str, str]:
        say: Callable[[], tuple[str, str]] = getattr(self, self.s.kind)
        return say()

    def processor_did_not_run(self) -> tuple[str, str]:
        return (
            f"{self.job} did not run: {self.what} default for {self.of}",
            f"{self.job} is not among the processors that completed, so {self.table} has no "
            f"record and {self.names} fell back.",
        )

    def processor_wrote_nothing(self) -> tuple[str, str]:
        return (
            f"{self.job} ran, but wrote nothing: {self.what} default for {self.of}",
            f"{self.job} is said to have completed, but {self.table} has no record for "
            f"these {self.s.rows_affected:,} players{self._players()}.",
        )

    def upstream_table_missing(self) -> tuple[str, str]:
        return (
            f"{self.job} left no record: {self.what} default for {self.of}",
            f"{self.table} has no record; the run context does not say whether {self.job} ran.",
        )

    def processor_wrote_part(self) -> tuple[str, str]:
        return (
            f"{self.job} left out players: {self.what} default for {self.of}",
            f"{self._ran()}{self.table} has no record for these {self.s.rows_affected:,} "
            f"players{self._players()}; usual are {self._usual('usual_share')}.",
        )

    def feature_missing(self) -> tuple[str, str]:
        return (
            f"{self.one} default for {self.of}",
            f"{self._ran()}other features of {self.table} are there, {self.names} not.",
        )

    def default_rate_shift(self) -> tuple[str, str]:
        return (
            f"{self.one} default for {self.e['default_share']:.0%} of the rows, "
            f"usually {self._usual('usual_share')}",
            f"{self._ran()}{self.names} of {self.table} fell back for more rows than on the "
            f"trailing dates{self._players()}.",
        )

    def run_context_disagrees(self) -> tuple[str, str]:
        return (
            f"{self.job} is said not to have run, but {self.what} are there",
            f"The rows may have been read from an older run of {self.table}, or the list of "
            "completed processors is wrong.",
        )

    def stuck_constant(self) -> tuple[str, str]:
        count = self.e["distinct"]
        values = f"{count:,} distinct value{'s' if count != 1 else ''} (about {self.e['mean']:g})"
        return (
            f"{self.one} {self._stuck()}: {values}",
            f"Its standard deviation is {self.e['std']:g}"
            + (f", the contract's floor {self.e['min_std']:g}" if self.e["min_std"] else "")
            + f"; the calculation that feeds it{self._by()} gives nearly the same to all.",
        )

    def _stuck(self) -> str:
        return "is stuck" if self.s.severity == "red" else "varies little"

    def silent_default(self) -> tuple[str, str]:
        return (
            f"{self.one} is silently default: {self.e['expected_share']:.0%} of its values "
            f"equal {self.e['expected_value']:g}",
            f"{self.job} wrote the default value {self.e['expected_value']:g} without saying "
            f"so; usual are {self._usual('usual_share')}.",
        )

    def stale_data(self) -> tuple[str, str]:
        return (
            f"{self.table} is stale: {self.e['age_hours']:g} hours old for {self.of}",
            f"{self._ran()}{self.table} was not refreshed, and {self.names} come from an "
            "older run.",
        )

    def range_violation(self) -> tuple[str, str]:
        return (
            f"{self.one} out of range for {self.of}",
            f"{self.e['share']:.0%} of {self.e['worst']} lie outside {self.e['min']:g} to "
            f"{self.e['max']:g}; {self.job} wrote values that cannot be right.",
        )

    def missing_rows(self) -> tuple[str, str]:
        if not self.s.rows:
            return "no rows at all", "The store has no row of this date."
        return (
            f"about {self.s.rows_affected:,} rows are missing: {self.e['rate']:g} per "
            f"{self.e['per']}, usually {self.e['usual']:g}",
            "Players were not written to the feature store; those that are there look as usual "
            "unless another finding says otherwise.",
        )

    def surplus_rows(self) -> tuple[str, str]:
        return (
            f"about {self.s.rows_affected:,} rows too many: {self.e['rate']:g} per "
            f"{self.e['per']}, usually {self.e['usual']:g}",
            "More players than usual were written; look for games or rosters that are there twice.",
        )

    def optional_coverage(self) -> tuple[str, str]:
        low, high = self.e["normal"]
        return (
            f"{self.e['share']:.0%} of the rows have a line, usually {self._usual('usual_share')}",
            f"{low:.0%} to {high:.0%} is normal; {self.table} was read too early or not at all.",
        )

    def optional_absent(self) -> tuple[str, str]:
        return (
            f"no row has a line from {self.table}",
            "Nor has any on the trailing dates: these rows have no lines at all, which is allowed.",
        )

    def category_shift(self) -> tuple[str, str]:
        return (
            f"{self.s.subject} fell to {self.e['quality_pct']:g} from {self.e['usual_pct']:g}",
            "No single table explains it; look at the sources and sample sizes of its features.",
        )

    def distribution_shift(self) -> tuple[str, str]:
        return (
            f"{self.one} spread otherwise than before (PSI {self.e['psi']:g})",
            f"The values come from {self.table}; the trailing dates differ among themselves by at "
            f"most {self.e['usual_psi']:g}.",
        )

    def season_start(self) -> tuple[str, str]:
        return (
            f"the season has just begun: {self.what} still default",
            f"The median player has {self.e['games']:g} games in his windows, so {self.names} "
            "cannot be known yet. The training gate keeps such rows out.",
        )

    def _ran(self) -> str:
        ran = self.e.get("ran")
        if ran is None:
            return ""
        return f"{self.job} ran, but " if ran else f"{self.job} did not run; "

    def _by(self) -> str:
        return f", {self.job}," if self.s.table else ""

    def _usual(self, key: str) -> str:
        share = self.e.get(key)
        return "unknown" if share is None else f"{share:.0%}"

    def _players(self) -> str:
        names = self.e.get("players") or []
        more = self.s.rows_affected - len(names)
        tail = f" and {more:,} more" if names and more > 0 else ""
        return f" ({', '.join(names)}{tail})" if names else ""


def spans(indices: list[int]) -> str:
    """Indices in words.

    >>> spans([5, 6, 7, 8, 13])
    'features 5-8, 13'
    """
    if not indices:
        return "no feature"
    parts: list[list[int]] = []
    for i in sorted(indices):
        if parts and i == parts[-1][-1] + 1:
            parts[-1].append(i)
        else:
            parts.append([i])
    told = ", ".join(f"{p[0]}-{p[-1]}" if len(p) > 1 else str(p[0]) for p in parts)
    return f"feature{'s' if len(indices) > 1 else ''} {told}"


def _some(names: tuple[str, ...], most: int = 4) -> str:
    told = ", ".join(names[:most])
    return f"{told} and {len(names) - most} more" if len(names) > most else told


def reason(word: str, contract: Contract) -> str:
    """Why a check was not evaluated, in words."""
    rules = contract.diagnosis
    said: dict[str, Any] = {
        "no_history": f"fewer than {rules.history_min_days} earlier dates to compare with",
        "under_min_rows": f"fewer than {rules.min_rows} rows",
        "under_min_rows_with_a_value": f"fewer than {rules.min_rows} rows with a value",
        "no_timestamps": "no last_updated timestamps",
        "no_sample_sizes": "no sample sizes",
        "season_start": "the season has just begun",
    }
    return str(said[word])
