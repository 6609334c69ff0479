"""What the guide shows of contracts is TOML that loads."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import fsq

GUIDE = Path(__file__).parents[2] / "docs/write-your-contract.md"
BLOCKS = re.findall(r"^ *```toml\n(.*?)^ *```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)


def test_every_block_is_toml() -> None:
    assert len(BLOCKS) == 4
    for block in BLOCKS:
        tomllib.loads(re.sub(r"^  ", "", block, flags=re.MULTILINE))


def test_the_extending_contract_loads(tmp_path: Path) -> None:
    [text] = [b for b in BLOCKS if "extends" in b]
    path = tmp_path / "mine.toml"
    path.write_text(text)
    contract = fsq.load_contract(path)
    assert contract.names[-1] == "snow_in"
    assert contract.threshold(contract.features[-1], "very_stale_hours") == 4
