"""fsq: quality and lineage of every feature in a feature store.

>>> import fsq
>>> fsq.load_contract("v2_33features").names[5]
'fatigue_score'
"""

from __future__ import annotations

from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fsq.contract import Contract, load_contract
from fsq.diagnosis import Diagnosis, Finding, diagnose, learn_profile
from fsq.diagnosis.explain import Explanation, explain
from fsq.diagnosis.trend import trend
from fsq.errors import ContractError, FsqError, InputError, ModelIncompatibleError, StoreError
from fsq.intake.run_context import RunContext
from fsq.models import ModelCheck, check_model
from fsq.namespace import FrameNamespace, LazyNamespace
from fsq.profile import Profile
from fsq.scoring.engine import score
from fsq.scoring.explode import explode_detail
from fsq.training import TrainingSet, training_set
from fsq.utils.version import VERSION

if TYPE_CHECKING:
    from fsq.backfilling import BackfillOptions, BackfillResult, Progress, backfill
    from fsq.reporting import report
    from fsq.stores import Store

__version__ = VERSION
__all__ = [
    "BackfillOptions",
    "BackfillResult",
    "Contract",
    "ContractError",
    "Diagnosis",
    "Explanation",
    "Finding",
    "FrameNamespace",
    "FsqError",
    "InputError",
    "LazyNamespace",
    "ModelCheck",
    "ModelIncompatibleError",
    "Profile",
    "Progress",
    "RunContext",
    "StoreError",
    "TrainingSet",
    "backfill",
    "check_model",
    "diagnose",
    "explain",
    "explode_detail",
    "learn_profile",
    "load_contract",
    "open_store",
    "report",
    "score",
    "training_set",
    "trend",
]

# Loaded when first used, so that ``import fsq`` is fast.
_LATE = {
    "BackfillOptions": "fsq.backfilling",
    "BackfillResult": "fsq.backfilling",
    "Progress": "fsq.backfilling",
    "backfill": "fsq.backfilling",
    "report": "fsq.reporting",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATE[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LATE])


def open_store(uri: str | PathLike[str], contract: str | Path | Contract | None = None) -> Store:
    """Open a store by its URI; its table need not exist yet.

    Args:
        uri: a folder for a Delta table, ``~`` being the home, or
            ``bigquery://project.dataset.table``.
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
