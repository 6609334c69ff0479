"""The contract: which features there are, and every word, weight and threshold of their scoring.

Contracts are TOML files, shipped in ``fsq/contracts`` or anyone's own. One may extend another by
naming it: what it states wins, tables are merged, and features and caps are added.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections import Counter
from functools import cached_property, lru_cache
from html import escape
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from fsq.errors import ContractError

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,99}$")]
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,99}$")]
Percent = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
CategoryName = Literal["matchup", "player_history", "team_context", "vegas", "game_context"]
SourceType = Literal["phase4", "phase3", "calculated", "default"]
Tier = Literal["gold", "silver", "bronze", "poor", "critical"]

CALCULATED = "calculated"  # the upstream table of what no table holds
SHIPPED = Path(__file__).parent / "contracts"
_MAX_BYTES = 1 << 20


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Feature(_Frozen):
    """One feature of the model: where it comes from, what it may be, and how it counts."""

    index: int = Field(ge=0)
    name: Name
    category: CategoryName
    upstream_table: Name
    window: Name | None = None
    min: float
    max: float
    on_violation: Literal["warn", "clamp"]
    expected: float | None = None
    suspicious_default: bool = False
    fallback_reason: Name
    definition_version: Label
    weight: float = Field(default=1.0, ge=0)
    optional: bool = False
    critical: bool = False
    min_std: float | None = Field(default=None, ge=0)
    min_distinct: int | None = Field(default=None, ge=0)


class Source(_Frozen):
    """What a raw source word means."""

    type: SourceType
    base: Percent
    reliability: Share


class Window(_Frozen):
    """A window of past games; without a size, no sample is too small for it."""

    size: int | None = Field(default=None, ge=1)


class Category(_Frozen):
    """A group of features that is judged by itself."""

    name: CategoryName
    optional: bool = False


class Processor(_Frozen):
    """An upstream job, the table that it writes, and how to run it again.

    One that ``calculates`` also computes the features whose upstream table is ``calculated``.
    """

    name: Label
    writes: Name
    expected: bool = True
    rerun: str | None = None
    calculates: bool = False


class FeatureRules(_Frozen):
    """Thresholds of level 1; hours, games and points."""

    stale_hours: float = Field(ge=0)
    stale_penalty: Percent
    very_stale_hours: float = Field(ge=0)
    very_stale_penalty: Percent
    thin_sample: int = Field(ge=0)
    thin_penalty: Percent
    training_min_score: Percent


class Tiers(_Frozen):
    """Bounds of a record's tiers; gold lies above its bound, the rest begin at theirs."""

    gold_above: Percent
    silver_from: Percent
    bronze_from: Percent
    poor_from: Percent


class Alerts(_Frozen):
    """When a record is red or yellow, and when a default rate is worth a word."""

    gate_category: CategoryName
    red_category_below: Percent
    red_required_defaults_above: int = Field(ge=0)
    yellow_category_below: Percent
    yellow_required_defaults_above: int = Field(ge=0)
    default_rate_high: Share
    default_rate_raised: Share
    silent_defaults_from: int = Field(ge=1)


class Gate(_Frozen):
    """What a record must have to pass; what cannot be evaluated does not pass."""

    tiers: tuple[Tier, ...]
    min_score: Percent = 0.0
    category_min: dict[CategoryName, Percent] = {}
    no_critical_default: bool = False


class Legacy(_Frozen):
    """Thresholds of the three dual-written legacy fields."""

    phase4_share: Share
    partial_share: Share
    phase3_share: Share
    matchup_unavailable_below: Percent


class Flags(_Frozen):
    """Features that must all be available for a flag of the record to be TRUE."""

    has_composite_factors: tuple[Name, ...]
    has_opponent_defense: tuple[Name, ...]
    has_vegas_line: tuple[Name, ...]
    breakout_v3_features_available: tuple[Name, ...]


class ScoreCap(_Frozen):
    """From so many required defaults on, the record's score is at most ``max_score``."""

    min_required_defaults: int = Field(ge=1)
    max_score: Percent


class DiagnosisRules(_Frozen):
    """When the rows of a date say that something is wrong; shares from 0 to 1."""

    history_days: int = Field(ge=1)
    history_min_days: int = Field(ge=1)
    history_max_age_days: int = Field(ge=1)
    min_rows: int = Field(ge=2)
    break_days: int = Field(ge=2)
    warmup_games: float = Field(ge=0)
    table_default_share: Share
    default_rise_yellow: Share
    default_rise_red: Share
    stuck_share: Share
    stuck_red_share: Share
    stuck_red_std: Share
    rows_per_value: int = Field(ge=1)
    silent_share: Share
    silent_rise: Share
    silent_share_unmarked: Share
    stale_share: Share
    violation_share_yellow: Share
    violation_share_red: Share
    rows_per_game_yellow: Share
    rows_per_game_red: Share
    rows_yellow: Share
    rows_above: float = Field(ge=1)
    optional_normal: tuple[Share, Share]
    optional_shift: Share
    category_drop_yellow: Percent
    category_drop_red: Percent
    psi_bins: int = Field(ge=2, le=100)
    psi_above: float = Field(gt=0)
    psi_yellow: float = Field(gt=0)
    psi_noise: float = Field(ge=0)
    psi_over_usual: float = Field(ge=1)


