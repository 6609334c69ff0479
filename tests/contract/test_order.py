"""The order of a contract's entries decides codes and columns, so it is part of the contract."""

from __future__ import annotations

from datetime import datetime

import fsq
from fsq.contract import Contract, load_contract
from tests.support.frames import wide

NOW = datetime(2026, 3, 1)


def in_other_order(contract: Contract) -> Contract:
    return contract.model_copy(update={"sources": dict(reversed(contract.sources.items()))})


def test_contracts_in_another_order_are_two_and_score_the_same() -> None:
    contract = load_contract("v2_33features")
    other = in_other_order(contract)
    assert other != contract
    assert other.version_hash != contract.version_hash
    want = fsq.score(wide(), contract, now=NOW)
    assert fsq.score(wide(), other, now=NOW).equals(want)
    assert fsq.score(wide(), contract, now=NOW).equals(want)
