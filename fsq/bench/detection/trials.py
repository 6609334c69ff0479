"""Trials: a fault is planted in a date, and a detector's new alarms are held against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from zlib import crc32

import numpy as np
import polars as pl

from fsq.bench.damage import Damaged, Scene, Template, plant
from fsq.bench.detection.detector import Alarm, Detector
from fsq.bench.detection.season import Season
from fsq.diagnosis.findings import SEVERITIES, Severity
from fsq.scoring.engine import score

Harm = Callable[[pl.DataFrame, pl.DataFrame], np.ndarray]  # clean rows, damaged rows -> per row
_Key = tuple[date, str, str | None, str]
_READY = "is_production_ready"


@dataclass(frozen=True)
class Trial:
    """What a detector said of one damaged date.

    Attributes:
        detector: its name.
        template: its name.
        family: of the template.
        day: the damaged date.
        step: how many dates the fault has lasted before.
        about_features: whether features are the damage, and not rows.
        alarmed: whether anything new was said.
        seen: the worst severity of what names a damaged feature (of anything, for rows).
        right_table: whether that names a damaged feature's table; None where rows are the damage,
            or where the detector does not explain.
        right_kind: whether its kind is one of the template's; None where it does not explain.
        kinds: of findings that were new.
        rows: damaged rows.
        harm: rise of the model's absolute error, summed over the rows; None without a model.
        harm_stopped: the part of it in rows that no gate passes, or all of it on a red date.
    """

    detector: str
    template: str
    family: str
    day: date
    step: int
    about_features: bool
    alarmed: bool
    seen: Severity | None
    right_table: bool | None
    right_kind: bool | None
    kinds: tuple[str, ...]
    rows: int
    harm: float | None
    harm_stopped: float | None

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON types."""
        return asdict(self) | {"day": self.day.isoformat(), "kinds": list(self.kinds)}


@dataclass
class Judge:
    """A detector that has learned, and what it says of clean dates.

    Attributes:
        detector: the detector.
        season: the clean rows.
    """

    detector: Detector
    season: Season

    def __post_init__(self) -> None:
        self._clean: dict[tuple[date, ...], dict[_Key, Severity]] = {}

    def judge(self, dates: Sequence[date], rows: pl.DataFrame | None = None) -> list[Alarm]:
        """Judge dates as they are, or damaged."""
        return self.detector.judge(self.season.show(dates, rows))

    def find_new(self, dates: Sequence[date], rows: pl.DataFrame) -> list[Alarm]:
        """The alarms on damaged dates that the same dates undamaged do not raise, or not as bad."""
        key = tuple(dates)
        if key not in self._clean:
            self._clean[key] = _index_alarms(self.judge(dates))
        usual = self._clean[key]
        new = []
        for alarm in self.judge(dates, rows):
            fresh = tuple(n for n in _split(alarm) if _is_worse(alarm, usual.get(_key(alarm, n))))
            if fresh:
                features = tuple(n for n in fresh if n)
                new.append(Alarm(alarm.day, alarm.severity, alarm.kind, alarm.table, features))
        return new


def run_trials(
    judges: Sequence[Judge],
    season: Season,
    day: date,
    templates: Sequence[Template],
    seed: int = 0,
    harm: Harm | None = None,
) -> Iterator[Trial]:
    """Plant each template in a date, or from a date on if it lasts, and ask the detectors.

    Args:
        judges: detectors that have learned.
        season: the clean rows.
        day: a date that is kept back.
        templates: those to plant; one that the date has nothing for is left out.
        seed: of what is left to chance.
        harm: how much each row's error rises; None to leave it out.
    """
    for template in templates:
        dates = season.list_from(day, template.lasts)
        if len(dates) < template.lasts:
            continue
        planted = [
            plant(template, _make_scene(season, d, seed ^ crc32(template.name.encode()), step))
            for step, d in enumerate(dates)
        ]
        if planted[0] is None:
            continue
        damaged = {d: p for d, p in zip(dates, planted, strict=True) if p is not None}
        clean = {d: season.select(season.rows, [d]) for d in dates}
        rows = pl.concat([damaged[d].rows if d in damaged else clean[d] for d in dates])
        harms = {d: _measure_harm(season, clean[d], p, harm) for d, p in damaged.items()}
        for judge in judges:
            new = judge.find_new(dates, rows)
            for step, d in enumerate(dates):
                if d in damaged:
                    said = [a for a in new if a.day == d]
                    yield _compare(judge, template, d, step, damaged[d], said, harms[d])


def _make_scene(season: Season, day: date, seed: int, step: int) -> Scene:
    before = season.select(season.rows, season.list_before(day))
    return Scene(season.table, season.select(season.rows, [day]), before, seed, step)


def _compare(
    judge: Judge,
    template: Template,
    day: date,
    step: int,
    damaged: Damaged,
    said: list[Alarm],
    harm: tuple[float, float] | None,
) -> Trial:
    about_rows = template.targets is None
    hits = [a for a in said if about_rows or set(a.features) & set(damaged.features)]
    seen = min((a.severity for a in hits), key=SEVERITIES.index, default=None)
    explains = judge.detector.explains
    tables = {judge.season.table.feature(n).upstream_table for n in damaged.features}
    everything, kept_out = harm or (None, None)
    return Trial(
        detector=judge.detector.name,
        template=template.name,
        family=template.family,
        day=day,
        step=step,
        about_features=not about_rows,
        alarmed=bool(said),
        seen=seen,
        right_table=any(a.table in tables for a in hits) if explains and not about_rows else None,
        right_kind=any(a.kind in template.kinds for a in hits) if explains else None,
        kinds=tuple(sorted({a.kind for a in said})),
        rows=int(damaged.touched.sum()),
        harm=everything,
        harm_stopped=everything if seen == "red" else kept_out,
    )


def _measure_harm(
    season: Season, clean: pl.DataFrame, damaged: Damaged, harm: Harm | None
) -> tuple[float, float] | None:
    """The rise of the error over all rows, and over those that the gate keeps out."""
    if harm is None or damaged.rows.height != clean.height or not damaged.touched.any():
        return None
    rise = harm(clean, damaged.rows) * damaged.touched
    ready = score(damaged.rows, season.table.contract)[_READY].to_numpy()
    return float(rise.sum()), float(rise[~ready].sum())


def _split(alarm: Alarm) -> tuple[str, ...]:
    return alarm.features or ("",)


def _key(alarm: Alarm, feature: str) -> _Key:
    return (alarm.day, alarm.kind, alarm.table, feature)


def _index_alarms(alarms: Sequence[Alarm]) -> dict[_Key, Severity]:
    worst: dict[_Key, Severity] = {}
    for alarm in alarms:
        for name in _split(alarm):
            if _is_worse(alarm, worst.get(_key(alarm, name))):
                worst[_key(alarm, name)] = alarm.severity
    return worst


def _is_worse(alarm: Alarm, known: Severity | None) -> bool:
    return known is None or SEVERITIES.index(alarm.severity) < SEVERITIES.index(known)
