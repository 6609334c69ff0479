"""Whatever a table lacks, the plan adds that, behind what is there, and a second one is empty."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fsq.schema.bigquery import output_fields
from fsq.schema.columns import DETAIL_FIELDS
from fsq.stores.schema_diff import diff_schema
from tests.support.v2 import COLUMN_NAMES, LEGACY_FIELDS, OUTPUT

OTHERS = st.lists(st.sampled_from(["game_id", "features", "note"]), unique=True)


def named(fields: list[dict[str, Any]]) -> list[str]:
    return [f["name"] for f in fields]


@given(
    gone=st.sets(st.sampled_from(COLUMN_NAMES)),
    inner=st.sets(st.sampled_from([f.name for f in DETAIL_FIELDS])),
    silent=st.sets(st.sampled_from(COLUMN_NAMES)),
    still=st.sets(st.sampled_from([f.name for f in DETAIL_FIELDS])),
    others=OTHERS,
    seed=st.randoms(use_true_random=False),
)
def test_a_plan_adds_what_is_missing(
    gone: set[str],
    inner: set[str],
    silent: set[str],
    still: set[str],
    others: list[str],
    seed: Any,
) -> None:
    have = [f for f in output_fields(OUTPUT) if f["name"] not in gone]
    have += [{"name": n, "type": "STRING", "policyTags": {"names": ["secret"]}} for n in others]
    seed.shuffle(have)
    for field in have:
        if field["name"] in silent:
            del field["description"]
        if "fields" in field:
            field["fields"] = [f for f in field["fields"] if f["name"] not in inner]
            for part in (f for f in field["fields"] if f["name"] in still):
                del part["description"]
    before = deepcopy(have)
    plan = diff_schema(have, OUTPUT)

    assert have == before
    assert plan.conflicts == ()
    nested = "feature_quality_detail" in named(have)
    ended = {n for n in LEGACY_FIELDS if n in gone} if nested else set()
    deep = [f"feature_quality_detail.{f.name}" for f in DETAIL_FIELDS if f.name in inner]
    missing = [n for n in COLUMN_NAMES if n in gone - ended]
    assert sorted(c.path for c in plan.added) == sorted(missing + (deep if nested else []))
    # A struct is named without the fields in it, which would fill a screen.
    assert {c.type for c in plan.added if c.path == "feature_quality_detail"} <= {"ARRAY<STRUCT>"}
    quiet = {f"feature_quality_detail.{n}" for n in still - inner} if nested else set()
    assert {c.path for c in plan.described} == (silent - gone) | quiet
    # What is there stays where it is, with all that is known of it; new columns come last.
    assert named(plan.fields) == named(before) + missing
    for old, new in zip(before, plan.fields, strict=False):
        if old["name"] in others:
            assert new == old
        if "fields" in old:
            assert named(new["fields"])[: len(old["fields"])] == named(old["fields"])
    assert diff_schema(plan.fields, OUTPUT).empty
