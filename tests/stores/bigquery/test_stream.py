"""A request never exceeds its limit, however unequal the rows are."""

from __future__ import annotations

import pyarrow as pa
import pytest
from google.cloud.bigquery_storage_v1 import types
from hypothesis import given
from hypothesis import strategies as st

from fsq.errors import InputError
from fsq.stores.bigquery.stream import Stream, split_requests, split_table

LIMIT = 40_000
lengths = st.lists(st.one_of(st.integers(0, 40), st.integers(0, 25_000)), max_size=120)


@given(lengths, st.integers(0, 30))
def test_requests_stay_under_the_limit(sizes: list[int], skipped: int) -> None:
    batch = pa.record_batch(
        {
            "id": pa.array(range(len(sizes)), pa.int64()),
            "text": pa.array(["x" * n for n in sizes], pa.string()),
            "words": pa.array([["y"] * (n % 7) for n in sizes], pa.list_(pa.string())),
            "detail": pa.array(
                [[{"a": n, "b": "z" * (n % 11)}] * (n % 5) for n in sizes],
                pa.list_(pa.struct([("a", pa.int64()), ("b", pa.string())])),
            ),
        }
    ).slice(skipped)
    pieces = split_requests(batch, LIMIT)
    sent = list(Stream(None, "projects/p/datasets/d/tables/t/streams/s", pieces)._messages(0))
    assert all(len(types.AppendRowsRequest.serialize(m)) <= LIMIT for m in sent)
    assert [i for p in pieces for i in p["id"].to_pylist()] == batch["id"].to_pylist()
    assert [m.offset for m in sent] == [
        sum(p.num_rows for p in pieces[:i]) for i in range(len(pieces))
    ]


def test_a_row_without_elements_does_not_count_those_of_the_others() -> None:
    ids = [[], *[["x"] * 40] * 400]
    batch = pa.record_batch({"id": pa.array(range(401)), "ids": pa.array(ids)})
    pieces = split_requests(batch, 12_000)
    assert sum(p.num_rows for p in pieces) == 401
    assert max(pa.ipc.get_record_batch_size(p) for p in pieces) <= 12_000


def test_requests_take_half_of_the_limit_but_one_row_may_take_all() -> None:
    texts = ["x" * 100_000] * 100 + ["y" * 7_000_000]
    sizes = [
        (p.num_rows, pa.ipc.get_record_batch_size(p))
        for p in split_requests(pa.record_batch({"text": texts}))
    ]
    assert sum(n for n, _ in sizes) == 101
    assert sizes[-1][0] == 1
    assert max(size for _, size in sizes[:-1]) <= 4_000_000


@given(st.integers(1, 400))
def test_a_schema_of_long_names_takes_its_part_of_the_request(rows: int) -> None:
    names = [f"{'n' * 290}{i}" for i in range(40)]  # 20,000 bytes, sent with the first rows
    pieces = split_requests(pa.record_batch({n: list(range(rows)) for n in names}), 60_000)
    sent = list(Stream(None, "projects/p/datasets/d/tables/t/streams/s", pieces)._messages(0))
    assert all(len(types.AppendRowsRequest.serialize(m)) <= 60_000 for m in sent)
    assert sum(p.num_rows for p in pieces) == rows


@given(st.integers(0, 50), st.integers(40_000, 60_000))
def test_a_row_that_is_too_large_is_named(before: int, size: int) -> None:
    texts = ["x"] * before + ["y" * size] + ["x"]
    with pytest.raises(InputError, match=f"row {before:,} takes"):
        split_requests(pa.record_batch({"text": texts}), LIMIT)


def test_pieces_of_a_table_are_sent_without_a_copy_unless_they_are_small() -> None:
    piece = pa.table({"a": list(range(600))})
    large = split_table(pa.concat_tables([piece, piece.slice(0, 500)]))
    assert [request.num_rows for request in large] == [600, 500]
    assert large[0]["a"].buffers()[1].address == piece["a"].chunk(0).buffers()[1].address
    small = split_table(pa.concat_tables([piece.slice(at, 1) for at in range(600)]))
    assert [request.num_rows for request in small] == [600]
    assert split_table(piece.slice(0, 0)) == []


def test_a_row_that_is_too_large_has_its_number_in_the_table() -> None:
    piece, huge = pa.table({"a": ["x"] * 600}), pa.table({"a": ["x"] * 599 + ["x" * 9_000_000]})
    with pytest.raises(InputError, match="row 1,199 takes"):
        split_table(pa.concat_tables([piece, huge]))
