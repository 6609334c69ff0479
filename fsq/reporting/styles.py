"""What charts share without a library: names for people, colours and dashes of lines."""

from __future__ import annotations

from fsq.utils.palette import LINES, MORE_LINES

DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4])


def format_name(name: str) -> str:
    """Write a column's name for people.

    >>> format_name("player_history_quality_pct")
    'player history'
    """
    return name.removesuffix("_quality_pct").replace("_", " ")


def make_line_styles(count: int) -> tuple[list[str], list[list[int]]]:
    """Colours and dashes that tell up to fifty lines apart.

    >>> colours, dashes = make_line_styles(40)
    >>> len({(c, *d) for c, d in zip(colours, dashes)})
    40
    """
    if count <= len(LINES):
        return list(LINES[:count]), list(DASHES[:count])
    every = (*LINES, *MORE_LINES)
    places = [divmod(i, len(every)) for i in range(count)]
    return [every[i] for _, i in places], [DASHES[i % len(DASHES)] for i, _ in places]
