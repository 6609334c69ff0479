"""What is fed with hostile input. A target gives True for an answer, False for a refusal."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import typer.main

import fsq
from fsq.cli import main
from fsq.run import RunContext
from fsq.schema import COLUMN_NAMES, POLARS_SCHEMA, to_arrow
from fsq.stores.bigquery.names import TableName
from fsq.training.export import read_provenance
from fsq.webhook import problem_of
from tests.frames import NAMES, hybrid, legacy, wide
from tests.fuzz import mutate

# Every call of the command builds its tree of commands anew; here, once is enough.
typer.main.get_command = cache(typer.main.get_command)  # type: ignore[assignment]


class Wrong(Exception):
    """An answer that is not the right one."""


@dataclass(frozen=True)
class Target:
    """A part of fsq, and how many inputs it usually gets."""

    run: Callable[[Random, Path], bool]
    usual: int


def command(*words: object) -> tuple[int, str, str]:
    """Run fsq in this process: status, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main([str(w) for w in words])
    said = out.getvalue() + err.getvalue()
    if "Traceback" in said or "panicked" in said:
        raise Wrong(f"said {said[:200]!r}")
    # Words that reach a terminal hold no control character but tab and newline.
    if bad := re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", said):
        raise Wrong(f"printed {bad[0]!r}")
    if status not in (0, 1, 2, 3):
        raise Wrong(f"status {status}")
    return status, out.getvalue(), err.getvalue()


@cache
def rows_of(form: str) -> pl.DataFrame:
    """A few sound rows in one of the four forms."""
    rows = wide(6, 2)
    made = {"wide": lambda: rows, "legacy": lambda: legacy(rows), "hybrid": lambda: hybrid(rows),
            "scored": lambda: fsq.score(rows)}  # fmt: skip
    return made[form]()


FORMS = ("wide", "legacy", "hybrid", "scored")


@cache
def file_of(form: str, variety: int) -> bytes:
    """The same rows as a Parquet file."""
    sink = io.BytesIO()
    if variety == 0:
        rows_of(form).write_parquet(sink)
    else:
        kinds = ("NONE", "SNAPPY", "ZSTD", "GZIP", "LZ4")
        pq.write_table(to_arrow(rows_of(form)), sink, compression=kinds[variety], row_group_size=3,
                       use_dictionary=variety % 2 == 0, data_page_version="2.0")  # fmt: skip
    return sink.getvalue()


def sane(scored: pl.DataFrame, rows: int) -> None:
    """What holds of every answer, whatever went in."""
    if scored.height != rows:
        raise Wrong(f"{scored.height} rows out of {rows}")
    for name in COLUMN_NAMES:
        if scored.schema[name] != POLARS_SCHEMA[name]:
            raise Wrong(f"{name} is {scored.schema[name]}")
    points = [c for c in scored.columns if c.endswith("_quality_pct")]
    for name in [*points, "feature_quality_score"]:
        found = scored[name]
        if found.has_nulls() or not found.is_between(0, 100).all():
            raise Wrong(f"{name} is not between 0 and 100")
    for name in ("is_training_ready", "is_production_ready", "critical_features_training_quality"):
        if scored[name].has_nulls():
            raise Wrong(f"{name} is NULL, a gate that did not close")
    ages = scored["upstream_data_freshness_hours"].drop_nulls()
    if not (ages >= 0).all() or not ages.is_finite().all():
        raise Wrong("an age is negative or not finite")


def parquet(rng: Random, place: Path) -> bool:
    """A damaged Parquet file on the command line."""
    data = mutate.damaged(rng, file_of(rng.choice(FORMS), rng.randrange(5)))
    given, made = place / "in.parquet", place / "out.parquet"
    given.write_bytes(data)
    made.unlink(missing_ok=True)
    status, _, _ = command("score", given, "--out", made)
    left = {f.name for f in place.iterdir()} - {"in.parquet", "out.parquet"}
    if left or (status != 0 and made.exists()):
        raise Wrong(f"left {left or made}")
    if status == 0:
        scored = pl.read_parquet(made)
        sane(scored, scored.height)
    return status == 0


