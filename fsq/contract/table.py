"""``[table]``: which columns name a record, and what a record is called."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints, field_validator, model_validator

from fsq.contract.sections import Section

ColumnName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
Noun = Annotated[str, StringConstraints(pattern=r"^[^\W\d_][\w -]{0,39}$")]


class Table(Section):
    """A feature table: its keys, its date and time, and the words for a record.

    Attributes:
        keys: columns that name the entity; strings or integers.
        date: the column of dates by which the table is partitioned and filled.
        time: a timestamp that is part of the key; where the input lacks the date, it is the date
            of this moment.
        timezone: of the dates, and of where a date ends; an IANA name.
        group: rows of one event share it; coverage is then judged per group.
        entity: what a record is about, as one word: "201 players".
        plural: its plural; ``entity`` with an s unless stated.
        season_start: month and day on which a season begins, for ``--season``.
    """

    keys: tuple[ColumnName, ...] = Field(min_length=1, max_length=8)
    date: ColumnName = "date"
    time: ColumnName | None = None
    timezone: str = "UTC"
    group: ColumnName | None = None
    entity: Noun = "record"
    plural: Noun | None = None
    season_start: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _needs_a_date(cls, data: object) -> object:
        if isinstance(data, dict) and not {"date", "time"} & data.keys():
            raise ValueError("name a date column or a time column")
        return data

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(
                f"{name!r} is not a time zone; write one such as America/New_York"
            ) from None
        return name

    @field_validator("season_start")
    @classmethod
    def _is_a_day(cls, text: str | None) -> str | None:
        if text is not None:
            if not re.fullmatch(r"\d\d-\d\d", text):
                raise ValueError(f"{text!r} is not a day of the year; write one such as 07-01")
            date.fromisoformat(f"2001-{text}")
        return text

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        named = [*self.keys, self.date, *([self.time] if self.time else [])]
        if len({n.lower() for n in named}) < len(named):
            raise ValueError(f"keys, date and time must be different columns; found {named}")
        return self

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that together name a record: keys, date, and time if there is one."""
        return (*self.keys, self.date, *([self.time] if self.time else []))

    @property
    def order(self) -> tuple[str, ...]:
        """The same columns in the order to sort by: date, time, keys."""
        return (*self.key[len(self.keys) :], *self.keys)

    def count(self, number: int) -> str:
        """A number of records in words.

        >>> Table(keys=("shop_id",), date="day", entity="shop").count(201)
        '201 shops'
        """
        return f"{number:,} {self.entity if number == 1 else self.plural or self.entity + 's'}"
