"""Exercises as they stand in the chapters, and the table of checks."""

import contextlib
import io
import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from chapters import cells, plain, source

WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


class Exercise(NamedTuple):
    """An exercise: its heading, what is asked, what is folded away."""

    heading: str  # "By hand.", "In code.", or nothing
    asked: str
    solution: str


@cache
def exercises(chapter: str) -> dict[int, Exercise]:
    """A chapter's exercises by number."""
    texts = [source(c) for c in cells(chapter) if c["cell_type"] == "markdown"]
    _, _, text = "\n\n".join(texts).partition("## Exercises")
    found = {}
    for part in re.split(r"^(?=\*\*\d+\.)", text, flags=re.M)[1:]:
        number, heading = re.match(r"\*\*(\d+)\.\s*([^*]*)\*\*", part).groups()
        folded = r"```\{admonition\} Solution\n:class: dropdown\n(.*?)```"
        asked, solution, *_ = (*re.split(folded, part, flags=re.S), "")
        assert int(number) not in found, f"{chapter} has two exercises {number}"
        found[int(number)] = Exercise(heading.strip(), plain(asked), plain(solution))
    return found


class Check(NamedTuple):
    """What the question must say, and what the solution must say."""

    asked: tuple[str, ...]  # found in the question
    answers: Callable[[], list[str]]  # worked out again; found in the solution


CHECKS: dict[tuple[str, int], Check] = {}


def solves(chapter: str, number: int, *asked: str) -> Callable:
    """Decorate a function: it becomes the check of an exercise."""

    def put(answers: Callable[[], list[str]]) -> Callable[[], list[str]]:
        assert (chapter, number) not in CHECKS
        CHECKS[chapter, number] = Check(asked, answers)
        return answers

    return put


def run(chapter: str, *ids: str, **names: Any) -> tuple[dict[str, Any], str]:
    """Run some code cells of a chapter; returns all names and what was printed.

    ``names`` stand in for what earlier cells would have made.
    """
    by_id = {c["id"]: source(c) for c in cells(chapter) if c["cell_type"] == "code"}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for each in ids:
            exec(by_id[each], names)
    return names, printed.getvalue()


def percentages(printed: str) -> list[int]:
    return [int(each) for each in re.findall(r"(\d+)%", printed)]


def zeros(*shape: int) -> torch.Tensor:
    """A tensor that has a shape but no values, to ask layers for the shapes of their outputs."""
    return torch.empty(*shape, device="meta")
