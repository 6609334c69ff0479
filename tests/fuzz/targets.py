"""What is fed with hostile input, and how many inputs each part usually gets."""

from __future__ import annotations

from tests.fuzz.common import Target, WrongError
from tests.fuzz.documents import contract, run_context
from tests.fuzz.files import model, provenance, uris, urls
from tests.fuzz.rows import arrow, columns, names, parquet, sources
from tests.fuzz.stores import delta, people
from tests.fuzz.texts import arrow_files, drafts, folders, settings, texts

__all__ = ["TARGETS", "Target", "WrongError"]

TARGETS: dict[str, Target] = {
    "parquet": Target(parquet, 8_000),
    "texts": Target(texts, 6_000),
    "arrow_files": Target(arrow_files, 6_000),
    "folders": Target(folders, 1_000),
    "drafts": Target(drafts, 1_000),
    "settings": Target(settings, 5_000),
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
