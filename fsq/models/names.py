"""The features that a model reads, in its own order, by the model's own word."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fsq.contract import Contract
from fsq.errors import InputError, short
from fsq.utils.files import read_text

HEADLINE = "the model cannot be checked"
_MAX_BYTES = 1 << 30  # of a model that is read as text
_SECONDS = 300  # for a model that its library reads
# What libraries call features that were never named.
_UNNAMED = re.compile(r"(Column_|f|x)?\d+")


@dataclass(frozen=True, slots=True)
class ModelFeatures:
    """A model's name for people, and its features in its order."""

    model: str
    features: tuple[str, ...]


def read_model_features(
    model: Any, contract: Contract, *, trust_pickle: bool = False
) -> ModelFeatures:
    """Find out which features a model reads.

    Args:
        model: a contract model's name, a file, names of features, or a fitted model.
        contract: whose models' names are known.
        trust_pickle: whether a pickled file may be loaded, which runs whatever is in it.

    Raises:
        InputError: there is no such model or file, its library is not installed, the file must
            not be trusted, or the model does not know the names of its features.

    >>> from fsq.contract import load_contract
    >>> read_model_features("v2_14features", load_contract()).features[0]
    'points_std_last_10'
    >>> read_model_features(["pace_score", "home_away"], load_contract()).features
    ('pace_score', 'home_away')
    """
    if isinstance(model, str) and model in contract.models:
        return ModelFeatures(model, contract.models[model])
    if isinstance(model, str | Path):
        return _of_file(Path(model), contract, trust_pickle=trust_pickle)
    if isinstance(model, Iterable) and not hasattr(model, "predict"):
        names = tuple(model)
        if not all(isinstance(n, str) for n in names):
            raise InputError(["the list holds more than names; pass names of features"], HEADLINE)
        return _sound("of these features", names)
    return _sound(type(model).__name__, _of_object(model))


def _sound(model: str, names: tuple[str, ...]) -> ModelFeatures:
    problems = [] if names else [f"{model}: reads no feature; pass a fitted model or names"]
    if names and all(_UNNAMED.fullmatch(n) for n in names):
        problems.append(
            f"{model}: its features have no names ({names[0]}, …); fit it on a frame "
            "with named columns, or pass the names in its order"
        )
    twice = [n for n, count in Counter(names).items() if count > 1]
    problems += [f"{model}: feature {n} is named twice" for n in twice]
    if problems:
        raise InputError(problems, HEADLINE)
    return ModelFeatures(model, names)


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
        problem = (
            f"{type(model).__name__}: does not say which features it reads ({error}); fit "
            "it on a frame with named columns, or pass the names in its order"
        )
        raise InputError([problem], HEADLINE) from error
    return () if found is None else tuple(str(n) for n in found)


def _of_file(path: Path, contract: Contract, *, trust_pickle: bool) -> ModelFeatures:
    loader = _LOADERS.get(path.suffix.lower())
    if loader is None or not path.is_file():
        known = sorted(contract.models)
        problem = (
            f"{path}: no model of {contract.name} ({known}) and no model file that is there "
            f"({', '.join(_LOADERS)})"
        )
        raise InputError([problem], HEADLINE)
    if loader is _pickled and not trust_pickle:
        problem = (
            f"{path}: loading a pickle runs whatever is in it; if you trust it, say so with "
            "trust_pickle (--trust-pickle), or save it as .cbm, .txt or .ubj"
        )
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


def _needs(name: str) -> None:
    """Refuse a model whose library is not there; it is not imported for that."""
    try:
        there = find_spec(name) is not None
    except ValueError:  # its place among the modules is taken
        there = False
    if not there:
        problem = f"{name} is not installed; pip install {name}, or pass the feature names"
        raise InputError([problem], HEADLINE)


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


def _apart(library: str, steps: str) -> Callable[[Path], tuple[str, ...]]:
    """A loader that reads a file in a process of its own, since a damaged one may end it."""

    def loader(path: Path) -> tuple[str, ...]:
        _needs(library)
        code = f"import json, sys, {library}; {steps}; print(json.dumps(names))"
        command = [sys.executable, "-P", "-c", code, str(path)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)  # noqa: S603
        if run.returncode < 0:
            raise ValueError(f"{library} ended over it with signal {-run.returncode}")
        if run.returncode:
            raise ValueError(run.stderr.strip().rpartition("\n")[2])
        return tuple(json.loads(run.stdout.splitlines()[-1]) or ())

    return loader


def _pickled(path: Path) -> tuple[str, ...]:
    _needs("joblib")
    from joblib import load

    return _of_object(load(path))


_LOADERS: dict[str, Callable[[Path], tuple[str, ...]]] = {
    ".cbm": _apart(
        "catboost", "names = catboost.CatBoost().load_model(sys.argv[1]).feature_names_"
    ),
    ".txt": _lightgbm,
    ".json": _xgboost_text,
    ".ubj": _apart("xgboost", "names = xgboost.Booster(model_file=sys.argv[1]).feature_names"),
    ".joblib": _pickled,
    ".pkl": _pickled,
    ".pickle": _pickled,
}
