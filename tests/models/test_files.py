"""Model files as editors, systems and library versions leave them."""

from __future__ import annotations

import json
import pickle
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

import fsq
from fsq.models.names import read_model_features

NAMES = ("points_avg_last_10", "pace_score", "fatigue_score")
CONTRACT = fsq.load_contract()
X = np.random.default_rng(0).random((60, 3))
Y = X.sum(1)
FRAME = pd.DataFrame(X, columns=list(NAMES))


def fit_lightgbm(x: Any) -> str:
    options = {"verbosity": -1, "num_leaves": 4, "min_data_in_leaf": 2}
    return lightgbm.train(options, lightgbm.Dataset(x, label=Y), 2).model_to_string()


def fit_xgboost(x: Any) -> Any:
    xgboost = pytest.importorskip("xgboost")
    return xgboost.train({"max_depth": 2}, xgboost.DMatrix(x, label=Y), 2)


def read(path: Path) -> tuple[str, ...]:
    return read_model_features(path, CONTRACT).names


WRITERS: dict[str, Callable[[str], bytes]] = {
    "as it is": lambda text: text.encode(),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "a byte order mark": lambda text: text.encode("utf-8-sig"),
    "both": lambda text: text.replace("\n", "\r\n").encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "a line end at its end": lambda text: (text + "\r\n").encode(),
}


@pytest.mark.parametrize("how", WRITERS)
@pytest.mark.parametrize("form", ["m.txt", "m.json"])
def test_text_models_as_editors_leave_them(how: str, form: str, tmp_path: Path) -> None:
    models = {
        "m.txt": lambda: fit_lightgbm(FRAME),
        "m.json": lambda: fit_xgboost(FRAME).save_raw("json").decode(),
    }
    (tmp_path / form).write_bytes(WRITERS[how](models[form]()))
    assert read(tmp_path / form) == NAMES


@pytest.mark.parametrize("ending", ["model", "bin", "bst", "MODEL", "v2"])
@pytest.mark.parametrize("form", ["text", "json", "ubj"])
def test_the_content_tells_the_form_where_the_ending_does_not(
    form: str, ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"m.{ending}"
    if form == "text":
        path.write_text(fit_lightgbm(FRAME))
    else:
        path.write_bytes(fit_xgboost(FRAME).save_raw(form))
    assert read(path) == NAMES


def test_boosters_that_were_fitted_on_numpy_say_so(tmp_path: Path) -> None:
    booster = fit_xgboost(X)
    for form in ("json", "ubj"):
        path = tmp_path / f"m.{form}"
        path.write_bytes(booster.save_raw(form))
        with pytest.raises(fsq.InputError, match=r"(?i)m\..*xgboost \d.* 3 columns without names"):
            read(path)
    (tmp_path / "m.txt").write_text(fit_lightgbm(X))
    with pytest.raises(fsq.InputError, match=r"Column_0.*named columns"):
        read(tmp_path / "m.txt")
    for model in (booster, LinearRegression().fit(X, Y)):
        with pytest.raises(fsq.InputError, match=r"3 columns without names.*named columns"):
            read_model_features(model, CONTRACT)
    with pytest.raises(fsq.InputError, match="named columns"):
        read_model_features(LinearRegression(), CONTRACT)


REFUSED: dict[str, tuple[str, bytes, str]] = {
    "empty text": ("m.txt", b"", "it is empty"),
    "empty JSON": ("m.json", b"\n", "it is empty"),
    "empty UBJ": ("m.ubj", b"", "it is empty|not installed"),
    "a version without names": (
        "m.txt",
        b"tree\nversion=v9\nnum_class=1\n\nTree=0\n",
        "v9.*v2 to v4",
    ),
    "names without their number": (
        "m.txt",
        b"tree\nversion=v4\nfeature_names=a b\n\nTree=0\n",
        "v4 lacks the feature names",
    ),
    "LightGBM's dump": ("m.json", b'{"name": "tree", "tree_info": []}', "LightGBM's dump"),
    "other JSON": ("m.json", b'{"a": 1}', "lacks 'learner'"),
    "an old XGBoost without names": (
        "m.json",
        json.dumps(
            {"learner": {"learner_model_param": {"num_feature": "3"}}, "version": [1, 0, 0]}
        ).encode(),
        "XGBoost 1.0.0.*3 columns without names",
    ),
    "damaged UBJ": ("m.ubj", b"{L\0\0", "xgboost (\\d|is not installed)"),
    "an unknown form": ("m.onnx", b"\x08\x09", "form is not known.*cbm"),
    "no file": ("none.txt", b"", "nor an existing model file"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_named(kind: str, tmp_path: Path) -> None:
    name, content, message = REFUSED[kind]
    if kind != "no file":
        (tmp_path / name).write_bytes(content)
    with pytest.raises(fsq.InputError, match=message) as raised:
        read(tmp_path / name)
    assert len(str(raised.value)) < 800


def test_a_library_that_a_file_crashes_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashed = subprocess.CompletedProcess("python", -11, stdout="", stderr="")
    monkeypatch.setattr("fsq.models.files.subprocess.run", lambda *_, **__: crashed)
    (tmp_path / "m.ubj").write_bytes(b"{L\0\0")
    with pytest.raises(
        fsq.InputError, match=r"xgboost (\d\S* crashed with signal 11|is not installed)"
    ):
        read(tmp_path / "m.ubj")


class OtherVersion:
    """A model that warns when it is loaded, as scikit-learn's of another version do."""

    feature_names_in_ = NAMES

    def __setstate__(self, state: dict[str, Any]) -> None:
        warnings.warn("Trying to unpickle estimator X from version 1.0", stacklevel=1)

    def __getstate__(self) -> dict[str, Any]:
        return {"fitted": True}


def test_a_pickle_of_another_version_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps(OtherVersion()))
    assert read_model_features(path, CONTRACT, trust_pickle=True).names == NAMES
    assert "m.pkl: Trying to unpickle estimator X from version 1.0" in caplog.text
