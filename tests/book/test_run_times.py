"""The minutes that a chapter states are those of a first run on a quiet machine."""

import json
import re
from pathlib import Path

import nbformat
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


def test_runs_with_the_same_machine_and_versions_share_a_sentence(build) -> None:
    here, there = ({"machine": name, "versions": "torch 2"} for name in ("one", "other"))
    runs = [here | {"day": day} for day in ("2026-11-30", "2026-11-29")]
    assert build.run_times.ran_with(runs[:1]) == "on 2026-11-30 (one; torch 2)"
    runs.append(there | {"day": "2026-12-01"})
    both = "from 2026-11-29 to 2026-11-30 (one; torch 2) and on 2026-12-01 (other; torch 2)"
    assert build.run_times.ran_with(runs) == both


def test_each_chapter_has_the_seconds_of_its_first_run(build, monkeypatch, tmp_path: Path) -> None:
    """A new chapter that nobody has timed yet has a dash."""
    kept = tmp_path / "run_times.json"
    kept.write_text(json.dumps({"fpn": {"seconds": 12.6}}))
    monkeypatch.setattr(build.run_times, "FIRST_RUNS", kept)
    chapter = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A title")])
    rows = build.run_times.table({"fpn": chapter, "new": chapter}).splitlines()[2:]
    assert rows == ["| [A title](fpn.ipynb) | 13 |", "| [A title](new.ipynb) | – |"]
