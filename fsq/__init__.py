"""fsq: quality and lineage of every feature in a feature store.

>>> import fsq
>>> fsq.load_contract("v2_33features").names[5]
'fatigue_score'
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsq.utils.forks  # noqa: F401 - sees forks from now on, whatever is used first
from fsq.utils.late import run_after_import
from fsq.utils.version import VERSION

if TYPE_CHECKING:
    from fsq.backfilling import BackfillOptions, BackfillResult, Progress, backfill
    from fsq.contract import Contract, load_contract
    from fsq.diagnosis import Diagnosis, Finding
    from fsq.diagnosis.diagnose import diagnose, learn_profile
    from fsq.diagnosis.explain import Explanation, explain
    from fsq.diagnosis.trend import trend
    from fsq.errors import ContractError, FsqError, InputError, ModelIncompatibleError, StoreError
    from fsq.intake.run_context import RunContext
    from fsq.models import ModelCheck, check_model
    from fsq.namespace import FrameNamespace, LazyNamespace
    from fsq.profile import Profile
    from fsq.reporting import report
    from fsq.scoring.engine import score
    from fsq.scoring.explode import explode_detail
    from fsq.stores import Store
    from fsq.training import TrainingSet
    from fsq.training.training_set import training_set

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

# Where each name lies. It is loaded when it is first used, so that ``import fsq`` is fast.
_PLACES = {
    "fsq.backfilling": ("BackfillOptions", "BackfillResult", "Progress", "backfill"),
    "fsq.contract": ("Contract", "load_contract"),
    "fsq.diagnosis": ("Diagnosis", "Finding"),
    "fsq.diagnosis.diagnose": ("diagnose", "learn_profile"),
    "fsq.diagnosis.explain": ("Explanation", "explain"),
    "fsq.diagnosis.trend": ("trend",),
    "fsq.errors": (
        "ContractError",
        "FsqError",
        "InputError",
        "ModelIncompatibleError",
        "StoreError",
    ),
    "fsq.intake.run_context": ("RunContext",),
    "fsq.models": ("ModelCheck", "check_model"),
    "fsq.namespace": ("FrameNamespace", "LazyNamespace"),
    "fsq.profile": ("Profile",),
    "fsq.reporting": ("report",),
    "fsq.scoring.engine": ("score",),
    "fsq.scoring.explode": ("explode_detail",),
    "fsq.training": ("TrainingSet",),
    "fsq.training.training_set": ("training_set",),
}
_LATE = {name: place for place, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        value = getattr(import_module(_LATE[name]), name)
        globals()[name] = value  # found at once from now on
        return value
    # ``fsq.contract`` is there without an import of its own, as after an import of all modules.
    if not name.startswith("_") and find_spec(f"{__name__}.{name}") is not None:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})


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
    from fsq.stores import open_store as open_uri

    return open_uri(uri, contract)


# ``df.fsq`` and ``lf.fsq`` are there once both modules are imported, in either order.
run_after_import("polars", lambda: import_module("fsq.namespace"))
