"""Every exercise has a folded solution, and its answer is worked out again (see `solved`)."""

import re
import tempfile
from collections.abc import Iterator

import pytest
import torch
from chapters import BOOK, ONE_SCREEN, cells, source
from solved.table import CHECKS, exercises

CHAPTERS = sorted({path.stem for path in BOOK.glob("*.ipynb")} - ONE_SCREEN)
UNCHECKED = ("A thought.", "By experiment.")  # headings of exercises without a checkable answer

per_chapter = pytest.mark.parametrize("chapter", CHAPTERS)


@pytest.fixture(autouse=True, scope="module")
def a_tidy_workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Chapters make folders with `tempfile`; one thread is faster than two on a busy machine."""
    before = tempfile.tempdir, torch.get_num_threads()
    tempfile.tempdir = str(tmp_path_factory.mktemp("made"))
    torch.set_num_threads(1)
    yield
    tempfile.tempdir = before[0]
    torch.set_num_threads(before[1])


@per_chapter
def test_three_to_five_exercises_each_with_a_folded_solution(chapter: str) -> None:
    found = exercises(chapter)
    assert list(found) == list(range(1, len(found) + 1))
    assert 3 <= len(found) <= 5
    assert not [number for number, each in found.items() if len(each.solution.split()) < 5]


@per_chapter
def test_code_of_a_solution_is_hidden_and_stands_behind_its_exercise(chapter: str) -> None:
    number, seen = 0, set()
    for cell in cells(chapter):
        if cell["cell_type"] == "markdown":
            number = int((re.findall(r"^\*\*(\d+)\.", source(cell), re.M) or [number])[-1])
        elif cell["id"].startswith("solution-"):
            assert cell["id"] == f"solution-{number}"
            assert "hide-cell" in cell["metadata"]["tags"]
            seen.add(number)
    assert seen == {n for n, each in exercises(chapter).items() if each.heading == "In code."}


@pytest.mark.parametrize(("chapter", "number"), CHECKS)
def test_the_answer_worked_out_again_is_in_the_solution(chapter: str, number: int) -> None:
    check, exercise = CHECKS[chapter, number], exercises(chapter)[number]
    for words in check.asked:
        assert words in exercise.asked
    for words in check.answers():
        assert words in exercise.solution


def test_no_exercise_with_an_answer_is_left_out() -> None:
    every = {(chapter, n): each for chapter in CHAPTERS for n, each in exercises(chapter).items()}
    wanted = {key for key, each in every.items() if each.heading not in UNCHECKED}
    assert CHECKS.keys() <= every.keys()
    assert not sorted(wanted - CHECKS.keys())