def arrow(rng: Random, _: Path) -> bool:
    """A damaged Arrow stream; what Arrow itself finds sound is scored."""
    sink = io.BytesIO()
    table = _arrow_table(rng.choice(FORMS))
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    try:
        with pa.ipc.open_stream(mutate.damaged(rng, sink.getvalue())) as reader:
            read = reader.read_all()
        read.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError, KeyError):
        return False  # not fsq's to answer
    sane(pl.DataFrame(fsq.score(read)), read.num_rows)
    return True


@cache
def _arrow_table(form: str) -> pa.Table:
    return to_arrow(rows_of(form))


def columns(rng: Random, _: Path) -> bool:
    """Columns of odd types; eager and lazy say the same."""
    frame = rows_of(rng.choice(FORMS))
    special = ["feature_sources", "feature_names", "features", "processors_completed", "as_of",
               "computed_at", "pipeline_run_id", "player_lookup", "game_date", "extra",
               "player_daily_cache__last_updated", "last_10__sample_size", "feature_quality_detail",
               "pace_score", "pace_score__game_ids", "pace_score__original_value",
               "pace_score__duration_ms", "pace_score__source", "primary_data_source",
               "source_composite_last_updated", "updated_at", "last_5__game_ids"]  # fmt: skip
    names = rng.sample(special, rng.choice((1, 1, 2, 3))) + rng.sample(frame.columns, 1)
    for name in names:
        frame = frame.with_columns(mutate.column(rng, frame.height).alias(name))
    if rng.random() < 0.1:
        frame = frame.drop(rng.choice(frame.columns))
    now, unknown = mutate.datetime(2026, 3, 1), rng.choice(("error", "default"))
    told: list[Any] = []
    for rows in (frame, frame.lazy()):
        try:
            told.append(fsq.score(rows, now=now, on_unknown_source=unknown).lazy().collect())
        except fsq.FsqError as error:
            told.append(error)
    eager, lazy = told
    if isinstance(eager, fsq.FsqError) != isinstance(lazy, fsq.FsqError):
        raise Wrong(f"eager and lazy differ: {str(eager)[:90]!r} and {str(lazy)[:90]!r}")
    if isinstance(eager, fsq.FsqError):
        return False
    sane(eager, frame.height)
    plain = [c for c, t in eager.schema.items() if t != pl.Object]
    if not eager.select(plain).equals(lazy.select(plain)):
        raise Wrong("eager and lazy give different answers")
    return True


def sources(rng: Random, _: Path) -> bool:
    """JSON bombs and odd JSON in ``feature_sources``; a plain parser says what is right."""
    form = rng.choice(("wide", "legacy"))
    frame = rows_of(form)
    if form == "wide":
        frame = frame.drop(f"{n}__source" for n in NAMES[1:]).drop(f"{NAMES[0]}__source")
    texts = [mutate.json_text(rng) if rng.random() < 0.2 else '{"0":"phase4"}' for _ in range(6)]
    frame = frame.with_columns(pl.Series("feature_sources", texts))
    scored = fsq.score(frame, on_unknown_source="default")
    sane(scored, 6)
    for text, detail in zip(texts, scored["feature_quality_detail"].to_list(), strict=True):
        words = json.loads(text) or {}
        for i, fact in enumerate(detail):
            word = words.get(str(i), "missing")
            word = "missing" if word is None else word
            if fact["is_default"] and word in ("default", "missing", "fallback"):
                continue
            known = {"phase4": "phase4", "vegas": "phase4", "phase3": "phase3",
                     "minutes_ppm": "phase4", "opponent_history": "phase4",
                     "calculated": "calculated"}  # fmt: skip
            right = known.get(word, "default") if isinstance(word, str) else "default"
            if fact["source_type"] != (right if fact["feature_value"] is not None else "default"):
                raise Wrong(f"{word!r} at {i} of {text[:80]!r} became {fact['source_type']}")
    return True


