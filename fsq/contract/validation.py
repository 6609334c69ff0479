"""Rules about how the parts of a contract fit together; types and ranges were checked before.

Each rule yields what is wrong as ``place: problem; cure``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from fsq.contract.expressions import ExpressionError, parse_expression
from fsq.contract.model import Contract
from fsq.schema.columns import DETAIL
from fsq.schema.provenance import PROVENANCE
from fsq.schema.vocabulary import DEFAULT

# Columns of input rows that are read by these names, whatever the contract says.
RECORD_COLUMNS = (
    "as_of",
    "computed_at",
    "updated_at",
    "created_at",
    "pipeline_run_id",
    "processors_completed",
    "features",
    "feature_store_values",
    "feature_names",
    DETAIL,
)


def find_contradictions(contract: Contract) -> list[str]:
    """List what is wrong with a contract whose parts are each valid.

    >>> from fsq.contract import load_contract
    >>> find_contradictions(load_contract("v2_33features"))
    []
    """
    return [problem for rule in _RULES for problem in rule(contract)]


def _check_duplicates(contract: Contract) -> Iterator[str]:
    for place, names in (
        ("features", contract.names),
        ("categories", [c.name for c in contract.categories]),
        ("source_types", contract.source_type_names),
        ("processors", [p.name for p in contract.processors]),
        ("identities", [i.name for i in contract.identities]),
    ):
        for name in sorted(n for n, count in Counter(names).items() if count > 1):
            yield f"{place}: {name!r} is named twice; rename or remove one"


def _check_indices(contract: Contract) -> Iterator[str]:
    indices = [f.index for f in contract.features]
    if indices != list(range(len(indices))):
        last = len(indices) - 1
        yield f"features: indices must run 0, 1, … {last} in order; found {indices}"


def _check_features(contract: Contract) -> Iterator[str]:
    categories = {c.name for c in contract.categories}
    for f in contract.features:
        place = f"features[{f.index}] ({f.name})"
        if f.min > f.max:
            yield f"{place}.min: {f.min:g} is above max {f.max:g}; swap them"
        if f.category not in categories:
            yield f"{place}.category: {f.category!r} is not in categories; add it there"
        if f.window is not None and f.window not in contract.windows:
            yield f"{place}.window: {f.window!r} is not in windows; add it there"


def _check_categories(contract: Contract) -> Iterator[str]:
    known = {*contract.category_names}
    for name in sorted(known - {f.category for f in contract.features}):
        yield f"categories: {name!r} has no feature; add one to it, or remove it"
    wanted = {
        "alerts.gate_category": contract.alerts.gate_category,
        "legacy.status_category": contract.legacy and contract.legacy.status_category,
    }
    for gate in ("training_ready", "production_ready"):
        wanted |= {f"{gate}.category_min.{c}": c for c in getattr(contract, gate).category_min}
    for place, category in wanted.items():
        if category is not None and category not in known:
            yield f"{place}: {category!r} is not in categories; add it there"


def _check_models(contract: Contract) -> Iterator[str]:
    for model, features in contract.models.items():
        if unknown := [n for n in features if n not in contract.names]:
            yield f"models.{model}: {unknown} are not features; add them or remove the model"


def _check_sources(contract: Contract) -> Iterator[str]:
    for label in ("missing", DEFAULT):
        if label not in contract.sources or contract.sources[label].type != DEFAULT:
            yield f"sources.{label}: missing or of another type; add it with type = 'default'"
    types = {*contract.source_type_names, DEFAULT}
    for label, source in contract.sources.items():
        if source.type not in types:
            yield f"sources.{label}.type: {source.type!r} is not in source_types; add it there"
    if DEFAULT in contract.source_type_names:
        yield "source_types: 'default' is always there; remove it"
    if contract.unlabelled is not None and contract.unlabelled not in contract.sources:
        yield f"unlabelled: {contract.unlabelled!r} is not in sources; add it there"


def _check_output(contract: Contract) -> Iterator[str]:
    names = [c.lower() for c in (*contract.table.key, *contract.output.names)]
    for name in sorted(n for n, count in Counter(names).items() if count > 1):
        yield f"the output would have two columns {name!r}; rename the key, flag or category"


def _check_identities(contract: Contract) -> Iterator[str]:
    for identity in contract.identities:
        for side in ("left", "right"):
            place = f"identities ({identity.name}).{side}"
            try:
                named = {*parse_expression(getattr(identity, side)).features()}
            except ExpressionError as error:
                yield f"{place}: {error}; use features, numbers, + - * / and parentheses"
                continue
            for name in sorted(named - {*contract.names}):
                yield f"{place}: {name!r} is not a feature; correct it"


def _check_thresholds(contract: Contract) -> Iterator[str]:
    tiers, rules = contract.tiers, contract.feature_rules
    if not tiers.gold_above >= tiers.silver_from >= tiers.bronze_from >= tiers.poor_from:
        yield "tiers: bounds must fall from gold_above to poor_from"
    for f in contract.features:
        if contract.threshold(f, "stale_hours") > contract.threshold(f, "very_stale_hours"):
            place = f"features[{f.index}] ({f.name})"
            yield f"{place}: its stale_hours lie above its very_stale_hours; swap them"
    if rules.stale_hours > rules.very_stale_hours:
        yield "feature_rules: stale_hours is above very_stale_hours; swap them"


def _check_diagnosis(contract: Contract) -> Iterator[str]:
    rules = contract.diagnosis
    if rules.history_min_days > rules.history_days:
        yield "diagnosis: history_min_days is above history_days; lower it"


def _check_processors(contract: Contract) -> Iterator[str]:
    if sum(p.calculates for p in contract.processors) > 1:
        yield "processors: only one may have calculates = true; choose one"
    for p in contract.processors:
        place = f"processors ({p.name}).rerun"
        if p.rerun and re.search(r"[{}]", p.rerun.replace("{date}", "")):
            yield f"{place}: {{date}} is the only placeholder; remove other braces"
        if p.rerun and not p.rerun.isprintable():
            yield f"{place}: must be one line of printable characters"


def _check_feature_names(contract: Contract) -> Iterator[str]:
    owners = {o for f in contract.features for o in (f.window, f.upstream_table) if o}
    for name in sorted({*contract.names} & owners):
        yield f"features: {name!r} is also the name of a window or table; rename it"
    reserved = _reserved_names(contract)
    for name in contract.names:
        if reserved.fullmatch(name):
            yield f"features: {name!r} is the name of another input column; rename it"


def _reserved_names(contract: Contract) -> re.Pattern[str]:
    """What input rows call their other columns, in any form."""
    columns = [
        *contract.table.key,
        *([contract.table.group] if contract.table.group else []),
        *contract.output.legacy,
        *RECORD_COLUMNS,
    ]
    suffixes = "|".join(map(re.escape, ("source", *PROVENANCE)))
    names = "|".join(map(re.escape, columns))
    return re.compile(rf"{names}|feature_\d+_(value|source)|.*__({suffixes})")


_RULES = (
    _check_duplicates,
    _check_indices,
    _check_features,
    _check_categories,
    _check_models,
    _check_sources,
    _check_output,
    _check_identities,
    _check_thresholds,
    _check_processors,
    _check_diagnosis,
    _check_feature_names,
)
