"""fsq: quality and lineage of every feature in a feature store.

>>> import fsq
>>> fsq.load_contract("v2_33features").names[5]
'fatigue_score'
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fsq.contract import Contract, load_contract
from fsq.diagnosis import Diagnosis, Finding, diagnose, learn_profile
from fsq.errors import ContractError, FsqError, InputError, ModelIncompatibleError, StoreError
from fsq.intake.run_context import RunContext
from fsq.models import ModelCheck, check_model
from fsq.namespace import FrameNamespace, LazyNamespace
from fsq.profile import Profile
from fsq.scoring.engine import explode_detail, score
from fsq.training import TrainingSet, training_set
from fsq.utils.version import VERSION

if TYPE_CHECKING:
    from fsq.stores import Store

__version__ = VERSION
__all__ = [
    "Contract",
    "ContractError",
    "Diagnosis",
    "Finding",
    "FrameNamespace",
    "FsqError",
    "InputError",
    "LazyNamespace",
    "ModelCheck",
    "ModelIncompatibleError",
    "Profile",
    "RunContext",
    "StoreError",
    "TrainingSet",
    "check_model",
    "diagnose",
    "explode_detail",
    "learn_profile",
    "load_contract",
    "open_store",
    "score",
    "training_set",
]


def open_store(uri: str, contract: str | Path | Contract | None = None) -> Store:
    """Open a store by its URI; its table need not exist yet.

    Args:
        uri: a folder for a Delta table, or ``bigquery://project.dataset.table``.
        contract: of the rows to read and write; None for the one that the table remembers, or
            ``v2_33features`` for a table that remembers none.

    Raises:
        InputError: a malformed BigQuery URI, or the extra for it is not installed.
        ContractError: the contract cannot be used.
        StoreError: the URI names something that is not a Delta table, or no backend has its
            scheme.

    >>> open_store("warehouse/ml_feature_store_v2").version() is None
    True
    """
    from fsq.stores import open_store as open_uri  # imported late, so that ``import fsq`` is fast

    return open_uri(uri, contract)
