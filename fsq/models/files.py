"""Feature names from a model's file, told by its content: endings and versions vary."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fsq.errors import InputError, short
from fsq.models.fitted import HEADLINE, Names, name_columns, read_fitted
from fsq.utils.files import expand_home, read_text

_MAX_BYTES = 1 << 30  # of a model in text form
_SECONDS = 300  # for a library to read its model
FORMS = ".cbm, .txt, .json, .ubj, .joblib, .pkl, .pickle"

log = logging.getLogger("fsq")


def read_file(path: Path, *, trust_pickle: bool) -> Names | None:
    """Names of the features that a model file reads; None if there is no such file.

    Raises:
        InputError: it is of no known form, damaged, an untrusted pickle, or its library is not
            installed; the message says which, and the version that the file states.
    """
    path = Path(expand_home(path))
    if not path.is_file():
        return None
    loader = _choose_loader(path)
    if loader is None:
        cure = f"save it as one of {FORMS}, or pass the names of its features"
        raise InputError([f"{path}: its form is not known; {cure}"], HEADLINE)
    if loader is _read_pickle and not trust_pickle:
        problem = (
            f"{path}: a pickle can run any code when loaded; if you trust it, pass trust_pickle "
            "(--trust-pickle), or save the model as .cbm, .txt or .ubj"
        )
        raise InputError([problem], HEADLINE)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # libraries print; stdout is for results
            return loader(path)
    except InputError:
        raise
    except Exception as error:  # each library raises its own errors
        problem = f"{path}: cannot be read as a model: {short(_describe(error), 300)}"
        raise InputError([problem], HEADLINE) from error


def _describe(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it lacks {error.args[0]!r}"
    return str(error) or type(error).__name__


def _choose_loader(path: Path) -> Callable[[Path], Names] | None:
    """The loader of a file's ending, else of how it begins; None if neither is known."""
    by_ending = _LOADERS.get(path.suffix.lower())
    if by_ending is not None:
        return by_ending
    with path.open("rb") as file:
        head = file.read(64)
    return next((loader for start, loader in _STARTS if head.startswith(start)), None)


def _require_library(name: str) -> None:
    """Refuse a model whose library is not installed, without importing it."""
    try:
        is_installed = find_spec(name) is not None
    except ValueError:  # sys.modules holds something else under this name
        is_installed = False
    if not is_installed:
        problem = f"{name} is not installed; pip install {name}, or pass the feature names"
        raise InputError([problem], HEADLINE)


def _read_lightgbm_text(path: Path) -> Names:
    """Names from the head of the text; LightGBM itself would abort on a damaged file."""
    text = read_text(path, _MAX_BYTES)
    if not text.strip():
        raise ValueError("it is empty")
    head = text.partition("\n\n")[0]
    if not head.startswith("tree\n"):
        raise ValueError("it does not begin like a LightGBM text model")
    facts = dict(line.split("=", 1) for line in head.splitlines() if "=" in line)
    stated = facts.get("version", "no version")
    if "feature_names" not in facts or "max_feature_idx" not in facts:
        known = "fsq knows v2 to v4"
        raise ValueError(f"LightGBM's text of {stated} lacks the feature names; {known}")
    names = tuple(facts["feature_names"].split(" "))
    if len(names) != int(facts["max_feature_idx"]) + 1:
        raise ValueError(f"it has not as many feature_names as features ({stated})")
    return names


def _read_xgboost_text(path: Path) -> Names:
    text = read_text(path, _MAX_BYTES)
    if not text.strip():
        raise ValueError("it is empty")
    document = json.loads(text)
    if isinstance(document, dict) and "tree_info" in document:
        raise ValueError("it is LightGBM's dump; save the model with save_model, as .txt")
    learner = document["learner"]
    names = learner.get("feature_names", [])
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise ValueError("its feature_names are not a list of names")
    if names:
        return tuple(names)
    written = ".".join(map(str, document.get("version", []))) or "an unknown version"
    count = int(learner["learner_model_param"]["num_feature"])
    return name_columns(count, f"{path.name} (XGBoost {written})")


def _make_isolated_reader(library: str, steps: str) -> Callable[[Path], Names]:
    """A loader that uses a separate process, since a damaged file can crash the library."""

    def loader(path: Path) -> Names:
        _require_library(library)
        installed = _find_version(library)
        if path.stat().st_size == 0:
            raise ValueError("it is empty")
        code = f"import json, sys, {library}; {steps}; print(json.dumps([names, count]))"
        command = [sys.executable, "-P", "-c", code, str(path)]
        run = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_SECONDS, encoding="utf-8"
        )
        if run.returncode < 0:
            raise ValueError(f"{library} {installed} crashed with signal {-run.returncode}")
        if run.returncode:
            cause = run.stderr.strip().rpartition("\n")[2]
            raise ValueError(f"{library} {installed} cannot load it: {cause}")
        names, count = json.loads(run.stdout.splitlines()[-1])
        return (
            tuple(names) if names else name_columns(count, f"{path.name} ({library} {installed})")
        )

    return loader


def _find_version(library: str) -> str:
    for name in (library, f"{library}-cpu"):
        with contextlib.suppress(PackageNotFoundError):
            return version(name)
    return "of an unknown version"


def _read_pickle(path: Path) -> Names:
    _require_library("joblib")
    from joblib import load

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model: Any = load(path)
    for text in dict.fromkeys(str(w.message).partition("\n")[0] for w in told):
        log.warning("%s: %s", path.name, short(text, 300))  # of another version, say
    return read_fitted(model)


_read_catboost = _make_isolated_reader(
    "catboost",
    "names = catboost.CatBoost().load_model(sys.argv[1]).feature_names_; count = len(names)",
)
_read_xgboost = _make_isolated_reader(
    "xgboost",
    "m = xgboost.Booster(model_file=sys.argv[1]); names, count = m.feature_names, m.num_features()",
)
_LOADERS: dict[str, Callable[[Path], Names]] = {
    ".cbm": _read_catboost,
    ".txt": _read_lightgbm_text,
    ".json": _read_xgboost_text,
    ".ubj": _read_xgboost,
    ".joblib": _read_pickle,
    ".pkl": _read_pickle,
    ".pickle": _read_pickle,
}
# How files begin that have another ending, such as .model, .bin or .bst.
_STARTS: tuple[tuple[bytes, Callable[[Path], Names]], ...] = (
    (b"CBM1", _read_catboost),
    (b"tree\n", _read_lightgbm_text),
    (b"tree\r\n", _read_lightgbm_text),
    (b"\xef\xbb\xbftree", _read_lightgbm_text),
    (b'{"', _read_xgboost_text),
    (b"{L", _read_xgboost),
    (b"binf", _read_xgboost),
    (b"\x80", _read_pickle),
)
