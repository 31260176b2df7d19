"""Each sentence about results is on its page and agrees with the records; none is left out."""

import re
from collections.abc import Iterator

import pytest
from chapters import BOOK, cells, plain, source
from said.table import SENTENCES, Sentence, shown, text


def named(each: Sentence) -> str:
    return f"{each.page}: {each.words[:60]}"


@pytest.mark.parametrize("each", SENTENCES, ids=named)
def test_the_sentence_is_on_its_page(each: Sentence) -> None:
    assert each.words in text(each.page)


@pytest.mark.parametrize("each", SENTENCES, ids=named)
def test_the_records_say_so(each: Sentence) -> None:
    each.check()


# --- nothing is left out --------------------------------------------------------------------------

READS = re.compile(
    r"\b(?:gather|found|mechanisms|tables|verdicts|defects|against|spreads)\."
    r"|\bgates\.(?:pilots|regained)_|\btimings\b"
)
NOTHING_SAID = {  # (chapter, cell) that reads records, and whose results no text describes
    ("claims", "ledger"),
    ("one_stage_and_masks", "curves"),
    ("two_forwards", "opened"),
    ("what_we_found", "asked"),  # the table of answers: `tests/study/test_glance.py` checks each
    ("your_pictures", "use"),
}
DRAWN_ONLY = {  # (chapter, cell) whose caption and alt text only say how a figure is drawn
    ("dials", "told"),
}


def reading_cells() -> Iterator[tuple[str, dict, str]]:
    """For each code cell that reads records: its chapter, the cell, and the text after it."""
    for path in sorted(BOOK.glob("*.ipynb")):
        every_cell = cells(path.stem)
        for i, cell in enumerate(every_cell):
            if cell["cell_type"] == "code" and READS.search(source(cell)):
                behind = (c for c in every_cell[i:] if c["cell_type"] == "markdown")
                yield path.stem, cell, plain(source(next(behind)))


def checked(page: str, words: str) -> bool:
    """Whether a text contains a sentence that the table has for this page."""
    return any(each.page == page and each.words in words for each in SENTENCES)


def test_what_is_said_behind_records_is_checked() -> None:
    left = {(page, cell["id"]) for page, cell, said in reading_cells() if not checked(page, said)}
    assert left == NOTHING_SAID


def test_what_alt_texts_and_captions_say_of_records_is_checked() -> None:
    figures = [(page, cell) for page, cell, _ in reading_cells() if shown(cell)]
    left = {(page, cell["id"]) for page, cell in figures if not checked(page, plain(shown(cell)))}
    assert left == DRAWN_ONLY
