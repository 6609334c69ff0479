"""A check and the kinds of findings that it reports: objects that describe themselves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar

import polars as pl

from fsq.contract import Contract, Feature
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.context import Context
from fsq.diagnosis.findings import SEVERITIES, NotEvaluated, Severity, Signal, replace_nan
from fsq.diagnosis.long_detail import Condense
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.nouns import describe_start
from fsq.profile.rows import Mask


class Stage(IntEnum):
    """When a check runs: those that explain come before those that skip what is explained."""

    LABELS = 0  # what says where values came from, before a job is blamed for them
    UPSTREAM = 1  # tables, and the jobs that write them
    VALUES = 2  # the values of a feature
    ROWS = 3  # the rows of a date
    PROFILE = 4  # what normally holds, and does not
    UNEXPLAINED = 5  # what no check before has explained
    MOMENTS = 6  # when values were computed, which explains nothing about them


@dataclass(frozen=True, slots=True)
class Need:
    """What a kind of finding needs of a date.

    Args:
        what: a phrase for the documentation.
        reason: why it was not evaluated without it; may name settings of ``[diagnosis]``, and
            ``{start}``: why windows cannot be full yet.
        is_met: whether a date, given by its position, has it; None if the check itself decides,
            feature by feature.
        decisive: whether a date cannot be called green without it.
    """

    what: str
    reason: str
    is_met: Callable[[Context, int], bool] | None = None
    decisive: bool = False


HISTORY = Need(
    "earlier dates",
    "fewer than {history_min_days} earlier dates to compare with",
    lambda ctx, at: bool(ctx.has_history[at]),
    decisive=True,
)
MIN_ROWS = Need(
    "a minimum of rows",
    "fewer than {min_rows} rows",
    lambda ctx, at: bool(ctx.rows[at] >= ctx.contract.diagnosis.min_rows),
    decisive=True,
)
MIN_ROWS_WITH_VALUE = Need(
    "a minimum of rows with a value", "fewer than {min_rows} rows with a value"
)
SEASON_UNDER_WAY = Need("a season under way", "{start}", lambda ctx, at: not ctx.starts_season(at))
SAMPLE_SIZES = Need(
    "sample sizes, or the gap before a season",
    "no sample sizes",
    lambda ctx, at: bool(ctx.median_sample[at] >= 0) or ctx.starts_season(at),
)
TIMESTAMPS = Need("`last_updated` timestamps", "no last_updated timestamps")


def find_table(features: Iterable[Feature]) -> str | None:
    """The upstream table that all of these features come from; None if there are several."""
    tables = {f.upstream_table for f in features}
    return tables.pop() if len(tables) == 1 else None


def need_column(name: str) -> Need:
    """A carried column, which the check also lists in its ``columns``."""
    return Need(
        f"column `{name}`", f"no column {name}", lambda ctx, _: name in ctx.long.records.columns
    )


@dataclass(frozen=True)
class Kind:
    """One kind of finding.

    Args:
        name: as in JSON; it never changes.
        meaning: one sentence for the documentation, without a full stop.
        severities: those that it can have, worst first.
        describe: gives title and cause of a finding.
        needs: without which it is not evaluated, in the order in which they are tested.
        repairable: whether running a job or scoring again can repair it.
        in_sql: whether the SQL view of findings reports it, too.
        is_fault: whether a date with it is no history for later dates.
        of_values: whether values tell it, so that it is shown how they usually lie and what they
            should have been.
    """

    name: str
    meaning: str
    severities: tuple[Severity, ...]
    describe: Callable[[Facts], Text]
    needs: tuple[Need, ...] = ()
    repairable: bool = True
    in_sql: bool = True
    is_fault: bool = True
    of_values: bool = False

    def __post_init__(self) -> None:
        if not self.severities or set(self.severities) - set(SEVERITIES):
            raise ValueError(f"{self.name}: severities are {SEVERITIES}, not {self.severities}")

    def can_evaluate(self, ctx: Context, at: int) -> bool:
        """Whether a date has what this kind needs; if not, that is noted."""
        for need in self.needs:
            if need.is_met is not None and not need.is_met(ctx, at):
                self.note_unmet(ctx, at, need)
                return False
        return True

    def note_unmet(self, ctx: Context, at: int, need: Need, features: tuple[str, ...] = ()) -> None:
        """Note that this kind was not evaluated on a date, for all or some features."""
        reason = ctx.remember(need.reason, lambda: need.reason.format_map(_list_words(ctx)))
        ctx.not_evaluated.append(
            NotEvaluated(self.name, ctx.dates[at], reason, need.decisive, features)
        )

    def report(
        self,
        ctx: Context,
        at: int,
        severity: Severity,
        subject: str,
        features: Sequence[Feature],
        rows_affected: float,
        table: str | None = None,
        named: Mask | None = None,
        **evidence: Any,
    ) -> None:
        """Report one thing that is wrong on one date.

        Args:
            ctx: collects it.
            at: the date's position.
            severity: one of ``severities``.
            subject: tells causes of this kind apart; the same on consecutive dates is one cause.
            features: those affected; empty if it is about rows.
            rows_affected: of this date.
            table: the upstream table, if it causes this.
            named: the records that it blames, among ``ctx.long.records``; those of other dates
                are ignored. None if it does not tell them from the others of the date.
            **evidence: figures, as JSON types; NaN, which JSON does not know, becomes null.
        """
        if severity not in self.severities:
            raise ValueError(f"{self.name} cannot be {severity}; add it to the kind's severities")
        ctx.signals.append(
            Signal(
                self.name,
                severity,
                ctx.dates[at],
                subject,
                tuple(f.name for f in features),
                int(rows_affected),
                int(ctx.rows[at]),
                table,
                replace_nan(evidence),
                None if named is None else named & (ctx.date_index == at),
            )
        )


def _list_words(ctx: Context) -> dict[str, Any]:
    """What the reasons of needs name: the contract's thresholds, and how a season starts."""
    return ctx.contract.diagnosis.model_dump() | {"start": describe_start(ctx.contract)}


