"""What is on a page of HTML, read by Python's own parser?"""

from __future__ import annotations

from html.parser import HTMLParser


class Page(HTMLParser):
    """Its elements, their attributes and its words; every element that is opened is closed."""

    VOID = ("meta", "br", "hr")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.given: set[str] = set()
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.given |= {key for key, _ in attrs}
        self.open += [] if tag in self.VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)
