"""Pickles: none is loaded unless you trust it, and none is written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import fsq
from fsq.training.export import read_provenance
from tests.support.frames import CONTRACT, wide


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


def test_no_pickle_is_loaded_unless_trusted(tmp_path: Path) -> None:
    import pickle

    sprung = tmp_path / "sprung"
    scored = fsq.score(wide())
    for suffix in (".pkl", ".pickle", ".joblib", ".cbm", ".txt", ".json", ".ubj", ".toml", ".bin"):
        path = tmp_path / f"model{suffix}"
        path.write_bytes(pickle.dumps(Trap(sprung)))
        with pytest.raises(fsq.InputError):
            fsq.check_model(str(path), scored)
        with pytest.raises(fsq.FsqError):
            fsq.load_contract(path)
        assert not sprung.exists(), suffix
    for suffix in (".npz", ".parquet", ".arrow"):
        path = tmp_path / f"set{suffix}"
        np.savez(path.with_suffix(".npz"), provenance=np.array([Trap(sprung)], dtype=object))
        if suffix != ".npz":
            path.write_bytes(path.with_suffix(".npz").read_bytes())
        with pytest.raises(fsq.InputError):
            read_provenance(path)
        assert not sprung.exists(), suffix
    with pytest.raises(fsq.InputError):  # trusted, it is unpickled: so the trap works
        fsq.check_model(str(tmp_path / "model.pkl"), scored, trust_pickle=True)
    assert sprung.exists()


def test_no_pickle_is_written(tmp_path: Path) -> None:
    training = fsq.training_set(fsq.score(wide()), on_default="keep", training_ready=False)
    with np.load(training.write(tmp_path / "set.npz"), allow_pickle=False) as arrays:
        assert {arrays[name].dtype.kind for name in arrays} <= {"f", "U", "M"}
    metadata = pq.read_schema(training.write(tmp_path / "set.parquet")).metadata
    assert json.loads(metadata[b"fsq"])["contract"]["name"] == CONTRACT.name
