"""CSV and TSV: types are inferred from texts, and must lose nothing of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

import polars as pl

from fsq.backfilling.text_types import infer_text_types
from fsq.errors import InputError
from fsq.schema.polars_types import is_pattern

SEPARATORS = {"CSV": ",", "TSV": "\t"}
_OTHERS = (";", "\t", "|", ",")
# Digits that begin with 0 are no number: they would lose their zeros.
_PADDED = r"^[ +-]*0[0-9]"
# 01/02/2026 is one date in Europe and another in America.
_YEAR_FIRST = r"^\s*\d{4}"


# Without Polars' own search for credentials: those of the environment are read, as delta-rs does.
_scan_csv = partial(pl.scan_csv, glob=False, credential_provider=None)


def scan_text(
    file: str, form: str, texts: Collection[str] = (), types: pl.Schema | None = None
) -> pl.LazyFrame:
    """Open a CSV or TSV file lazily, with types that the whole file agrees with.

    Args:
        file: its path or URI.
        form: a key of ``SEPARATORS``.
        texts: columns that stay texts, whatever they look like.
        types: those of its columns, if they were found before.
    """
    scan = partial(_scan_csv, [file], separator=SEPARATORS[form], try_parse_dates=True)
    rows = infer_text_types(scan) if types is None else scan(schema=types)
    found = rows.collect_schema()
    if not (kept := [c for c in texts if c in found]):
        return rows
    return scan(schema=pl.Schema({**found, **dict.fromkeys(kept, pl.String())}))


def require_header(file: str, form: str) -> None:
    """Refuse a file whose first line cannot name its columns.

    Raises:
        InputError: it has another separator or encoding.
    """
    names = _scan_plain(file, form).collect_schema().names()
    if any("\0" in name for name in names):
        raise InputError([f"{file} is not UTF-8, but looks like UTF-16; write it as UTF-8"])
    own = SEPARATORS[form]
    found = [s for s in _OTHERS if s != own and len(names) == 1 and s in names[0]]
    if found:
        problem = f"{file}: its columns are separated by {found[0]!r}, not by {own!r}"
        raise InputError([f"{problem}; write it again with {own!r}"])


def find_altered(file: str, form: str, rows: pl.LazyFrame, numbers: Collection[str]) -> list[str]:
    """Columns whose inferred type would alter what the file says: they stay texts.

    Args:
        file: its path or URI.
        form: a key of ``SEPARATORS``.
        rows: the file's, with inferred types.
        numbers: lower-case names of columns that are numbers, however they are written.
    """
    tests = {}
    for column, dtype in rows.collect_schema().items():
        text = pl.col(column)
        if is_pattern(column):  # refused once the columns are known
            continue
        if dtype.is_integer() and column.lower() not in numbers:
            tests[column] = text.str.contains(_PADDED)
        elif isinstance(dtype, pl.Date | pl.Datetime):
            tests[column] = ~text.str.contains(_YEAR_FIRST)
    if not tests:
        return []
    altered = [test.any().alias(column) for column, test in tests.items()]
    found = _scan_plain(file, form).select(altered).collect(engine="streaming")
    return [c for c, is_altered in found.row(0, named=True).items() if is_altered]


def choose_cure(error: BaseException, otherwise: str) -> str:
    """What to do about a file that cannot be read: a row may be longer than its header."""
    if "more fields" in str(error):
        return "give each row as many values as the first line has names"
    return otherwise


def find_texts(
    schemas: Sequence[pl.Schema], numbers: Collection[str], texts: Collection[str]
) -> list[str]:
    """Columns that are to be texts, and are something else in one of the files.

    They are texts in another file, or the contract reads them as such, as the id of a run that has
    digits only.

    Args:
        schemas: of the files.
        numbers: columns that are numbers, whatever they look like, in lower case.
        texts: columns that are texts, in lower case.

    >>> schemas = [pl.Schema({"game": pl.Int64()}), pl.Schema({"game": pl.String()})]
    >>> find_texts(schemas, [], []), find_texts(schemas[:1], [], ["game"])
    (['game'], ['game'])
    """
    kinds: dict[str, set[bool]] = {}
    for schema in schemas:
        for column, dtype in schema.items():
            if not isinstance(dtype, pl.Null):
                kinds.setdefault(column, set()).add(isinstance(dtype, pl.String))
    return [
        c
        for c, is_text in kinds.items()
        if (len(is_text) > 1 and c.lower() not in numbers)
        or (False in is_text and c.lower() in texts)
    ]


def _scan_plain(file: str, form: str) -> pl.LazyFrame:
    """All columns as texts."""
    return _scan_csv([file], separator=SEPARATORS[form], infer_schema=False)