def names(rng: Random, _: Path) -> bool:
    """Legacy rows whose ``feature_names`` try to pass for others; each value keeps its name."""
    frame = rows_of("legacy")
    values, named = [], []
    for row in range(frame.height):
        order = list(NAMES)
        for _ in range(rng.choice((0, 0, 0, 0, 1, 2))):
            at, other = rng.randrange(len(order)), rng.randrange(len(order))
            kind = rng.randrange(5)
            if kind == 0:
                order[at], order[other] = order[other], order[at]
            elif kind == 1:
                order.insert(at, rng.choice((None, "", "\x00", mutate.text(rng))))
            elif kind == 2 and at + 1 < len(order):
                order[at : at + 2] = [f"{order[at]}\x00{order[at + 1]}"]
            elif kind == 3:
                order[at] = rng.choice((None, order[other], mutate.text(rng)))
            else:
                order.insert(at, order[other] if rng.random() < 0.3 else "more")
        named.append(order)
        # Each feature's value is its place in the contract, so that a mix-up shows.
        values.append([float(NAMES.index(n)) if n in NAMES else -99.0 for n in order])
        del row
    frame = frame.with_columns(
        pl.Series("features", values, dtype=pl.List(pl.Float64)),
        pl.Series("feature_names", named, dtype=pl.List(pl.String)),
    )
    scored = fsq.score(frame, on_unknown_source="default")
    for detail in scored["feature_quality_detail"].to_list():
        for i, fact in enumerate(detail):
            value = fact["original_value"] if fact["original_value"] is not None else (
                fact["feature_value"])  # fmt: skip
            if value != float(i):
                raise Wrong(f"{fact['feature_name']} is {value}, not {i}")
    return True


_TOML = (Path(fsq.__file__).parent / "contracts/v2_33features.toml").read_text()


def contract(rng: Random, place: Path) -> bool:
    """A contract made by an enemy; one that loads can be used for everything."""
    lines = _TOML.splitlines()
    odd = ("9" * 30, "-1", "1e999", "1e308", "nan", "true", "''", '"x"', "[]", "[[1]]", "{}",
           "9223372036854775807", "2147483648", "0", "0.5", "1979-05-27", '"player_lookup"',
           '"order"', '"pattern"', '"game_date"', '"feature_sources"', '"literal"', '"row"',
           '"quality_tier"', '"pace_score__source"', '"as_of"', '"features"', '"calculated"',
           '"{date"', '"}"', '"{date!r}"', '"{0}"', '"a\\nb"', '"<script>"', '"\\u001b[31m"',
           '"' + "a" * 101 + '"', "[" * 500 + "]" * 500, '"""' + "x" * 2_000 + '"""')  # fmt: skip
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(lines))
        name, sign, value = lines[at].partition("=")
        kind = rng.randrange(6)
        if kind <= 2 and sign:
            inner = re.findall(r"\w+ = (?:\"[^\"]*\"|[^,}\]]+)", lines[at])
            if inner and rng.random() < 0.9:
                part = rng.choice(inner)
                lines[at] = lines[at].replace(part, f"{part.split(' =')[0]} = {rng.choice(odd)}")
            else:
                lines[at] = f"{name}= {rng.choice(odd)}"
        elif kind == 3:
            del lines[at]
        elif kind == 4:
            lines.insert(at, rng.choice((lines[rng.randrange(len(lines))], mutate.text(rng))))
        else:
            lines[at] = mutate.damaged(rng, lines[at].encode()).decode("utf-8", "replace")
        del value
    path = place / "enemy.toml"
    path.write_text("\n".join(lines), encoding="utf-8", newline="")
    status, _, _ = command("contract", "check", path)
    if status != 0:
        return False
    made = fsq.load_contract(path)
    command("contract", "show", path)
    rows = rows_of("wide")
    lacking = [n for n in made.names if n not in rows.columns]
    rows = rows.with_columns(pl.lit(1.0).alias(n) for n in lacking)
    rows = rows.with_columns(
        pl.lit("default").alias(f"{n}__source")
        for n in made.names if f"{n}__source" not in rows.columns
    )  # fmt: skip
    try:
        for given in (rows, legacy(rows, list(made.names))):
            scored = fsq.score(given, made, on_unknown_source="default")
            sane(scored, rows.height)
        fsq.diagnose(scored, made)._repr_html_()
    except fsq.InputError:
        return False
    finally:
        made._repr_html_()
    from fsq import sql

    for view in sql.VIEWS:
        sql.query(view, "bigquery://p.d.t", made)
    return True


