"""One event, or one entity, that is in the set twice."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import fsq
from fsq.diagnosis.cells import Cells
from fsq.diagnosis.records import Records
from fsq.training.columns import VALUE, FeatureColumns
from fsq.training.label_checks import LabelData
from fsq.training.label_checks.copies import _find_usual_share, find_look_alikes
from fsq.training.rows import SortedRows
from tests.support.healthy_days import LAST
from tests.support.labelled_days import HIT, compute_windows, find_kinds, make_labelled_days

ROWS = make_labelled_days()
EVENT = ROWS.filter(HIT)["game_id"][0]
BEFORE = pl.col("game_date") == LAST - timedelta(days=1)


def take_labels(rows: pl.DataFrame, of_event: str, into: str) -> pl.DataFrame:
    """The labels of one event in the records of another."""
    labels = rows.filter(pl.col("game_id") == of_event).select("player_lookup", taken="points")
    return (
        rows.join(labels, on="player_lookup", how="left", maintain_order="left")
        .with_columns(
            points=pl.when(pl.col("game_id") == into).then("taken").otherwise(pl.col("points"))
        )
        .drop("taken")
    )


def test_a_copy_does_not_excuse_itself() -> None:
    """What is usual for a pair of events is what the other pairs show, never its own labels."""
    hits, tries = [95, 0, 1, 2, 2], [100, 100, 50, 40, 2]
    found = _find_usual_share(pl.DataFrame({"hits": hits, "tries": tries}))
    mixed = [h / t for h, t in zip(hits, tries, strict=True) if t >= 3 and h < t]
    high = float(np.quantile(mixed, 0.95))
    for at, (hit, tried) in enumerate(zip(hits, tries, strict=True)):
        others = (sum(hits) - hit + 1) / (sum(tries) - tried + 2)
        assert found[at] == pytest.approx(max(others, high))
    alone = _find_usual_share(pl.DataFrame({"hits": [100, 0, 0], "tries": [100, 100, 100]}))
    assert alone == pytest.approx([1 / 202, 101 / 202, 101 / 202])


def test_an_event_on_two_dates_under_one_id() -> None:
    later = ROWS.filter(HIT).with_columns(game_date=LAST + timedelta(days=1))
    finding = find_kinds(pl.concat([ROWS, later]))["event_twice"]
    assert finding.severity == "red"
    assert (finding.dates, finding.rows_affected) == ((LAST + timedelta(days=1),), 120)


def test_an_event_under_another_id_on_another_date() -> None:
    event = ROWS.filter(BEFORE)["game_id"][0]
    rows = compute_windows(take_labels(ROWS, event, EVENT))
    finding = find_kinds(rows)["event_twice"]
    assert (finding.dates, finding.rows_affected) == ((LAST,), 30)
    kept = fsq.training_set(fsq.score(rows), "points", "keep", exclude="findings").frame
    assert kept.filter(HIT).height == 90


def test_yesterdays_labels_on_a_date_without_events() -> None:
    rows = ROWS.drop("game_id")
    copied = rows.with_columns(
        points=pl.when(HIT)
        .then(pl.col("points").shift(1).over("player_lookup", order_by="game_date"))
        .otherwise(pl.col("points"))
    )
    assert find_kinds(copied)["event_twice"].rows_affected == 120
    assert find_kinds(rows) == {}


def test_one_record_that_is_repeated() -> None:
    one = ROWS.filter(HIT, pl.col("player_lookup") == "player007")
    later = one.with_columns(game_date=LAST + timedelta(days=1), game_id=pl.lit("other"))
    finding = find_kinds(pl.concat([ROWS, later]))["event_twice"]
    assert (finding.dates, finding.rows_affected) == ((LAST + timedelta(days=1),), 1)


def test_events_that_last_several_dates_are_what_the_table_is_like() -> None:
    assert find_kinds(ROWS.with_columns(game_id=pl.lit("tournament"))) == {}


@pytest.mark.parametrize("spelling", ["Player007", "player_007", "Pláyer-007"])
def test_one_entity_in_two_spellings(spelling: str) -> None:
    twin = ROWS.filter(HIT, pl.col("player_lookup") == "player007").with_columns(
        pl.lit(spelling).alias("player_lookup"), pace_score=1.25
    )
    finding = find_kinds(pl.concat([ROWS, twin]))["look_alike"]
    assert (finding.dates, finding.rows_affected) == ((LAST,), 1)
    assert finding.evidence["examples"] == [spelling]


def test_one_entity_under_another_name_with_the_same_rows() -> None:
    twins = ROWS.filter(pl.col("player_lookup") == "player007").tail(4)
    twins = twins.with_columns(pl.lit("zeke").alias("player_lookup"))
    finding = find_kinds(pl.concat([ROWS, twins]))["look_alike"]
    assert finding.rows_affected == 4
    assert finding.evidence["examples"] == ["zeke"]


def test_newcomers_with_the_same_defaults_are_no_look_alikes() -> None:
    values = [f.name for f in fsq.load_contract().features]
    some = pl.col("player_lookup").is_in(["player007", "player008"]) & HIT
    rows = ROWS.with_columns(
        *(pl.when(~some).then(n).alias(n) for n in values),
        points=pl.when(some).then(0.0).otherwise(pl.col("points")),
    )
    assert "look_alike" not in find_kinds(rows)


def make_large_date(records: int, twins: int) -> LabelData:
    """One date of records, the last of which equal the first under other names."""
    contract, rng = fsq.load_contract(), np.random.default_rng(7)
    values = rng.normal(size=(records, len(contract.names)))
    labels = rng.normal(size=records)
    values[-twins:], labels[-twins:] = values[:twins], labels[:twins]
    values[:, 0] = np.nan
    keys = {"player_lookup": [f"player{at}" for at in range(records)], "game_date": LAST}
    cells = Cells(len(contract.names))
    cells.append({VALUE: values})
    return LabelData(
        contract,
        "points",
        contract.names,
        SortedRows(
            Records.of(pl.DataFrame(keys | {"points": labels})), np.arange(records, dtype=np.uint32)
        ),
        FeatureColumns(cells, np.arange(records, dtype=np.uint32)),
        np.zeros(records, dtype=np.bool_),
        datetime(2027, 1, 1, tzinfo=UTC),
    )


def test_look_alikes_of_a_large_date_need_little_memory() -> None:
    """It took 500 MB to compare each of them with every record of the date."""
    data = make_large_date(40_000, 400)
    tracemalloc.start()
    (fault,) = find_look_alikes(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert fault.records.sum() == 400
    assert peak < 50 * 2**20


def test_look_alikes_are_those_whose_values_few_others_have() -> None:
    data = make_large_date(1_000, 10)
    everybody = np.tile(np.arange(4.0), 250)[:, None] * np.ones(len(data.features))
    cells = Cells(len(data.features))
    cells.append({VALUE: everybody})
    order = np.arange(1_000, dtype=np.uint32)
    alike = replace(
        data,
        rows=data.rows.replace(pl.Series("points", np.arange(1_000) % 988)),
        values=FeatureColumns(cells, order),
    )
    assert find_look_alikes(data)[0].records.sum() == 10
    assert find_look_alikes(alike) == []
