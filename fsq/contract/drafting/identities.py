"""Identities between features: sums, products, and sums that are constant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import polars as pl

Matrix = npt.NDArray[np.float64]
_SAMPLE = 48  # rows on which every combination is tried
_LOOKED_AT = 4_096  # rows among which those with the most values are chosen
_AGREE = 0.95  # of them must agree
_LEAST_SAMPLED = 8  # of these rows must have every part
_MOST_FEATURES = 150
_MOST_CANDIDATES = 2_000
_LEAST_ROWS = 30  # rows on which both sides are there and neither part is zero
_HOLDS = 0.999  # share of the rows
_CLOSE = 1e-3  # the tolerance, relative to the spread of the result
_MOST = 30  # identities in a draft


@dataclass(frozen=True, slots=True)
class DraftIdentity:
    """An identity that the data keeps, with the tolerance that it needs."""

    left: str
    right: str
    tolerance: float
    rows: int
    share: float


@dataclass(frozen=True, slots=True)
class _Candidate:
    """``parts`` joined by a sign equal the feature ``result``, or a constant."""

    sign: str
    parts: tuple[str, ...]
    result: str | float


def find_identities(values: pl.DataFrame) -> list[DraftIdentity]:
    """Find what holds between two or three features in nearly every row.

    Args:
        values: finite floats; NULL where there is none.

    >>> a, b = pl.Series(range(100), dtype=float), pl.Series([5.0, -2.0, 1.0, 3.0] * 25)
    >>> rows = pl.DataFrame({"opening": a, "move": b, "line": a + b})
    >>> [(i.left, i.right) for i in find_identities(rows)]
    [('line', 'opening + move')]
    """
    with np.errstate(all="ignore"):  # what overflows agrees with nothing
        return _find_identities(values)


def _find_identities(values: pl.DataFrame) -> list[DraftIdentity]:
    varied = [n for n in values.columns if (values[n].n_unique() - values[n].has_nulls()) > 1]
    varied = varied[:_MOST_FEATURES]
    if len(varied) < 2:
        return []
    full = {n: values[n].to_numpy() for n in varied}
    sample = _choose_rows(values.select(varied))
    known = (~np.isnan(sample)).sum(axis=1) >= _LEAST_SAMPLED
    sample, varied = sample[known], [n for n, k in zip(varied, known, strict=True) if k]
    found: list[DraftIdentity] = []
    explained: set[frozenset[str]] = set()
    same: set[str] = set()
    for candidate in _find_candidates(sample, varied):
        named = {*candidate.parts, *([candidate.result] if candidate.result in full else [])}
        if frozenset(named) in explained or named & same:
            continue
        identity = _verify(candidate, full)
        if identity is None:
            continue
        explained.add(frozenset(map(str, named)))
        if len(candidate.parts) == 1:
            same.add(candidate.parts[0])  # a copy: what holds for the one holds for the other
        found.append(identity)
        if len(found) == _MOST:
            break
    return found


def _choose_rows(values: pl.DataFrame) -> Matrix:
    """Features × rows: rows at even distances, of those with the most values."""
    matrix = values.gather_every(max(1, values.height // _LOOKED_AT)).to_numpy().T
    absent = np.isnan(matrix).sum(axis=0)
    most = np.sort(absent)[min(_SAMPLE, len(absent)) - 1]
    full = np.flatnonzero(absent <= most)
    return np.ascontiguousarray(matrix[:, full[:: max(1, len(full) // _SAMPLE)]])


def _find_candidates(sample: Matrix, names: Sequence[str]) -> Iterator[_Candidate]:
    """What holds on the sample: copies first, then sums, products and constant sums."""
    close = np.maximum(_CLOSE * np.nanstd(sample, axis=1), 1e-9)
    count = 0
    for sign in ("=", "+", "*", "1"):
        for candidate in _try_sign(sign, sample, names, close):
            yield candidate
            count += 1
            if count == _MOST_CANDIDATES:
                return


def _try_sign(
    sign: str, sample: Matrix, names: Sequence[str], close: Matrix
) -> Iterator[_Candidate]:
    if sign == "=":
        for i, a in enumerate(names):
            for j in _matches(sample, sample[i][None], close)[0].nonzero()[0]:
                if j > i:
                    yield _Candidate(sign, (names[j],), a)
        return
    if sign == "1":
        yield from _find_constant_sums(sample, names, close)
        return
    for i, a in enumerate(names):
        others = sample[i:] if sign == "*" else sample[i + 1 :]
        first = i if sign == "*" else i + 1
        made = sample[i] + others if sign == "+" else sample[i] * others
        for j, k in np.argwhere(_matches(sample, made, close)):
            if k not in (i, first + j):
                yield _Candidate(sign, (a, names[first + j]), names[k])


def _matches(sample: Matrix, made: Matrix, close: Matrix) -> npt.NDArray[np.bool_]:
    """Made × features: where nearly every row with both agrees, and enough rows have both."""
    out = np.empty((len(made), len(sample)), dtype=bool)
    for at, one in enumerate(made):
        apart = np.abs(sample - one)
        both = ~np.isnan(apart)
        count = both.sum(axis=1)
        agree = (apart <= close[:, None]).sum(axis=1)
        out[at] = (agree >= _AGREE * count) & (count >= _LEAST_SAMPLED)
    return out


def _find_constant_sums(
    sample: Matrix, names: Sequence[str], close: Matrix
) -> Iterator[_Candidate]:
    """Two or three shares that add up to 1 or to 100."""
    shares = [
        i for i in range(len(names)) if np.nanmin(sample[i]) >= 0 and np.nanmax(sample[i]) <= 100
    ][:60]
    for size in (2, 3):
        for chosen in combinations(shares, size):
            total = sample[list(chosen)].sum(axis=0)
            known = total[~np.isnan(total)]
            if len(known) < _LEAST_SAMPLED:
                continue
            for whole in (1.0, 100.0):
                if (np.abs(known - whole) <= 20 * close[chosen[0]]).mean() >= _AGREE:
                    yield _Candidate("+", tuple(names[i] for i in chosen), whole)


def _verify(candidate: _Candidate, full: dict[str, Matrix]) -> DraftIdentity | None:
    """The identity, if it holds in nearly every row and is not trivial."""
    parts = [full[n] for n in candidate.parts]
    result = full[candidate.result] if isinstance(candidate.result, str) else candidate.result
    made = np.prod(parts, axis=0) if candidate.sign == "*" else np.sum(parts, axis=0)
    apart = np.abs(made - result)
    known = ~np.isnan(apart)
    plain = known & np.all([p != 0 for p in parts], axis=0)
    if plain.sum() < _LEAST_ROWS or any(np.unique(p[plain][:5_000]).size < 2 for p in parts):
        return None
    if candidate.sign == "*" and any(np.isin(p[plain], (0, 1, -1)).all() for p in parts):
        return None  # a flag times what is zero wherever the flag is
    spread = float(np.std((parts[0] if isinstance(result, float) else made)[known]))
    if not np.isfinite(spread) or spread == 0:
        return None
    error = float(np.quantile(apart[known], _HOLDS, method="lower"))
    limit = 5 * _CLOSE  # what is rounded may be off by more than what made the sample agree
    if error > limit * spread or np.quantile(apart[plain], 0.99, method="lower") > limit * spread:
        return None
    tolerance = _round_tolerance(error, float(np.abs(made[known]).max()))
    share = float((apart[known] <= tolerance).mean())
    left, right = _write(candidate)
    return DraftIdentity(left, right, tolerance, int(known.sum()), share)


def _round_tolerance(error: float, scale: float) -> float:
    """Twice the error, rounded up to one digit; at least what floats lose."""
    least = max(2 * error, 1e-12 * scale, 1e-12)
    step = 10.0 ** np.floor(np.log10(least))
    return float(f"{np.ceil(least / step) * step:.1g}")


def _write(candidate: _Candidate) -> tuple[str, str]:
    """The two sides; the one that is easier to read stands on the left."""
    if isinstance(candidate.result, float):
        return " + ".join(candidate.parts), f"{candidate.result:g}"
    return candidate.result, f" {candidate.sign} ".join(candidate.parts)
