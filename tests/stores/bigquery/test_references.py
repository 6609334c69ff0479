"""A consumer is found wherever it names a legacy field, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsq.errors import InputError
from fsq.stores.bigquery.references import find_in_text, find_references
from tests.support.v2 import LEGACY_FIELDS


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("SELECT feature_sources FROM t", ["feature_sources"]),
        (
            "SELECT `Feature_Sources`, t.primary_data_source",
            ["feature_sources", "primary_data_source"],
        ),
        ("row['matchup_data_status']", ["matchup_data_status"]),
        ("-- once used feature_sources", ["feature_sources"]),
        ("SELECT JSON_VALUE(feature_sources, '$.5')", ["feature_sources"]),
        ("feature_sources_v2, my_feature_sources, feature_source, FEATURE_SOURCES2", []),
        ("", []),
    ],
)
def test_whole_identifiers_of_any_case(text: str, fields: list[str]) -> None:
    assert [p.field for p in find_in_text(text, "here", LEGACY_FIELDS)] == fields


def test_places_have_their_line() -> None:
    (place,) = find_in_text("SELECT\n  feature_sources AS s\nFROM t", "a.sql", LEGACY_FIELDS)
    assert (place.line, place.text) == (2, "feature_sources AS s")
    assert str(place) == "a.sql:2: feature_sources AS s"
    (long,) = find_in_text("x" * 200 + " feature_sources", "a.sql", LEGACY_FIELDS)
    assert len(long.text) == 120


def test_files_folders_and_names(tmp_path: Path) -> None:
    (tmp_path / "code" / ".git").mkdir(parents=True)
    (tmp_path / "code" / ".git" / "old.sql").write_text("feature_sources")
    (tmp_path / "code" / "a.sql").write_text("SELECT feature_sources")
    (tmp_path / "code" / "picture.png").write_bytes(b"\x89PNG\0feature_sources")
    (tmp_path / "names.txt").write_text("tier\nPRIMARY_DATA_SOURCE\n")
    found = find_references(
        [str(tmp_path / "code"), str(tmp_path / "names.txt"), "Feature_Sources", "p.reports.v"],
        LEGACY_FIELDS,
    )
    assert [(Path(p.where).name, p.line, p.field) for p in found.references] == [
        ("a.sql", 1, "feature_sources"),
        ("names.txt", 2, "primary_data_source"),
        ("the list of consumers", None, "feature_sources"),
    ]
    assert [t.dotted for t in found.tables] == ["p.reports.v"]


def test_what_is_nothing_is_refused_and_all_of_it_told() -> None:
    with pytest.raises(InputError) as error:
        find_references(["nowhere.sql", "feature_source", "p.d.v; DROP"], LEGACY_FIELDS)
    assert len(error.value.problems) == 3


def test_a_consumer_that_may_not_be_read_is_none_that_reads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "private.sql").write_text("SELECT feature_sources")

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InputError, match=r"private\.sql cannot be read: .*Permission denied"):
        find_references([str(tmp_path / "private.sql")], LEGACY_FIELDS)
