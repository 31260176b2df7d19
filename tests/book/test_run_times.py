"""The minutes that a chapter states are those of a first run on a quiet machine."""

import json
import re
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[2] / "book"
TIMES = json.loads((BOOK / "run_times.json").read_text("utf-8"))
WORDS = ["a", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
NUMBERS = {word: number for number, word in enumerate(WORDS, 1)}
STATED = re.compile(
    rf"(under|about|some) ({'|'.join(NUMBERS)}) minutes? on a laptop's CPU", re.IGNORECASE
)


def stated(chapter: Path) -> tuple[str, float]:
    """What a chapter says of its time: "under" or "about", and how many seconds."""
    cells = json.loads(chapter.read_text("utf-8"))["cells"]
    text = " ".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    ((how, number),) = STATED.findall(" ".join(text.split()))
    return how, 60 * NUMBERS[number]


@pytest.mark.parametrize("chapter", sorted(BOOK.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_chapter_takes_as_long_as_it_says(chapter: Path) -> None:
    how, seconds = stated(chapter)
    took = TIMES[chapter.stem]["seconds"]
    if how == "under":
        assert took <= seconds
    else:
        assert seconds / 1.5 <= took <= 1.5 * seconds
