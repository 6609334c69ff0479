"""A table unlike that of the shipped contracts: three keys, one of them an integer, and a time."""

from __future__ import annotations

from pathlib import Path

import polars as pl

import fsq
from fsq.demo import simulate_table

PATH = Path(__file__).with_suffix(".toml")
CONTRACT = fsq.load_contract(PATH)


def make_rows(dates: int = 40, entities: int = 100, incidents: bool = True) -> pl.DataFrame:
    """Feature rows of many dates, with incidents unless told otherwise."""
    rows = simulate_table(CONTRACT, 3, dates, entities, incidents)[0]
    return rows.with_columns(pl.col("flight").str.extract(r"(\d+)$").cast(pl.Int64))


def make_large_contract(features: int = 300, categories: int = 40) -> fsq.contract.Contract:
    """A contract of many features and categories, for the same table."""
    made = [
        CONTRACT.features[3].model_copy(
            update={
                "index": i,
                "name": f"feature_{i}",
                "category": f"category_{i % categories}",
                "upstream_table": f"table_{i % 7}",
            }
        )
        for i in range(features)
    ]
    names = [{"name": f"category_{i}"} for i in range(categories)]
    gates = {
        gate: {"tiers": ("gold", "silver"), "category_min": {n["name"]: 60 for n in names}}
        for gate in ("training_ready", "production_ready")
    }
    data = (
        CONTRACT.model_dump()
        | gates
        | {
            "name": "large",
            "categories": names,
            "features": [f.model_dump() for f in made],
            "processors": [],
            "tables": {},
            "alerts": {},
            "flags": {"has_first": ["feature_0"]},
            "models": {"all": [f.name for f in made]},
            "model_flags": {},
        }
    )
    return fsq.contract.Contract.model_validate(data)
