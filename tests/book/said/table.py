"""The table of sentences, and what the pages say."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from chapters import BOOK, ROOT, cells, plain, source


def shown(cell: dict) -> str:
    """A figure's caption and alt text."""
    options = cell["metadata"].get("mystnb", {})
    return " ".join(x for kind in options.values() if isinstance(kind, dict) for x in kind.values())


@cache
def text(page: str) -> str:
    """All that a page says, without code."""
    for path in (ROOT / f"{page}.md", BOOK / f"{page}.md"):
        if path.exists():
            return plain(path.read_text("utf-8"))
    return plain(
        " ".join(source(c) if c["cell_type"] == "markdown" else shown(c) for c in cells(page))
    )


class Sentence(NamedTuple):
    """Where something is said, in which words, and what makes it true."""

    page: str
    words: str
    check: Callable[[], None]


SENTENCES: list[Sentence] = []


def says(page: str, words: str) -> Callable:
    """Decorate a function: it becomes the check of a sentence."""

    def put(check: Callable[[], None]) -> Callable[[], None]:
        SENTENCES.append(Sentence(page, plain(words), check))
        return check

    return put