def run_context(rng: Random, place: Path) -> bool:
    """A run context made by an enemy; one that loads can be used."""
    path = place / "run.json"
    made: Any = {"pipeline_run_id": mutate.text(rng), "processors_completed": [mutate.text(rng)],
                 "by_date": {"2026-01-01": {"pipeline_run_id": "x"}}}  # fmt: skip
    kind = rng.randrange(5)
    if kind == 0:
        text = mutate.json_text(rng)
    else:
        name = rng.choice(tuple(made))
        made[name] = mutate.value(rng)
        if kind == 1:
            made["by_date"] = {rng.choice(("2026-01-01", "0001-01-01", "9999-12-31", "2026-W01",
                                           "20260101", mutate.text(rng))): mutate.value(rng)}  # fmt: skip
        text = json.dumps(made)
        if kind == 2:
            text = text.replace('"x"', '"\\ud800"')
        if kind == 3:
            text = mutate.damaged(rng, text.encode()).decode("utf-8", "replace")
    path.write_text(text, encoding="utf-8", errors="replace")
    context = RunContext.from_json(path)
    sane(fsq.score(rows_of("wide"), run=context), 6)
    return True


@cache
def _store_files(place: Path) -> dict[str, bytes]:
    store = place / "made"
    opened = fsq.open_store(str(store))
    scored = fsq.score(wide(120, 2))
    opened.replace(scored.head(60))
    opened.replace(scored.tail(60))
    files = {str(f.relative_to(store)): f.read_bytes() for f in store.rglob("*") if f.is_file()}
    for name in sorted(store.rglob("*"), reverse=True):
        name.rmdir() if name.is_dir() else name.unlink()
    store.rmdir()
    return files


