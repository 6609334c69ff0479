"""Drafting a first contract from the data that it is to describe."""

from fsq.contract.drafting.draft import draft_contract

__all__ = ["draft_contract"]
