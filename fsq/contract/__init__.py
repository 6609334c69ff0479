"""Contracts: what is specific to a feature table, as validated data."""

from fsq.contract.loading import choose_contract, load_contract, shipped_contracts
from fsq.contract.model import Contract
from fsq.contract.rules import Gate
from fsq.contract.sections import Feature

__all__ = ["Contract", "Feature", "Gate", "choose_contract", "load_contract", "shipped_contracts"]
