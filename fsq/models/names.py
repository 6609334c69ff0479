"""Which features a model reads, in its own order, according to the model itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsq.contract import Contract
from fsq.errors import InputError
from fsq.models.files import FORMS, read_file
from fsq.models.fitted import FIT_WITH_NAMES, HEADLINE, read_fitted
from fsq.utils.arguments import read_names

# What libraries call features without names.
_UNNAMED = re.compile(r"(Column_|f|x)?\d+")


@dataclass(frozen=True, slots=True)
class ModelFeatures:
    """A model's name for people, and the names of its features in its own order."""

    model: str
    names: tuple[str, ...]


def read_model_features(
    model: Any, contract: Contract, *, trust_pickle: bool = False
) -> ModelFeatures:
    """Find out which features a model reads.

    Args:
        model: a contract model's name, a file, names of features, or a fitted model.
        contract: the contract whose models may be named.
        trust_pickle: whether to load a pickled file, which can run any code.

    Raises:
        InputError: there is no such model or file, its library is not installed, the file is an
            untrusted pickle, or the model does not know the names of its features.

    >>> from fsq.contract import load_contract
    >>> read_model_features("v2_14features", load_contract()).names[0]
    'points_std_last_10'
    >>> read_model_features(["pace_score", "home_away"], load_contract()).names
    ('pace_score', 'home_away')
    """
    if isinstance(model, str) and model in contract.models:
        if not contract.models[model]:
            cure = f"name its features in the contract {contract.name}"
            raise InputError([f"{model}: reads no features; {cure}"], HEADLINE)
        return ModelFeatures(model, contract.models[model])
    if isinstance(model, str | Path):
        names = read_file(Path(model), trust_pickle=trust_pickle)
        if names is None:
            known = sorted(contract.models)
            problem = (
                f"{model}: neither a model of {contract.name} ({known}) nor an existing model file "
                f"({FORMS})"
            )
            raise InputError([problem], HEADLINE)
        return _validate_names(Path(model).name, names)
    if isinstance(model, Iterable) and not hasattr(model, "predict"):
        names = read_names(model, "model", HEADLINE) or ()
        return _validate_names("of these features", names)
    return _validate_names(type(model).__name__, read_fitted(model))


def _validate_names(model: str, names: tuple[str, ...]) -> ModelFeatures:
    problems = [] if names else [f"{model}: reads no features; pass a fitted model or names"]
    if names and all(_UNNAMED.fullmatch(n) for n in names):
        problems.append(f"{model}: its features have no names ({names[0]}, …); {FIT_WITH_NAMES}")
    duplicates = [n for n, count in Counter(names).items() if count > 1]
    problems += [f"{model}: feature {n} occurs twice" for n in duplicates]
    if problems:
        raise InputError(problems, HEADLINE)
    return ModelFeatures(model, names)
