"""Side tables of a Delta store: Delta tables under ``_fsq`` in its folder or bucket.

They move and go with the store. Readers of the store skip names that begin with an underscore.
"""

from __future__ import annotations

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from fsq.errors import StoreError
from fsq.schema.arrow import to_arrow
from fsq.stores.delta.location import locate
from fsq.stores.delta.read import read_whole
from fsq.stores.delta.table import LakeTable
from fsq.stores.delta.write import delta_write_errors
from fsq.stores.read_errors import first_line
from fsq.stores.side import SideConflictError, SideTable

# Without retries a commit succeeds only as the very next version of the one that was read.
_NEXT_OR_NONE = CommitProperties(max_commit_retries=0)


def load_side(path: str, name: str) -> SideTable | None:
    """Load a side table of the store at a place.

    Raises:
        StoreError: it cannot be read.
    """
    place = _locate(path, name)
    try:
        if not DeltaTable.is_deltatable(place):
            return None
        table = LakeTable(place)
        return SideTable(read_whole(table), int(table.version()))
    except TableNotFoundError:
        return None
    except (DeltaError, OSError, pa.ArrowException, pl.exceptions.PolarsError) as error:
        raise StoreError(f"{place} cannot be read: {first_line(error)}") from error


def save_side(path: str, name: str, frame: pl.DataFrame, since: int | None) -> None:
    """Replace a side table, if it still has this version.

    Raises:
        SideConflictError: it has another one.
        StoreError: it cannot be written.
    """
    place = _locate(path, name)
    locate(path).require_atomic_writes()
    try:
        with delta_write_errors(place):
            write_deltalake(
                place if since is None else LakeTable(place, version=since),
                to_arrow(frame),
                mode="error" if since is None else "overwrite",
                schema_mode=None if since is None else "overwrite",
                commit_properties=_NEXT_OR_NONE,
            )
    except CommitFailedError as error:
        raise SideConflictError(path, name) from error
    except StoreError as error:
        if since is None and DeltaTable.is_deltatable(place):  # another created it first
            raise SideConflictError(path, name) from error
        raise


def _locate(path: str, name: str) -> str:
    return f"{path}/_fsq/{name}"
