"""What a browser would find in HTML."""

from __future__ import annotations

from html.parser import HTMLParser


class Markup(HTMLParser):
    """Elements of a page, and their attributes as ``element attribute``."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag, *(f"{tag} {name}" for name, _ in attrs)]