class Contract(_Frozen):
    """A checked contract; see ``load_contract``."""

    name: Label
    detail_version: Label
    schema_version: Label
    categories: tuple[Category, ...]
    processors: tuple[Processor, ...] = ()
    features: tuple[Feature, ...] = Field(min_length=1)
    sources: dict[Name, Source]
    windows: dict[Name, Window] = {}
    feature_rules: FeatureRules
    tiers: Tiers
    alerts: Alerts
    training_ready: Gate
    production_ready: Gate
    legacy: Legacy
    flags: Flags
    legacy_prefixes: dict[Name, Name] = {}
    models: dict[Name, tuple[Name, ...]] = {}
    score_caps: tuple[ScoreCap, ...] = ()
    diagnosis: DiagnosisRules

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Feature names in index order."""
        return tuple(f.name for f in self.features)

    @cached_property
    def version_hash(self) -> str:
        """Twelve hex digits that change with anything in the contract."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def in_category(self, category: str) -> list[int]:
        """Indices of a category's features.

        >>> load_contract("v2_33features").in_category("vegas")
        [25, 26, 27, 28]
        """
        return [f.index for f in self.features if f.category == category]

    def __repr__(self) -> str:
        return f"Contract({self.name}, {len(self.features)} features, version {self.version_hash})"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """The features as a table, for a notebook; every word escaped."""
        head = ("#", "feature", "category", "upstream table", "range", "expected", "role")
        lines = [
            (f.index, f.name, f.category, f.upstream_table, f"{f.min:g} to {f.max:g}",
             "" if f.expected is None else f"{f.expected:g}",
             "critical" if f.critical else "optional" if f.optional else "")
            for f in self.features
        ]  # fmt: skip
        title = "".join(f"<th>{h}</th>" for h in head)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(str(v))}</td>" for v in line) + "</tr>" for line in lines
        )
        return (
            f"<div><p><strong>{escape(repr(self))}</strong></p>"
            f"<table><thead><tr>{title}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def writer(self, table: str) -> Processor | None:
        """The processor that writes a table; None if the contract names none.

        >>> load_contract().writer("player_composite_factors").name
        'PlayerCompositeFactorsProcessor'
        """
        by = (p for p in self.processors if p.writes == table or _calculates(p, table))
        return next(by, None)

    def __hash__(self) -> int:
        """Hash by content, so that what derives from a contract can be cached."""
        return hash(self.version_hash)


def _calculates(processor: Processor, table: str) -> bool:
    return processor.calculates and table == CALCULATED


def load_contract(contract: str | Path | Contract = "v2_33features") -> Contract:
    """Load and check a contract.

    Args:
        contract: the name of a shipped contract, or the path of a TOML file (it ends in
            ``.toml``); a loaded contract is returned as it is.

    Raises:
        ContractError: the file is absent, is not TOML, or breaks a rule; every fault is in
            ``.problems`` with its place and cure.

    >>> load_contract("v3_37features").features[33].name
    'star_teammate_out'
    """
    if isinstance(contract, Contract):
        return contract
    text = str(contract)
    return _shipped(text) if not text.endswith(".toml") else _checked(text, _merged(Path(text)))


def shipped_contracts() -> list[str]:
    """Names of the contracts that come with fsq."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


@lru_cache
def _shipped(name: str) -> Contract:
    if name not in shipped_contracts():
        cure = f"use one of {shipped_contracts()}, or a path that ends in .toml"
        raise ContractError(repr(name), [f"no contract of this name is shipped; {cure}"])
    return _checked(name, _merged(SHIPPED / f"{name}.toml"))


def _merged(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The file's data laid over that of the contract that it extends."""
    data = _toml(path)
    base_name = data.pop("extends", None)
    if base_name is None:
        return data
    if not isinstance(base_name, str):
        raise ContractError(str(path), ["extends: must be one contract's name"])
    if base_name.endswith(".toml"):
        base_path = path.parent / base_name
    elif base_name in shipped_contracts():
        base_path = SHIPPED / f"{base_name}.toml"
    else:
        cure = f"use one of {shipped_contracts()}, or a path that ends in .toml"
        raise ContractError(str(path), [f"extends: no contract {base_name!r}; {cure}"])
    if base_path.resolve() in (path.resolve(), *seen):
        raise ContractError(str(path), [f"extends: {base_name} extends it in turn; break the ring"])
    base = _merged(base_path, (*seen, path.resolve()))
    return _overlaid(base, data)


def _overlaid(base: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in data.items():
        old = base.get(key)
        if isinstance(old, list) and isinstance(value, list):
            out[key] = [*old, *value]
        elif isinstance(old, dict) and isinstance(value, dict):
            out[key] = {**old, **value}
        else:
            out[key] = value
    return out


def _toml(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ContractError(str(path), [f"larger than {_MAX_BYTES} bytes; not a contract"])
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(str(path), [f"cannot be read: {error}"]) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ContractError(str(path), [f"is not valid TOML: {error}"]) from error


def _checked(place: str, data: dict[str, Any]) -> Contract:
    try:
        contract = Contract.model_validate(data)
    except ValidationError as error:
        problems = [f"{_place(e['loc'], data)}: {e['msg']}" for e in error.errors()]
        raise ContractError(place, problems) from None
    if problems := _faults(contract):
        raise ContractError(place, problems)
    return contract


def _place(loc: tuple[int | str, ...], data: Any) -> str:
    """The fault's place in words: ``features[3] (points_std_last_10).min``."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            data = None
        if isinstance(part, int) and isinstance(data, dict) and isinstance(data.get("name"), str):
            text += f" ({data['name'][:60]})"
    return text or "the document"


def _faults(c: Contract) -> list[str]:
    """Faults that show only when the parts are held against each other."""
    known, out = set(c.names), []
    for what, items in (
        ("features", c.names),
        ("categories", [k.name for k in c.categories]),
        ("processors", [p.name for p in c.processors]),
    ):
        twice = sorted(n for n, count in Counter(items).items() if count > 1)
        out += [f"{what}: {n!r} is named twice; rename or remove one" for n in twice]
    indices = [f.index for f in c.features]
    if indices != list(range(len(indices))):
        out.append(
            f"features: indices must run 0, 1, … {len(indices) - 1} in order; found {indices}"
        )
    categories = {k.name for k in c.categories}
    for f in c.features:
        place = f"features[{f.index}] ({f.name})"
        if f.min > f.max:
            out.append(f"{place}.min: {f.min:g} is above max {f.max:g}; swap them")
        if f.category not in categories:
            out.append(f"{place}.category: {f.category!r} is not in categories; add it there")
        if f.window is not None and f.window not in c.windows:
            out.append(f"{place}.window: {f.window!r} is not in windows; add it there")
    for name in sorted({*CategoryName.__args__} - categories):  # type: ignore[attr-defined]
        out.append(f"categories: {name!r} is lacking; the output has its columns, so name it")
    for model, wanted in c.models.items():
        lacking = [n for n in wanted if n not in known]
        if lacking:
            out.append(f"models.{model}: nobody defines {lacking}; add them or remove the model")
    for word in ("missing", "default"):
        if word not in c.sources or c.sources[word].type != "default":
            out.append(f"sources.{word}: must be there, with type = 'default'")
    t, r = c.tiers, c.feature_rules
    if not t.gold_above >= t.silver_from >= t.bronze_from >= t.poor_from:
        out.append("tiers: bounds must fall from gold_above to poor_from")
    if r.stale_hours > r.very_stale_hours:
        out.append("feature_rules: stale_hours is above very_stale_hours; swap them")
    if sum(p.calculates for p in c.processors) > 1:
        out.append("processors: only one may have calculates = true; choose one")
    d = c.diagnosis
    for low, high in (
        ("default_rise_yellow", "default_rise_red"),
        ("violation_share_yellow", "violation_share_red"),
        ("rows_per_game_red", "rows_per_game_yellow"),
        ("category_drop_yellow", "category_drop_red"),
        ("psi_above", "psi_yellow"),
    ):
        if getattr(d, low) > getattr(d, high):
            out.append(f"diagnosis: {low} is above {high}; swap them")
    if d.optional_normal[0] > d.optional_normal[1]:
        out.append("diagnosis.optional_normal: the first share is above the second; swap them")
    if d.history_min_days > d.history_days:
        out.append("diagnosis: history_min_days is above history_days; lower it")
    clash = known & {w for f in c.features for w in (f.window, f.upstream_table) if w}
    cure = "is a window's or a table's name too; rename it"
    out += [f"features: {n!r} {cure}" for n in sorted(clash)]
    out += [
        f"processors ({p.name}).rerun: only the placeholder {{date}} is known"
        for p in c.processors
        if p.rerun and set(re.findall(r"\{([^}]*)\}", p.rerun)) - {"date"}
    ]
    return out