def delta(rng: Random, place: Path) -> bool:
    """A store whose log or data are damaged, read by every command that reads stores."""
    files = dict(_store_files(place))
    log = [n for n in files if n.startswith("_delta_log")]
    for _ in range(rng.choice((1, 1, 2))):
        name = rng.choice(log if rng.random() < 0.6 else sorted(files))
        if rng.random() < 0.5 and name.endswith(".json"):
            lines = files[name].decode("utf-8", "replace").splitlines()
            at = rng.randrange(len(lines)) if lines else 0
            lines[at : at + 1] = [rng.choice((
                mutate.json_text(rng), "", lines[at].replace("part-", "../../part-") if lines else "",
                lines[at].replace(":", ":-9", 3) if lines else "", '{"add":{"path":"/etc/passwd"}}',
                '{"add":{"path":"x%2F..%2Fy.parquet","size":9,"partitionValues":{},'
                '"modificationTime":1,"dataChange":true}}', '{"protocol":{"minReaderVersion":99,'
                '"minWriterVersion":99}}', re.sub(r"\d+", str(2**63), lines[at]) if lines else ""))]  # fmt: skip
            files[name] = "\n".join(lines).encode("utf-8", "replace")
        else:
            files[name] = mutate.damaged(rng, files[name])
    store = place / "store"
    for name, data in files.items():
        (store / name).parent.mkdir(parents=True, exist_ok=True)
        (store / name).write_bytes(data)
    day, kind = "2026-01-02", rng.randrange(6)
    try:
        if kind == 0:
            status, *_ = command("check", "--store", store, "--date", day)
        elif kind == 1:
            status, *_ = command("explain", "player3", day, "--store", store)
        elif kind == 2:
            status, *_ = command("trend", "--store", store)
        elif kind == 3:
            status, *_ = command("model", "check", "v2_14features", "--store", store)
        elif kind == 4:
            status, *_ = command("training-set", "--store", store, "--out", place / "set.parquet")
        else:
            status, *_ = command("score", store, "--out", place / "out.parquet")
    finally:
        for name in ("set.parquet", "out.parquet"):
            (place / name).unlink(missing_ok=True)
        for path in sorted(store.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        store.rmdir()
    return status in (0, 1)


def people(rng: Random, place: Path) -> bool:
    """Hostile names and words, to everything that a person sees."""
    rows = wide(60, 1).with_columns(
        pl.Series("player_lookup", [f"{mutate.text(rng)}{i}" for i in range(60)]),
        pl.Series("pace_score__fallback_reason", [mutate.text(rng) for _ in range(60)]),
        pl.Series("pace_score__upstream_table", [mutate.text(rng) for _ in range(60)]),
        pl.lit("default").alias("pace_score__source"),
        pl.lit(mutate.text(rng)).alias("pipeline_run_id"),
        pl.Series("processors_completed", [[mutate.text(rng)]] * 60),
    )
    given = place / "in.parquet"
    rows.write_parquet(given)
    store = place / f"s{rng.randrange(10**9)}"
    said = []
    try:
        status, _, told = command("score", given, "--out", store)
        if status != 0:
            raise Wrong(told[:200])
        day = "2026-01-01"
        said.append(command("check", "--store", store, "--date", day, "--format", "markdown"))
        said.append(command("check", "--store", store, "--date", day, "--json"))
        json.loads(said[-1][1])
        player = rng.choice((rows["player_lookup"][rng.randrange(60)], mutate.text(rng)))
        for words in ([], ["--json"]):
            if not player.startswith("-"):
                said.append(command("explain", player, day, "--store", store, *words))
        if any(status == 3 for status, *_ in said):
            raise Wrong(f"{said}"[:200])
    finally:
        for path in sorted(store.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        if store.exists():
            store.rmdir()
    return True


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
    parts = [
        rng.choice(("p", "my-project", "d_1", mutate.text(rng)))
        for _ in range(rng.choice((3, 3, 2, 4)))
    ]
    uri = (
        "bigquery://"
        + ".".join(parts)
        + rng.choice(("", "", "?location=EU", "?x=1", "?location=" + mutate.text(rng)))
    )
    found = TableName.parsed(uri)
    if not re.fullmatch(r"`[a-z0-9-]+\.[A-Za-z0-9_]+\.[A-Za-z0-9_-]+`", found.sql):
        raise Wrong(found.sql)
    return True


def urls(rng: Random, _: Path) -> bool:
    """Webhooks: only http and https, and never a word about what else is in the URL."""
    scheme = rng.choice(("http", "https", "file", "ftp", "HTTP", "javascript", "data", ""))
    url = f"{scheme}://{rng.choice(('', 'user:secret@', ''))}{rng.choice(('host', '[::1]', '[', 'h:0', 'h:99999', mutate.text(rng)))}/{mutate.text(rng)}"
    problem = problem_of(url)
    if problem is None and scheme.lower() not in ("http", "https"):
        raise Wrong(url)
    if problem and "secret" in problem:
        raise Wrong(problem)
    return problem is None


TARGETS: dict[str, Target] = {
    "parquet": Target(parquet, 8_000),
    "arrow": Target(arrow, 18_000),
    "columns": Target(columns, 4_000),
    "sources": Target(sources, 5_000),
    "names": Target(names, 3_000),
    "contract": Target(contract, 3_000),
    "run_context": Target(run_context, 20_000),
    "delta": Target(delta, 1_500),
    "people": Target(people, 100),
    "model": Target(model, 500),
    "provenance": Target(provenance, 20_000),
    "uris": Target(uris, 10_000),
    "urls": Target(urls, 10_000),
}
