"""A profile as a small table: what is kept beside a store."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from fsq.errors import InputError
from fsq.profile.basis import Basis
from fsq.profile.evidence import METRICS
from fsq.profile.groups import Grouping
from fsq.profile.limits import Limits
from fsq.profile.model import Profile
from fsq.profile.regression import Regressions
from fsq.profile.rows import Matrix
from fsq.profile.sides import Mirror
from fsq.profile.steps import Carriers
from fsq.profile.structure import Structure
from fsq.profile.subgroups import Rates
from fsq.profile.twins import Twin

FORMAT = 2  # of the table; of others, only those of ``_READ`` are read
_READ = (1, FORMAT)  # the first had a row per date, which took longer to read than to judge by
_BLOCK_VALUES = 4_096  # of a metric in one row: that of a wide table stays within what stores hold
# What reading a damaged table, or one of another version, ends in.
_DAMAGES = (
    ArithmeticError, AttributeError, LookupError, TypeError, ValueError, zlib.error,
    pl.exceptions.PolarsError,
)  # fmt: skip
_SCHEMA = pl.Schema({"part": pl.String, "name": pl.String, "content": pl.String})


def write_profile(profile: Profile) -> pl.DataFrame:
    """A profile as a table.

    Returns:
        ``part``, ``name`` and ``content`` (JSON): what was learned, and what the dates measure.
    """
    structure, limits = profile.structure, profile.limits
    about = {
        "format": FORMAT,
        "contract": profile.contract,
        "version_hash": profile.version_hash,
        "names": profile.names,
        "pinned": profile.pinned,
    }
    parts: list[tuple[str, str, Any]] = [
        ("about", "profile", about),
        ("structure", "groupings", [_dump_grouping(g) for g in structure.groupings]),
        ("structure", "mirrors", [_dump_mirror(m) for m in structure.mirrors]),
        ("structure", "carriers", _dump_carriers(structure.carriers)),
        ("structure", "twins", [[t.column, t.feature] for t in structure.twins]),
        ("structure", "subgroups", structure.subgroups),
        ("structure", "rates", {n: _pack(getattr(structure.rates, n)) for n in _RATES}),
        ("structure", "tables", structure.tables),
        ("structure", "jumps", _pack(structure.jumps)),
        ("structure", "label", [structure.label, _pack(structure.leaning)]),
        ("structure", "tied", structure.tied),
    ]
    if structure.regressions is not None:
        parts.append(("structure", "regressions", _dump_regressions(structure.regressions)))
    for metric in METRICS:
        parts.append(("limits", metric, _dump_limits(limits, metric)))
    parts.append(("limits", "dates", limits.dates))
    at_once = max(1, _BLOCK_VALUES // len(profile.names))
    for first in range(0, len(profile.dates), at_once):
        block = slice(first, first + at_once)
        content = {
            "dates": [day.isoformat() for day in profile.dates[block]],
            "clean": profile.clean[block].tolist(),
            "measures": {
                m: [_pack(profile.measures[m][block]), _pack(profile.counts[m][block])]
                for m in METRICS
            },
        }
        parts.append(("dates", content["dates"][0], content))
    rows = [(part, name, json.dumps(content)) for part, name, content in parts]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def read_profile(table: pl.DataFrame) -> Profile:
    """A profile from its table.

    Raises:
        InputError: the table holds no profile of this version of fsq.
    """
    try:
        return _read(table)
    except _DAMAGES as error:
        problem = "the table holds no profile that this version reads; learn it again"
        raise InputError([problem], "the profile cannot be read") from error


def _read(table: pl.DataFrame) -> Profile:
    found: dict[str, dict[str, Any]] = {}
    for part, name, content in table.select(_SCHEMA.names()).iter_rows():
        found.setdefault(part, {})[name] = json.loads(content)
    about, structure, limits = found["about"]["profile"], found["structure"], found["limits"]
    if about["format"] not in _READ:
        raise ValueError(about["format"])
    names, blocks = tuple(about["names"]), _list_blocks(found)
    return Profile(
        contract=about["contract"],
        version_hash=about["version_hash"],
        names=names,
        structure=_load_structure(structure),
        limits=_load_limits(limits),
        dates=tuple(date.fromisoformat(d) for block in blocks for d in block["dates"]),
        clean=np.array([c for block in blocks for c in block["clean"]], dtype=np.bool_),
        measures=_load_measures(blocks, 0, len(names)),
        counts=_load_measures(blocks, 1, len(names)),
        pinned=about["pinned"],
    )


def _load_structure(given: dict[str, Any]) -> Structure:
    label, leaning = given["label"]
    fitted = given.get("regressions")
    return Structure(
        groupings=tuple(Grouping(tuple(c), tuple(f), *e) for c, f, *e in given["groupings"]),
        mirrors=tuple(Mirror(**m) for m in given["mirrors"]),
        carriers=_load_carriers(given["carriers"]),
        regressions=None if fitted is None else _load_regressions(fitted),
        twins=tuple(Twin(c, f) for c, f in given["twins"]),
        subgroups=tuple(given["subgroups"]),
        rates=Rates(*(_unpack(given["rates"][name]) for name in _RATES)),
        tables=tuple(tuple(fs) for fs in given["tables"]),
        jumps=_unpack(given["jumps"]),
        label=label,
        leaning=_unpack(leaning),
        tied=tuple(given.get("tied", ())),
    )


def _list_blocks(found: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """What some dates measure at a time, in order; one date each in the first format."""
    if found["about"]["profile"]["format"] == FORMAT:
        return [block for _, block in sorted(found.get("dates", {}).items())]
    single = sorted(found.get("date", {}).items())
    return [d | {"dates": [name], "clean": [d["clean"]]} for name, d in single]


def _load_measures(blocks: list[dict[str, Any]], place: int, width: int) -> dict[str, Matrix]:
    """Per metric, dates × features; the measures are at place 0, their counts at 1."""
    heights = [len(b["dates"]) for b in blocks]
    if heights != [len(b["clean"]) for b in blocks]:
        raise ValueError("some dates are neither clean nor not")
    out = {}
    for metric in METRICS:
        packed = [b["measures"][metric][place] for b in blocks]
        shapes = zip(heights, (shape for shape, _ in packed), strict=True)
        if any([height, width] != [*([1] * (2 - len(shape))), *shape] for height, shape in shapes):
            raise ValueError(f"{metric} has other dates or features")
        # Joined first: the first format has thousands of small arrays.
        plain = np.frombuffer(b"".join(_decode(data) for _, data in packed), dtype="<f8")
        out[metric] = plain.reshape(sum(heights), width).astype(np.float64)
    return out


def _dump_grouping(grouping: Grouping) -> list[Any]:
    event = [] if grouping.event is None else [grouping.event]
    return [grouping.columns, grouping.features, *event]


def _dump_mirror(mirror: Mirror) -> dict[str, Any]:
    return {name: getattr(mirror, name) for name in Mirror.__slots__}


def _dump_carriers(carriers: Carriers) -> dict[str, Any]:
    return {
        "names": carriers.names,
        "leaps": _pack(carriers.leaps),
        "scales": _pack(carriers.scales),
    }


def _load_carriers(given: dict[str, Any]) -> Carriers:
    return Carriers(tuple(given["names"]), _unpack(given["leaps"]), _unpack(given["scales"]))


_RATES = ("absent", "still", "same")
_BASIS = ("center", "scale", "knots", "absent", "reach", "drifting")
_FITTED = ("gram", "moment", "weights", "explained", "spread", "outlier")


def _dump_regressions(fitted: Regressions) -> dict[str, Any]:
    out = {name: _pack(getattr(fitted.basis, name)) for name in _BASIS}
    return out | {name: _pack(getattr(fitted, name)) for name in _FITTED}


def _load_regressions(given: dict[str, Any]) -> Regressions:
    basis = Basis(*(_unpack(given[name]) for name in _BASIS))
    return Regressions(basis, *(_unpack(given[name]) for name in _FITTED))


def _dump_limits(limits: Limits, metric: str) -> dict[str, Any]:
    return {
        "scales": _pack(limits.scales[metric]),
        "centers": _pack(limits.centers[metric]),
        "typical": _pack(limits.typical[metric]),
        "alarm": limits.alarm[metric],
        "most": limits.most[metric],
    }


def _load_limits(given: dict[str, Any]) -> Limits:
    def take(name: str) -> dict[str, Matrix]:
        return {m: _unpack(given[m][name]) for m in METRICS}

    return Limits(
        scales=take("scales"),
        centers=take("centers"),
        typical=take("typical"),
        alarm={m: float(given[m]["alarm"]) for m in METRICS},
        most={m: float(given[m]["most"]) for m in METRICS},
        dates=int(given["dates"]),
    )


def _pack(array: Matrix) -> list[Any]:
    """Shape and bytes; exact, and a tenth of what digits would take."""
    plain = np.ascontiguousarray(array, dtype="<f8")
    data = base64.b64encode(zlib.compress(plain.tobytes())).decode("ascii")
    return [list(plain.shape), data]


def _unpack(packed: list[Any]) -> Matrix:
    shape, data = packed
    return np.frombuffer(_decode(data), dtype="<f8").reshape(shape).astype(np.float64)


def _decode(data: str) -> bytes:
    return zlib.decompress(binascii.a2b_base64(data))
