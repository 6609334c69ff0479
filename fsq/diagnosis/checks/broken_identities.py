"""Identities of the contract that do not hold."""

from __future__ import annotations

import numpy as np

from fsq.contract.expressions import parse_expression
from fsq.contract.sections import Identity, Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import Check, Kind, Stage, find_table
from fsq.diagnosis.context import Context
from fsq.diagnosis.messages import Facts, Text
from fsq.profile.rows import Mask, Matrix

_EXACT = 1e-9  # of the size of a side: what arithmetic on floats may lose


class IdentityThresholds(Thresholds):
    """How many rows may break an identity, of those that have all its features."""

    identity_share_yellow: Share = 0.005
    """Share of rows in which an identity of the contract does not hold."""
    identity_share_red: Share = 0.05
    """The same, for red."""
    rising = (("identity_share_yellow", "identity_share_red"),)


def _describe(f: Facts) -> Text:
    e = f.evidence
    return Text(
        f"{e['identity']} does not hold for {f.rows}",
        f"{e['left']} should equal {e['right']}, and did not for {e['share']:.1%} of the rows that "
        f"have these features; the largest difference is {e['largest']:g}.",
    )


BROKEN = Kind(
    "identity_broken",
    "an identity of the contract does not hold",
    ("red", "yellow"),
    _describe,
    in_sql=False,
    of_values=True,
)


class BrokenIdentities(Check):
    """Compute both sides of each identity, for all rows at once."""

    stage = Stage.VALUES
    thresholds = IdentityThresholds
    kinds = (BROKEN,)

    def find(self, ctx: Context) -> None:
        """Report identities that more rows break than the contract allows."""
        limits = IdentityThresholds.of(ctx.contract)
        for identity in ctx.contract.identities:
            left, right = _evaluate(ctx, identity.left), _evaluate(ctx, identity.right)
            known = np.isfinite(left) & np.isfinite(right)
            broken = known & _differ(left, right, identity)
            judged, hit = ctx.count_per_date(known), ctx.count_per_date(broken)
            named = [*parse_expression(identity.left).features()]
            named += parse_expression(identity.right).features()
            features = [f for f in ctx.contract.features if f.name in named]
            for at, _ in ctx.iterate_dates():
                share = hit[at] / judged[at] if judged[at] else 0.0
                if not hit[at] or share < limits.identity_share_yellow:
                    continue
                here = broken & (ctx.date_index == at)
                BROKEN.report(
                    ctx,
                    at,
                    "red" if share >= limits.identity_share_red else "yellow",
                    identity.name,
                    features,
                    hit[at],
                    find_table(features),
                    broken,
                    identity=identity.name,
                    left=identity.left,
                    right=identity.right,
                    share=round(float(share), 4),
                    largest=round(float(np.abs(left - right)[here].max()), 4),
                )


def _evaluate(ctx: Context, text: str) -> Matrix:
    """A side of an identity, per record; NaN where a feature is absent or a default."""
    place = {f.name: f.index for f in ctx.contract.features}
    rows = len(ctx.date_index)

    def operate(sign: str, a: Matrix, b: Matrix) -> Matrix:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.asarray(_OPERATIONS[sign](a, b))

    return parse_expression(text).build(
        lambda name: ctx.get_values(place[name]), lambda n: np.full(rows, n), operate
    )


_OPERATIONS = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}


def _differ(left: Matrix, right: Matrix, identity: Identity) -> Mask:
    with np.errstate(invalid="ignore"):
        size = np.maximum(np.abs(left), np.abs(right))
        allowed = identity.tolerance + (identity.relative_tolerance + _EXACT) * size
        return np.asarray(np.abs(left - right) > allowed)
