"""Tables in notebooks: by Great Tables where it is installed, else plain HTML."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal


@dataclass(frozen=True)
class Markup:
    """HTML that is safe to show as it is: every word of the data in it is escaped."""

    html: str


Cell = str | Markup


@dataclass(frozen=True)
class Column:
    """A column of a displayed table.

    Attributes:
        name: what its head says; may be empty, and several may have the same.
        align: of its cells.
        width: a share of the table, such as ``40%``; None for what is left.
    """

    name: str
    align: Literal["left", "right"] = "left"
    width: str | None = None


@dataclass(frozen=True)
class Display:
    """A table with what stands above and below it.

    Attributes:
        title: above the table.
        columns: of the table.
        rows: one cell for each column.
        notes: lines under the title.
        below: what stands under the table.
        colour: of the title; None for that of text.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    below: Sequence[Cell] = ()
    colour: str | None = None

    def to_html(self) -> str:
        """The HTML for a notebook; every text is escaped, and long ones are wrapped.

        >>> "<b>" in Display("1 < 2", [Column("a")], [["<b>"]]).to_html()
        False
        """
        table = _make_great_table(self) if self.rows else None
        below = "".join(f"<p>{_to_html(text)}</p>" for text in self.below)
        return f"<div style='font-size:13px'>{table or _make_plain_table(self)}{below}</div>"


def _to_html(cell: Cell) -> str:
    return cell.html if isinstance(cell, Markup) else escape(cell)


def _make_title(shown: Display) -> str:
    style = "" if shown.colour is None else f" style='color:{shown.colour}'"
    return f"<strong{style}>{escape(shown.title)}</strong>"


def _make_great_table(shown: Display) -> str | None:
    """The table by Great Tables; None without it."""
    try:
        import great_tables as gt
    except ImportError:
        return None
    import polars as pl

    names = [str(i) for i in range(len(shown.columns))]
    cells = [[_to_html(cell) for cell in row] for row in shown.rows]
    frame = pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String), orient="row")
    # The same table has the same name, so that a notebook that is run again does not differ.
    name = f"fsq-{hashlib.sha256(repr(shown).encode()).hexdigest()[:8]}"
    columns = list(zip(names, shown.columns, strict=True))
    notes = gt.html("<br>".join(map(escape, shown.notes))) if shown.notes else None
    table = (
        gt.GT(frame, id=name)
        .tab_header(gt.html(_make_title(shown)), notes)
        .cols_label({n: column.name for n, column in columns})
        .cols_align("left", [n for n, column in columns if column.align == "left"])
        .cols_align("right", [n for n, column in columns if column.align == "right"])
        .cols_width({n: column.width for n, column in columns if column.width is not None})
        .fmt(lambda html: html)  # they are HTML already
        .tab_options(
            container_overflow_x="auto",
            data_row_padding="4px",
            heading_align="left",
            heading_title_font_size="14px",
            table_font_size="13px",
            table_margin_left="0px",
            table_width="100%" if any(c.width for c in shown.columns) else "auto",
        )
        .opt_row_striping()
        # Where columns have widths, a name without spaces would be cut.
        .opt_css(f"#{name} td.gt_row {{ overflow-wrap: anywhere; vertical-align: top; }}")
    )
    return str(table.as_raw_html())


def _make_plain_table(shown: Display) -> str:
    notes = "".join(f"<br>{escape(note)}" for note in shown.notes)
    head = f"<p>{_make_title(shown)}{notes}</p>"
    if not shown.rows:
        return head
    titles = "".join(f"<th>{escape(column.name)}</th>" for column in shown.columns)
    rows = "".join(f"<tr>{_make_plain_row(shown, row)}</tr>" for row in shown.rows)
    return f"{head}<table><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table>"


def _make_plain_row(shown: Display, row: Sequence[Cell]) -> str:
    return "".join(
        f"<td style='text-align:{column.align}'>{_to_html(cell)}</td>"
        for column, cell in zip(shown.columns, row, strict=True)
    )
