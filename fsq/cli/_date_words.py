"""Words for dates, such as ``latest``, before it is known which date they mean."""

from __future__ import annotations

from datetime import date

DATE_WORDS = ("today", "yesterday", "latest")


class DateWord(date):
    """A word for a date, not yet looked up; as a date, later than every other."""

    word: str

    @classmethod
    def of(cls, word: str) -> DateWord:
        """One of ``DATE_WORDS``."""
        made = cls(date.max.year, date.max.month, date.max.day)
        made.word = word
        return made


LATEST = DateWord.of("latest")
