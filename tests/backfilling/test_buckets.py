"""Files and tables in buckets as sources."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from polars.testing import assert_frame_equal

from fsq.backfilling import backfill
from fsq.backfilling.source import scan_source
from fsq.errors import InputError
from fsq.schema.arrow import to_arrow
from fsq.stores import (
    open_store,
)
from tests.soak import wires
from tests.soak.victims import Limits, servers
from tests.soak.whole import answer, versions
from tests.support.frames import wide
from tests.support.object_stores import ObjectStores, make_parquet, put

pytestmark = pytest.mark.xdist_group("object stores")
KEYS = ["game_date", "player_lookup"]
STAMP = "quality_computed_at"


def test_files_and_tables_in_a_bucket_are_sources(lake: str, tmp_path: Path) -> None:
    rows = versions(60)[0]
    wanted = answer(rows)
    days = rows.partition_by("game_date", as_dict=True)
    for (day,), part in days.items():
        put(f"{lake}/daily/game_date={day}/part 0.parquet", make_parquet(part.drop("game_date")))
    put(f"{lake}/daily/_SUCCESS", b"")
    put(f"{lake}/daily/_temporary/rows.parquet", make_parquet(rows))
    put(f"{lake}/one.parquet", make_parquet(rows))
    put(f"{lake}/other.txt", b"not data")
    write_deltalake(f"{lake}/table", to_arrow(rows))
    for at, source in enumerate(
        ("daily", "daily/", "daily/*", "daily/**/*.parquet", "one.parquet", "on?.parquet", "table")
    ):
        store = f"{lake}/from{at}" if at == 0 else str(tmp_path / f"store{at}")
        backfill(f"{lake}/{source}", store)
        found = open_store(store).read().drop(STAMP).sort(KEYS).collect()
        assert_frame_equal(found, wanted, check_column_order=False)


def test_text_files_in_a_bucket_are_sources(lake: str) -> None:
    rows = pl.DataFrame({"a": [1, 2], "b": ["x", None]})
    put(f"{lake}/t/rows.csv", rows.write_csv().encode())
    put(f"{lake}/z/rows.csv.gz", gzip.compress(rows.write_csv().encode()))
    put(f"{lake}/n/rows.ndjson", rows.write_ndjson().encode())
    rows.write_ipc_stream(stream := io.BytesIO())
    put(f"{lake}/a/rows.arrows", stream.getvalue())
    for folder in "tzna":
        assert_frame_equal(scan_source(f"{lake}/{folder}").collect(), rows)
    put(f"{lake}/t/empty.parquet", b"")
    put(f"{lake}/e/empty.parquet", b"")
    with pytest.raises(InputError, match="name one format"):
        scan_source(f"{lake}/t")
    with pytest.raises(InputError, match=r"e/empty\.parquet is empty"):
        scan_source(f"{lake}/e")
    with pytest.raises(InputError, match="no data files found there"):
        scan_source(f"{lake}/nothing")
    put(f"{lake}/d/rows.parquet", b"PAR1 damaged PAR1")
    with pytest.raises(InputError, match="cannot be read"):
        scan_source(f"{lake}/d").collect()


def test_a_server_that_goes_away_in_the_middle(lake: str, tmp_path: Path) -> None:
    """It refuses connections, then it takes requests and does not answer; and it comes back."""
    served = ObjectStores(lake, servers())
    seen = wires.cut_wires(tmp_path, served, Limits(2, 30))
    assert seen.total() >= 1


def test_files_of_a_lake_table_are_refused(lake: str) -> None:
    rows = wide(10, 2)
    write_deltalake(f"{lake}/house/table", to_arrow(rows))
    file = DeltaTable(f"{lake}/house/table").file_uris()[0].rpartition("/")[2]
    for source in ("house", "house/table/*.parquet", f"house/table/{file}", "*/table"):
        with pytest.raises(InputError, match="is a Delta table; its files cannot be read one by"):
            scan_source(f"{lake}/{source}")
    put(f"{lake}/ice/metadata/v1.metadata.json", b"{}")
    put(f"{lake}/ice/data/rows.parquet", make_parquet(rows))
    for source in ("ice", "ice/data", "ice/data/rows.parquet"):
        with pytest.raises(InputError, match="is a Iceberg table"):
            scan_source(f"{lake}/{source}")
