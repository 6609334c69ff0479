"""Hypothesis strategies: contracts, as a TOML parser would return them.

Names come from small pools, so that those of fsq's first table turn up where they mean nothing.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.support.oracle_forms import read_contract

Data = dict[str, Any]

# Dates end at whole and half hours, and at midnights that are there twice or not at all.
ZONES = [
    "UTC",
    "America/New_York",
    "Asia/Kolkata",
    "Pacific/Kiritimati",
    "America/Havana",
    "Africa/Cairo",
]
_KEYS = ["carrier", "flight", "Station", "player_lookup"]
_TABLES = ["weather_hourly", "aircraft_daily", "odds_api", "calculated"]
_WINDOWS: Data = {"last_3": {"size": 3}, "last_10": {"size": 10}, "season": {}}
_TYPES = ["measured", "estimated", "phase4", "guessed"]
_WORDS = ["sensor", "model", "phase4", "vegas", "calculated", "guess"]
_CATEGORIES = ["weather", "matchup", "aircraft", "vegas", "history"]
_FEATURES = ["temp", "wind_avg", "delay_last_3", "seats", "line", "move", "rest", "has_line"]
_JOBS = ["WeatherJob", "AircraftJob", "PlayerDailyCacheProcessor"]
_FLAGS = ["has_weather", "has_vegas_line", "has_aircraft"]
_MODEL_FLAGS = ["v3_ready", "breakout_v3_features_available"]
_MODELS = ["small", "large", "v2_14features"]

# Powers of two and whole numbers: weighted sums are exact, so that bounds are met exactly.
POINTS = st.sampled_from([0, 10, 40, 50, 62.5, 70, 85, 87, 95, 100])
PENALTIES = st.sampled_from([0, 2.5, 10, 20, 100])
HOURS = st.sampled_from([0, 0.5, 1, 6, 24, 36, 48, 72])
SHARES = st.sampled_from([0, 0.2, 0.25, 0.5, 0.9, 1])
COUNTS = st.sampled_from([0, 1, 2, 6])
THRESHOLDS: dict[str, st.SearchStrategy[Any]] = {
    "stale_hours": HOURS,
    "very_stale_hours": HOURS,
    "thin_sample": st.sampled_from([0, 1, 3, 5, 10]),
}
TIERS = ["gold", "silver", "bronze", "poor", "critical"]


def subsets(pool: list[Any], least: int = 0, most: int = 99) -> st.SearchStrategy[Any]:
    """Some of a pool, each once, in any order; any number of them is as likely."""
    sizes = st.integers(least, min(most, len(pool)))
    return st.tuples(sizes, st.permutations(pool)).map(lambda drawn: drawn[1][: drawn[0]])


@st.composite
def contract_data(draw: st.DrawFn) -> Data:
    """A sound contract; most sections may be left out."""
    names = draw(subsets(_FEATURES, 1))
    categories = draw(subsets(_CATEGORIES, 1, len(names)))
    types = draw(subsets(_TYPES, 1))
    words = draw(subsets(_WORDS, 1))
    # Each category has a feature, and the first label is no default.
    rest = [draw(st.sampled_from(categories)) for _ in names[len(categories) :]]
    homes = draw(st.permutations([*categories, *rest]))
    data: Data = {
        "name": draw(st.sampled_from(["drawn", "v2_33features", "Flights-2013.b"])),
        "table": draw(_tables()),
        "features": [draw(_features(n, c)) for n, c in zip(names, homes, strict=True)],
        "windows": _WINDOWS,
        "sources": draw(_sources(words, types)),
    }
    for section, strategy in _sections(names, categories, types, list(data["sources"])).items():
        if draw(st.booleans()):
            data[section] = draw(strategy)
    if draw(st.booleans()):
        gate = {"gate_category": draw(st.sampled_from(categories))}
        data["alerts"] = data.get("alerts", {}) | gate
    _order_hours(data)
    return data


@st.composite
def _tables(draw: st.DrawFn) -> Data:
    table: Data = {"keys": draw(subsets(_KEYS, 1, 3))}
    if draw(st.booleans()):
        table["time"] = "scheduled_at"
    if "time" not in table or draw(st.booleans()):
        table["date"] = draw(st.sampled_from(["date", "game_date", "flight_date"]))
    optional = {
        "timezone": st.sampled_from(ZONES),
        "group": st.sampled_from(["game_id", "event"]),
        "entity": st.sampled_from(["flight", "player"]),
    }
    return table | draw(st.fixed_dictionaries({}, optional=optional))


@st.composite
def _features(draw: st.DrawFn, name: str, category: str) -> Data:
    least = draw(st.sampled_from([-8, 0, 1]))
    most = least + draw(st.sampled_from([0, 1, 0.5, 70]))
    optional: dict[str, st.SearchStrategy[Any]] = {
        "window": st.sampled_from(list(_WINDOWS)),
        "on_violation": st.sampled_from(["warn", "clamp"]),
        "expected": st.sampled_from([least, most, (least + most) / 2, 0]),
        "suspicious_default": st.booleans(),
        "fallback_reason": st.sampled_from(["sensor_down", "no_line"]),
        "definition_version": st.sampled_from(["v2", "V2.1-b"]),
        "weight": st.sampled_from([0, 0.25, 0.5, 1, 3]),
        "optional": st.booleans(),
        "critical": st.booleans(),
    }
    required: dict[str, st.SearchStrategy[Any]] = {
        "name": st.just(name),
        "category": st.just(category),
        "upstream_table": st.sampled_from(_TABLES),
        "min": st.just(least),
        "max": st.just(most),
    }
    return draw(st.fixed_dictionaries(required, optional=optional | THRESHOLDS))


@st.composite
def _sources(draw: st.DrawFn, words: list[str], types: list[str]) -> Data:
    def meaning(kinds: list[str]) -> Data:
        share = st.sampled_from([0, 0.5, 0.9, 1])
        kind = st.sampled_from(kinds)
        return draw(st.fixed_dictionaries({"type": kind, "base": POINTS, "reliability": share}))

    sources = {w: meaning([*types, "default"] if i else types) for i, w in enumerate(words)}
    return sources | {w: meaning(["default"]) for w in draw(subsets(["default", "missing"]))}


def _sections(
    names: list[str], categories: list[str], types: list[str], words: list[str]
) -> dict[str, st.SearchStrategy[Any]]:
    """What a contract may leave out."""
    gate = {
        "min_score": POINTS,
        "category_min": st.dictionaries(st.sampled_from(categories), POINTS),
        "no_critical_default": st.booleans(),
    }
    gates = st.fixed_dictionaries({"tiers": subsets(TIERS)}, optional=gate)
    flag = subsets([*names, "no_such_feature"])
    flags = flag | st.fixed_dictionaries({"features": flag, "description": st.just("What it is")})
    thresholds = st.fixed_dictionaries({}, optional=THRESHOLDS)
    return {
        "schema_version": st.just("v3.0"),
        "detail_version": st.just("v3"),
        "source_types": _named(types, {"tier": st.sampled_from(TIERS[:4])}),
        "categories": st.permutations(categories).flatmap(_categories),
        "unlabelled": st.sampled_from([*words, "default", "missing"]),
        "processors": subsets(_JOBS).flatmap(_processors),
        "tables": st.dictionaries(st.sampled_from(_TABLES), thresholds),
        "feature_rules": st.fixed_dictionaries(
            {},
            optional=THRESHOLDS
            | dict.fromkeys(["stale_penalty", "very_stale_penalty", "thin_penalty"], PENALTIES)
            | {"training_min_score": POINTS},
        ),
        "tiers": st.lists(POINTS, min_size=4, max_size=4).map(_bounds),
        "alerts": st.fixed_dictionaries(
            {},
            optional={
                "red_category_below": POINTS,
                "yellow_category_below": POINTS,
                "red_required_defaults_above": COUNTS,
                "yellow_required_defaults_above": COUNTS,
                "default_rate_high": SHARES,
                "default_rate_raised": SHARES,
                "silent_defaults_from": st.sampled_from([1, 2, 3]),
            },
        ),
        "training_ready": gates,
        "production_ready": gates,
        "legacy": _legacy(words, categories),
        "flags": st.dictionaries(st.sampled_from(_FLAGS), flags),
        "models": st.dictionaries(st.sampled_from(_MODELS), subsets(names)),
        "model_column": st.sampled_from(["ready_for", "breakout_model_compatible"]),
        "model_flags": st.dictionaries(st.sampled_from(_MODEL_FLAGS), flags),
        "score_caps": st.lists(
            st.fixed_dictionaries(
                {"min_required_defaults": st.integers(1, 3), "max_score": POINTS}
            ),
            max_size=2,
        ),
    }


def _named(names: list[str], optional: Data, **stated: str) -> st.SearchStrategy[list[Data]]:
    """A table for each name, with some of the optional keys."""
    tables = [
        st.fixed_dictionaries(
            {k: st.just(v) for k, v in {"name": name, **stated}.items()}, optional=optional
        )
        for name in names
    ]
    return st.tuples(*tables).map(list)


def _categories(names: list[str]) -> st.SearchStrategy[list[Data]]:
    return _named(names, {"optional": st.booleans()})


def _processors(names: list[str]) -> st.SearchStrategy[list[Data]]:
    return _named(names, {"expected": st.just(False)}, writes=_TABLES[0])


def _legacy(words: list[str], categories: list[str]) -> st.SearchStrategy[Any]:
    required: dict[str, st.SearchStrategy[Any]] = {
        "primary": st.sampled_from(words),
        "secondary": st.sampled_from(words),
        "status_column": st.sampled_from(["matchup_data_status", "weather_data_status"]),
        "status_category": st.sampled_from(categories),
        "unavailable": st.sampled_from(["MATCHUP_UNAVAILABLE", "GONE"]),
    }
    shares = dict.fromkeys(["primary_share", "partial_share", "secondary_share"], SHARES)
    optional = shares | {"unavailable_below": POINTS}
    return st.fixed_dictionaries(required, optional=optional)


def _bounds(points: list[float]) -> Data:
    names = ["gold_above", "silver_from", "bronze_from", "poor_from"]
    return dict(zip(names, sorted(points, reverse=True), strict=True))


def _order_hours(data: Data) -> None:
    """Let nothing be very stale before it is stale."""
    rules = read_contract(data).rules
    if rules.stale_hours > rules.very_stale_hours:
        data["feature_rules"] |= {"very_stale_hours": rules.stale_hours}
    contract = read_contract(data)
    for stated, f in zip(data["features"], contract.features, strict=True):
        stale = contract.threshold(f, "stale_hours")
        if stale > contract.threshold(f, "very_stale_hours"):
            stated["very_stale_hours"] = stale