class Check(ABC):
    """One check: it looks at the dates for one fault, and describes what it needs and reports.

    A module of ``fsq.diagnosis.checks`` that defines a subclass is all that a new check takes.
    Its place among the others is its stage, then the name of its module.

    Attributes:
        stage: when it runs.
        kinds: of findings that it reports.
        thresholds: keys of the contract's ``[diagnosis]``, with their defaults.
        columns: carried columns that it reads by ``Context.get_carried``, where the rows have them.
        fields: further fields of the detail that it condenses.
    """

    stage: ClassVar[Stage]
    kinds: ClassVar[tuple[Kind, ...]]
    thresholds: ClassVar[type[Thresholds] | None] = None
    columns: ClassVar[tuple[str, ...]] = ()
    fields: ClassVar[tuple[str, ...]] = ()

    def list_columns(self, contract: Contract, schema: pl.Schema) -> Iterable[str]:
        """The carried columns that it reads of rows with this schema; by default ``columns``."""
        return self.columns

    def list_raw_columns(self, contract: Contract) -> Iterable[str]:
        """Columns that it only condenses, where the rows have them: texts and lists, mostly."""
        return ()

    def condense(self, rows: pl.LazyFrame, contract: Contract) -> Condense | None:
        """What it keeps of each part of the rows; None for nothing.

        The detail is read once, part by part, since a large date's does not fit into memory. A part
        gives arrays by name: records × features for ``Context.long.cells``, or one value per
        record for ``Context.long.marks``. Names must not be those of other checks.

        Args:
            rows: all of them, to look up what has to be known beforehand.
            contract: of the scoring.
        """
        return None

    @abstractmethod
    def find(self, ctx: Context) -> None:
        """Report what is wrong on the dates to check, by ``Kind.report``."""
