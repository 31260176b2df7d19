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


def stated(page: Path) -> list[tuple[str, float]]:
    """What a page says of its time: "under" or "about", and how many seconds."""
    text = page.read_text("utf-8")
    if page.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = " ".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    found = STATED.findall(" ".join(text.split()))
    return [(how, 60 * NUMBERS[number]) for how, number in found]


@pytest.mark.parametrize("chapter", sorted(BOOK.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_chapter_of_over_a_minute_says_how_long_it_takes(chapter: Path) -> None:
    """The first page speaks for all others; a new chapter may not be timed yet."""
    took = TIMES.get(chapter.stem, {"seconds": 0})["seconds"]
    if took <= 60:
        assert stated(chapter) == []
        return
    ((how, seconds),) = stated(chapter)
    assert took <= seconds if how == "under" else seconds / 1.5 <= took <= 1.5 * seconds


def test_the_first_page_says_how_long_all_chapters_take() -> None:
    text = " ".join((BOOK / "intro.md").read_text("utf-8").split())
    ((most, but),) = re.findall(
        rf"in at most ({'|'.join(NUMBERS)}) minutes on a laptop's CPU, and all but (\w+) in under "
        "a minute",
        text,
    )
    took = [TIMES[path.stem]["seconds"] for path in BOOK.glob("*.ipynb") if path.stem in TIMES]
    assert max(took) <= 60 * NUMBERS[most]
    assert sum(seconds > 60 for seconds in took) == (NUMBERS | {"one": 1})[but]


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
