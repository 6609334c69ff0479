"""What each extra brings with it, under which licence; fails on a licence that is not listed.

pip-licenses reads what is installed, without a network. Known vulnerabilities are another matter:
those are kept by advisory services, which ``pip-audit`` asks where there is a network.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

NAME = "feature-store-quality"
# Each may be used and passed on in a product that is not open, and asks at most for notices;
# MPL-2.0 asks for changes to its own files, of which fsq makes none.
ALLOWED = {"0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause",
           "CC0-1.0", "ISC", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib"}  # fmt: skip
# What packages bring as a file, and state nowhere else.
STATED = {"quickjs-ng": "MIT"}
# What packages say that state no SPDX expression.
WORDS = (
    (r"mozilla public license 2\.0|mpl[- ]2\.0", "MPL-2.0"),
    (r"apache( software)?( license)?,?( version)? ?-?(2\.0)?", "Apache-2.0"),
    (r"(new |modified |3-clause )?bsd( license|-3-clause| 3-clause)?", "BSD-3-Clause"),
    (r"(the )?mit( license)?", "MIT"),
    (r"isc license( \(iscl\))?|isc", "ISC"),
    (r"python software foundation license|psf(-2\.0)?", "PSF-2.0"),
    (r"the unlicense.*|public domain", "Unlicense"),
    (r"cc0(-1\.0)?", "CC0-1.0"),
)


def read_licences() -> dict[str, str]:
    """The licence of each installed package, as an SPDX expression where its words allow it."""
    command = [
        sys.executable,
        "-m",
        "piplicenses",
        "--format=json",
        "--from=mixed",
        "--with-system",
    ]
    listed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    found = {canonicalize_name(p["Name"]): p["License"] for p in listed}
    return {
        name: " OR ".join(_spdx(words) for words in said.split("; "))
        for name, said in (found | STATED).items()
    }


def _spdx(words: str) -> str:
    plain = re.sub(r" \(mpl 2\.0\)", "", words.lower())
    return next((spdx for form, spdx in WORDS if re.fullmatch(form, plain)), words)


def is_allowed(licence: str) -> bool:
    """Whether an expression can be met by what is allowed.

    >>> is_allowed("GPL-3.0 OR (MIT AND Zlib)"), is_allowed("MIT AND GPL-3.0")
    (True, False)
    """
    inner = licence
    while (plain := re.sub(r"\(([^()]*)\)", lambda m: _met(m[1]), inner)) != inner:
        inner = plain
    return _met(inner) == "yes"


def _met(flat: str) -> str:
    ways = [way.split(" AND ") for way in flat.split(" OR ")]
    fits = any(all(p.strip() == "yes" or p.strip() in ALLOWED for p in way) for way in ways)
    return "yes" if fits else "no"


def brought(name: str, extra: str, seen: set[tuple[str, str]]) -> set[str]:
    """Every installed package that ``name[extra]`` needs, itself left out."""
    found: set[str] = set()
    for text in distribution(name).requires or ():
        need = Requirement(text)
        if need.marker is not None and not need.marker.evaluate({"extra": extra}):
            continue
        key = canonicalize_name(need.name)
        for inner in ("", *need.extras):
            if (key, inner) in seen:
                continue
            seen.add((key, inner))
            try:
                found |= {key} | brought(key, inner, seen)
            except PackageNotFoundError:
                print(f"{key}: not installed; run make dev", file=sys.stderr)
    return found - {NAME}


def main() -> int:
    """Print a line per extra and licence; 1 if a licence is not listed."""
    extras = ["", *sorted(distribution(NAME).metadata.get_all("Provides-Extra") or ())]
    strange: dict[str, str] = {}
    core, licences = brought(NAME, "", set()), read_licences()
    for extra in extras:
        names = brought(NAME, extra, set()) - (core if extra else set())
        by: dict[str, list[str]] = defaultdict(list)
        for name in sorted(names):
            by[licences.get(name, "none stated")].append(name)
        print(f"{f'the extra {extra} adds' if extra else f'{NAME} needs'} {len(names)} packages")
        for licence, held in sorted(by.items()):
            print(f"  {licence}: {', '.join(held)}")
            strange |= {} if is_allowed(licence) else dict.fromkeys(held, licence)
    for name, licence in sorted(strange.items()):
        print(f"{name}: {licence} is not among {sorted(ALLOWED)}", file=sys.stderr)
    return 1 if strange or not core else 0


if __name__ == "__main__":
    sys.exit(main())
