"""Which features a model reads, in its own order, according to the model itself."""

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
_MAX_BYTES = 1 << 30  # of a model in text form
_SECONDS = 300  # for a library to read its model
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
        return _read_file(Path(model), contract, trust_pickle=trust_pickle)
    if isinstance(model, Iterable) and not hasattr(model, "predict"):
        names = tuple(model)
        if not all(isinstance(n, str) for n in names):
            raise InputError(
                ["the list holds other things than names; pass feature names"], HEADLINE
            )
        return _validate_names("of these features", names)
    return _validate_names(type(model).__name__, _read_fitted(model))


def _validate_names(model: str, names: tuple[str, ...]) -> ModelFeatures:
    problems = [] if names else [f"{model}: reads no features; pass a fitted model or names"]
    if names and all(_UNNAMED.fullmatch(n) for n in names):
        problems.append(
            f"{model}: its features have no names ({names[0]}, …); fit it on a frame "
            "with named columns, or pass the names in its order"
        )
    duplicates = [n for n, count in Counter(names).items() if count > 1]
    problems += [f"{model}: feature {n} occurs twice" for n in duplicates]
    if problems:
        raise InputError(problems, HEADLINE)
    return ModelFeatures(model, names)


def _read_fitted(model: Any) -> tuple[str, ...]:
    """Feature names of a fitted model, according to its library."""
    roots = {base.__module__.partition(".")[0] for base in type(model).__mro__}
    try:
        if "catboost" in roots:
            names = model.feature_names_
        elif "lightgbm" in roots:
            names = model.feature_name() if hasattr(model, "num_trees") else model.feature_name_
        elif "xgboost" in roots:
            booster = model.get_booster() if hasattr(model, "get_booster") else model
            names = booster.feature_names
        else:
            names = model.feature_names_in_
    except Exception as error:  # libraries raise different errors for an unfitted model
        problem = (
            f"{type(model).__name__}: does not say which features it reads ({error}); fit "
            "it on a frame with named columns, or pass the names in its order"
        )
        raise InputError([problem], HEADLINE) from error
    return () if names is None else tuple(str(n) for n in names)


def _read_file(path: Path, contract: Contract, *, trust_pickle: bool) -> ModelFeatures:
    loader = _LOADERS.get(path.suffix.lower())
    if loader is None or not path.is_file():
        known = sorted(contract.models)
        problem = (
            f"{path}: neither a model of {contract.name} ({known}) nor an existing model file "
            f"({', '.join(_LOADERS)})"
        )
        raise InputError([problem], HEADLINE)
    if loader is _read_pickle and not trust_pickle:
        problem = (
            f"{path}: a pickle can run any code when loaded; if you trust it, pass trust_pickle "
            "(--trust-pickle), or save the model as .cbm, .txt or .ubj"
        )
        raise InputError([problem], HEADLINE)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # libraries print; stdout is for results
            names = loader(path)
    except InputError:
        raise
    except Exception as error:  # each library raises its own errors
        problem = f"{path}: cannot be read as a model: {short(error, 300)}"
        raise InputError([problem], HEADLINE) from error
    return _validate_names(path.name, names)


def _require_library(name: str) -> None:
    """Refuse a model whose library is not installed, without importing it."""
    try:
        is_installed = find_spec(name) is not None
    except ValueError:  # sys.modules holds something else under this name
        is_installed = False
    if not is_installed:
        problem = f"{name} is not installed; pip install {name}, or pass the feature names"
        raise InputError([problem], HEADLINE)


def _read_lightgbm_text(path: Path) -> tuple[str, ...]:
    """Names from the head of the text; LightGBM itself would abort on a damaged file."""
    head, _, _ = read_text(path, _MAX_BYTES).partition("\n\n")
    if not head.startswith("tree\n"):
        raise ValueError("it does not begin like a LightGBM text model")
    facts = dict(line.split("=", 1) for line in head.splitlines() if "=" in line)
    names = tuple(facts["feature_names"].split(" "))
    if len(names) != int(facts["max_feature_idx"]) + 1:
        raise ValueError("it has not as many feature_names as features")
    return names


def _read_xgboost_text(path: Path) -> tuple[str, ...]:
    names = json.loads(read_text(path, _MAX_BYTES))["learner"]["feature_names"]
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise ValueError("its feature_names are not a list of names")
    return tuple(names)


def _make_isolated_reader(library: str, steps: str) -> Callable[[Path], tuple[str, ...]]:
    """A loader that uses a separate process, since a damaged file can crash the library."""

    def loader(path: Path) -> tuple[str, ...]:
        _require_library(library)
        code = f"import json, sys, {library}; {steps}; print(json.dumps(names))"
        command = [sys.executable, "-P", "-c", code, str(path)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)  # noqa: S603
        if run.returncode < 0:
            raise ValueError(f"{library} crashed with signal {-run.returncode}")
        if run.returncode:
            raise ValueError(run.stderr.strip().rpartition("\n")[2])
        return tuple(json.loads(run.stdout.splitlines()[-1]) or ())

    return loader


def _read_pickle(path: Path) -> tuple[str, ...]:
    _require_library("joblib")
    from joblib import load

    return _read_fitted(load(path))


_LOADERS: dict[str, Callable[[Path], tuple[str, ...]]] = {
    ".cbm": _make_isolated_reader(
        "catboost", "names = catboost.CatBoost().load_model(sys.argv[1]).feature_names_"
    ),
    ".txt": _read_lightgbm_text,
    ".json": _read_xgboost_text,
    ".ubj": _make_isolated_reader(
        "xgboost", "names = xgboost.Booster(model_file=sys.argv[1]).feature_names"
    ),
    ".joblib": _read_pickle,
    ".pkl": _read_pickle,
    ".pickle": _read_pickle,
}
