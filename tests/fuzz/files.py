"""Models, training sets, names of tables and webhooks."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from random import Random

import fsq
from fsq.stores.bigquery.names import TableName
from fsq.training.export import read_provenance
from fsq.utils.webhook import find_url_problem
from tests.fuzz import mutate
from tests.fuzz.common import WrongError, rows_of
from tests.support.frames import NAMES


def model(rng: Random, place: Path) -> bool:
    """A damaged model file."""
    kind = rng.choice((".txt", ".json", ".ubj", ".cbm", ".pkl", ".joblib"))
    path = place / f"model{kind}"
    path.write_bytes(mutate.damaged(rng, _model(kind)))
    scored = rows_of("scored")
    found = fsq.check_model(str(path), scored, on_incompatible="report")
    str(found), found._repr_html_()
    return True


@cache
def _model(kind: str) -> bytes:
    import pickle

    frame = rows_of("wide").select(NAMES[:5]).fill_null(0.0)
    target = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]
    if kind == ".txt":
        import lightgbm

        data = lightgbm.Dataset(frame.to_numpy(), target, feature_name=list(NAMES[:5]))
        made: str = lightgbm.train(
            {"verbose": -1, "min_data_in_leaf": 1}, data, 2
        ).model_to_string()
        return made.encode()
    if kind in (".json", ".ubj"):
        import xgboost

        matrix = xgboost.DMatrix(frame.to_numpy(), target, feature_names=list(NAMES[:5]))
        return bytes(xgboost.train({}, matrix, 2).save_raw(kind.removeprefix(".")))
    return b"CBM1" + pickle.dumps({"a": [1, 2, 3]})


def provenance(rng: Random, place: Path) -> bool:
    """A damaged training set, asked where it comes from."""
    kind = rng.choice((".parquet", ".arrow", ".npz"))
    path = place / f"set{kind}"
    path.write_bytes(mutate.damaged(rng, _training_file(kind, place)))
    read_provenance(path)
    return True


@cache
def _training_file(kind: str, place: Path) -> bytes:
    path = place / f"sound{kind}"
    fsq.training_set(rows_of("scored"), on_default="keep", training_ready=False).write(path)
    data = path.read_bytes()
    path.unlink()
    return data


def uris(rng: Random, _: Path) -> bool:
    """Names of tables: what is accepted cannot leave its quotes."""
    count = rng.choice((3, 3, 2, 4))
    parts = [rng.choice(("p", "my-project", "d_1", mutate.text(rng))) for _ in range(count)]
    query = rng.choice(("", "", "?location=EU", "?x=1", "?location=" + mutate.text(rng)))
    found = TableName.parse("bigquery://" + ".".join(parts) + query)
    if not re.fullmatch(r"`[a-z0-9-]+\.[A-Za-z0-9_]+\.[A-Za-z0-9_-]+`", found.sql):
        raise WrongError(found.sql)
    return True


def urls(rng: Random, _: Path) -> bool:
    """Webhooks: only http and https, and never a word about what else is in the URL."""
    scheme = rng.choice(("http", "https", "file", "ftp", "HTTP", "javascript", "data", ""))
    who = rng.choice(("", "user:secret@"))
    host = rng.choice(("host", "[::1]", "[", "h:0", "h:99999", mutate.text(rng)))
    problem = find_url_problem(f"{scheme}://{who}{host}/{mutate.text(rng)}")
    if problem is None and scheme.lower() not in ("http", "https"):
        raise WrongError(f"{scheme} can be posted to")
    if problem and "secret" in problem:
        raise WrongError(problem)
    return problem is None
