"""Log in to the dashboards as a person does, and read a page's words."""

from __future__ import annotations

from html.parser import HTMLParser

from starlette.testclient import TestClient

PASSWORD = "correct horse battery"


class PageText(HTMLParser):
    """Collects the words of a page, and what a strict policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.inline: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag, and what of it is inline."""
        self._inside = tag
        names = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in names):
            self.inline.append(tag)
        self.inline += [name for name in names if name == "style" or name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        """Leave a tag."""
        self._inside = ""

    def handle_data(self, data: str) -> None:
        """Note words, but for the title's."""
        if self._inside != "title":
            self.words.append(data.strip())


def log_in(client: TestClient, password: str = PASSWORD, **more: str) -> None:
    """Send the form of the login as Ann."""
    client.post("/login", data={"name": "ann", "password": password, **more})


def words_of(html: str) -> str:
    """Give the words of a page, one blank between them."""
    text = PageText()
    text.feed(html)
    return " ".join(word for word in text.words if word)
