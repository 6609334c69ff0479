"""The features that a model reads, in its own order, by the model's own word."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from fsq.contract import Contract
from fsq.errors import InputError, short
from fsq.files import read_text

HEADLINE = "the model cannot be checked"
_MAX_BYTES = 1 << 30  # of a model that is read as text
# What libraries call features that were never named.
_UNNAMED = re.compile(r"(Column_|f|x)?\d+")


@dataclass(frozen=True, slots=True)
class Named:
    """A model's name for people, and its features in its order."""

    model: str
    features: tuple[str, ...]


def named(model: Any, contract: Contract, *, trust_pickle: bool = False) -> Named:
    """Find out which features a model reads.

    Args:
        model: a contract model's name, a file, names of features, or a fitted model.
        contract: whose models' names are known.
        trust_pickle: whether a pickled file may be loaded, which runs whatever is in it.

    Raises:
        InputError: there is no such model or file, its library is not installed, the file must
            not be trusted, or the model does not know the names of its features.

    >>> from fsq.contract import load_contract
    >>> named("v2_14features", load_contract()).features[0]
    'points_std_last_10'
    >>> named(["pace_score", "home_away"], load_contract()).features
    ('pace_score', 'home_away')
    """
    if isinstance(model, str) and model in contract.models:
        return Named(model, contract.models[model])
    if isinstance(model, str | Path):
        return _of_file(Path(model), contract, trust_pickle=trust_pickle)
    if isinstance(model, Iterable) and not hasattr(model, "predict"):
        names = tuple(model)
        if not all(isinstance(n, str) for n in names):
            raise InputError(["the list holds more than names; pass names of features"], HEADLINE)
        return _sound("of these features", names)
    return _sound(type(model).__name__, _of_object(model))


def _sound(model: str, names: tuple[str, ...]) -> Named:
    problems = [] if names else [f"{model}: reads no feature; pass a fitted model or names"]
    if names and all(_UNNAMED.fullmatch(n) for n in names):
        problems.append(f"{model}: its features have no names ({names[0]}, …); fit it on a frame "
                        "with named columns, or pass the names in its order")  # fmt: skip
    twice = [n for n, count in Counter(names).items() if count > 1]
    problems += [f"{model}: feature {n} is named twice" for n in twice]
    if problems:
        raise InputError(problems, HEADLINE)
    return Named(model, names)


def _of_object(model: Any) -> tuple[str, ...]:
    """Names from a fitted model, by the library that it belongs to."""
    roots = {base.__module__.partition(".")[0] for base in type(model).__mro__}
    try:
        if "catboost" in roots:
            found = model.feature_names_
        elif "lightgbm" in roots:
            found = model.feature_name() if hasattr(model, "num_trees") else model.feature_name_
        elif "xgboost" in roots:
            booster = model.get_booster() if hasattr(model, "get_booster") else model
            found = booster.feature_names
        else:
            found = model.feature_names_in_
    except Exception as error:  # an unfitted model raises as its library likes
        problem = (f"{type(model).__name__}: does not say which features it reads ({error}); fit "
                   "it on a frame with named columns, or pass the names in its order")  # fmt: skip
        raise InputError([problem], HEADLINE) from error
    return () if found is None else tuple(str(n) for n in found)


def _of_file(path: Path, contract: Contract, *, trust_pickle: bool) -> Named:
    loader = _LOADERS.get(path.suffix.lower())
    if loader is None or not path.is_file():
        known = sorted(contract.models)
        problem = (f"{path}: no model of {contract.name} ({known}) and no model file that is there "
                   f"({', '.join(_LOADERS)})")  # fmt: skip
        raise InputError([problem], HEADLINE)
    if loader is _pickled and not trust_pickle:
        problem = (f"{path}: loading a pickle runs whatever is in it; if you trust it, say so with "
                   "trust_pickle (--trust-pickle), or save it as .cbm, .txt or .ubj")  # fmt: skip
        raise InputError([problem], HEADLINE)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # libraries talk; stdout is for results
            names = loader(path)
    except InputError:
        raise
    except Exception as error:  # each library raises its own
        problem = f"{path}: is not such a model, or is damaged: {short(error, 300)}"
        raise InputError([problem], HEADLINE) from error
    return _sound(path.name, names)


def _library(name: str, package: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        problem = f"{name} is not installed; pip install {package}, or pass the feature names"
        raise InputError([problem], HEADLINE) from error


def _catboost(path: Path) -> tuple[str, ...]:
    model = _library("catboost", "catboost").CatBoost()
    return _of_object(model.load_model(str(path)))


def _lightgbm(path: Path) -> tuple[str, ...]:
    """Names from the head of the text; the library ends the process over a damaged file."""
    head, _, _ = read_text(path, _MAX_BYTES).partition("\n\n")
    if not head.startswith("tree\n"):
        raise ValueError("it does not begin like a LightGBM text model")
    facts = dict(line.split("=", 1) for line in head.splitlines() if "=" in line)
    names = tuple(facts["feature_names"].split(" "))
    if len(names) != int(facts["max_feature_idx"]) + 1:
        raise ValueError("its feature_names are not as many as its features")
    return names


def _xgboost_text(path: Path) -> tuple[str, ...]:
    names = json.loads(read_text(path, _MAX_BYTES))["learner"]["feature_names"]
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise ValueError("its feature_names are no list of names")
    return tuple(names)


def _xgboost(path: Path) -> tuple[str, ...]:
    model = _library("xgboost", "xgboost").Booster()
    model.load_model(str(path))
    return _of_object(model)


def _pickled(path: Path) -> tuple[str, ...]:
    return _of_object(_library("joblib", "joblib").load(path))


_LOADERS: dict[str, Callable[[Path], tuple[str, ...]]] = {
    ".cbm": _catboost,
    ".txt": _lightgbm,
    ".json": _xgboost_text,
    ".ubj": _xgboost,
    ".joblib": _pickled,
    ".pkl": _pickled,
    ".pickle": _pickled,
}
