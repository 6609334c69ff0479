"""Source labels: upstream's name for where a value came from, as columns, JSON or a map."""

from __future__ import annotations

import polars as pl

from fsq.contract import Contract
from fsq.errors import InputError, short
from fsq.schema.polars_types import is_text
from fsq.utils.timing import stage


def hash_labels(name: str, dtype: pl.DataType) -> pl.Expr:
    """Hash a column of labels; a Categorical's or Enum's codes are hashed, which is cheap."""
    return (pl.col(name) if is_text(dtype) else pl.col(name).cast(pl.String)).hash()


def hash_known_labels(dtype: pl.DataType, contract: Contract) -> pl.Series:
    """Hash the contract's source labels and, last, NULL, as in a column of this type.

    Returns:
        The hashes; NULL where an Enum lacks the label.
    """
    labels = pl.Series([*contract.sources, None], dtype=pl.String)
    typed = labels.cast(dtype, strict=False) if is_text(dtype) else labels
    possible = typed.is_not_null() | labels.is_null()
    return typed.hash().zip_with(possible, pl.Series([None], dtype=pl.UInt64))


@stage("intake")
def add_source_columns(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Add the source columns that a wide input lacks.

    They come from ``feature_sources`` if the input has it; else every value gets the contract's
    label for unlabelled values, and NULL gets none.
    """
    missing = [n for n in contract.names if f"{n}__source" not in frame.columns]
    if missing and "feature_sources" in frame.columns:
        labels = parse_source_labels(frame)
        position = {n: i for i, n in enumerate(contract.names)}
        return frame.with_columns(
            get_labels(labels, position[n]).alias(f"{n}__source") for n in missing
        )
    if missing and contract.unlabelled is not None:
        label = pl.lit(contract.unlabelled, pl.Enum([contract.unlabelled]))
        return frame.with_columns(
            pl.when(pl.col(n).cast(pl.Float64).is_finite()).then(label).alias(f"{n}__source")
            for n in missing
        )
    return frame


def parse_source_labels(frame: pl.DataFrame) -> pl.Series:
    """Read ``feature_sources``, JSON text or a map, as a struct of labels by position.

    Raises:
        InputError: it is not a JSON object of texts, or has a key twice.
    """
    if "feature_sources" not in frame.columns:
        return pl.Series([None] * frame.height, dtype=pl.Struct({"0": pl.String}))
    column = frame["feature_sources"]
    if isinstance(column.dtype, pl.Struct):
        return column
    if isinstance(column.dtype, pl.List):
        return _map_to_struct(column)
    text = column.cast(pl.String)
    if _has_ambiguous_keys(text):
        problem = "a key occurs twice, or is escaped; write each position once, without escapes"
        raise InputError([f"feature_sources: {problem}"])
    positions = {str(i): pl.String for i in range(_count_positions(frame, text))}
    try:
        return text.str.json_decode(pl.Struct(positions))
    except pl.exceptions.PolarsError as error:
        cure = 'write it like {"0":"phase4","5":"default"}'
        problem = f"feature_sources: not a JSON object of labels ({short(error, 300)}); {cure}"
        raise InputError([problem]) from None


def get_labels(labels: pl.Series, position: int) -> pl.Series:
    """The labels at one position; NULL where a row has none."""
    name = str(position)
    if name in [f.name for f in labels.dtype.fields]:  # type: ignore[attr-defined]
        return labels.struct.field(name).cast(pl.String)
    return pl.Series([None] * len(labels), dtype=pl.String)


def _has_ambiguous_keys(text: pl.Series) -> bool:
    """Whether a key occurs twice, or might, since it is escaped.

    Parsers differ in which of two values they take; a default must not hide behind that.
    """
    keys = text.unique().str.extract_all(r'"(?:[^"\\]|\\.)*"\s*:')
    twice = (keys.list.len() != keys.list.n_unique()).any()
    return bool(twice) or bool(keys.list.explode().str.contains("\\", literal=True).any())


def _count_positions(frame: pl.DataFrame, text: pl.Series) -> int:
    if isinstance(frame.schema.get("feature_names"), pl.List):
        longest = frame["feature_names"].list.len().max()
        return max(1, int(longest or 0))  # type: ignore[arg-type]
    numbers = text.str.extract_all(r'"([0-9]{1,3})"\s*:').list.explode()
    last = numbers.str.extract(r"([0-9]+)").cast(pl.Int64).max()
    return int(last or 0) + 1  # type: ignore[arg-type]


def _map_to_struct(column: pl.Series) -> pl.Series:
    """A map, which Polars reads as a list of key and value, as a struct by key."""
    key, value = (f.name for f in column.dtype.inner.fields)  # type: ignore[attr-defined]
    long = (
        pl.DataFrame({"row": pl.int_range(len(column), eager=True), "pair": column})
        .explode("pair", empty_as_null=True, keep_nulls=True)  # an empty map keeps its row
        .select(
            "row",
            key=pl.col("pair").struct.field(key).cast(pl.String),
            label=pl.col("pair").struct.field(value).cast(pl.String),
        )
    )
    present = long["key"].drop_nulls().unique()
    keys = present.filter(present.str.contains(r"^[0-9]{1,4}$")).sort().to_list() or ["0"]
    wide = long.group_by("row", maintain_order=True).agg(
        pl.col("label").filter(pl.col("key") == k).first().alias(k) for k in keys
    )
    return wide.drop("row").to_struct("feature_sources")
