"""The files of the book as tests read them."""

import json
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
ONE_SCREEN = {
    "what_we_found",
    "all_effects",
    "should_you_use_it",
    "reproduce_one_result",
}  # pages without formulas and exercises


def plain(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())


@cache
def cells(chapter: str) -> list[dict]:
    """A chapter's cells."""
    return json.loads((BOOK / f"{chapter}.ipynb").read_text("utf-8"))["cells"]


def source(cell: dict) -> str:
    """What a cell holds, as one text."""
    return "".join(cell["source"])
