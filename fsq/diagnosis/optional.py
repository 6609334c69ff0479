"""Which optional features belong together, and which of them say whether they are available."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from fsq.contract import Contract, Feature


@dataclass(frozen=True)
class OptionalGroup:
    """Optional features of one upstream table that are available together.

    Attributes:
        name: of the table, or of the only feature.
        table: the upstream table.
        features: all of them.
        deciding: a record has the group where none of these is default.
    """

    name: str
    table: str
    features: tuple[Feature, ...]
    deciding: tuple[Feature, ...]


def find_flag(contract: Contract, names: Collection[str]) -> str | None:
    """Find the first flag that looks at some of these features, and at no others.

    >>> from fsq.contract import load_contract
    >>> find_flag(load_contract("v2_33features"), ["opponent_pace", "opponent_def_rating"])
    'has_opponent_defense'
    """
    return next((n for n, f in contract.flags.items() if set(f.features) <= {*names}), None)


def group_optional(contract: Contract) -> Iterator[OptionalGroup]:
    """Group the optional features by upstream table, if a flag says when they are available.

    Without such a flag each optional feature is judged by itself.
    """
    tables: dict[str, list[Feature]] = {}
    for f in contract.features:
        if f.optional:
            tables.setdefault(f.upstream_table, []).append(f)
    for table, features in tables.items():
        flag = find_flag(contract, [f.name for f in features])
        if flag is None:
            for f in features:
                yield OptionalGroup(f.name, table, (f,), (f,))
        else:
            deciding = tuple(f for f in features if f.name in contract.flags[flag].features)
            yield OptionalGroup(table, table, tuple(features), deciding)
