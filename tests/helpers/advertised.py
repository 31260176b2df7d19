"""The command lines that README, book, notebooks, Makefile and docstrings show."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("augfpn", "papermill", "make", "torchrun", "python -m augfpn")
START = re.compile(rf"(?:! ?|\$ )?((?:{'|'.join(PROGRAMS)})(?: |\.).*)")
FENCE = re.compile(r"^```[^\n`]*\n(.*?)^```", re.M | re.S)
SPAN = re.compile(r"`([^`\n]+)`")
PROMPT_OF_SHELL = re.compile(r'"\$\((.*)\)"')  # eval "$(augfpn completion bash)"

OF_VARIABLES = {  # those of loops and of choices, with one of their values
    "$seed": "0",
    "$parts": "none",
    "$HOW": "--weights coco --batch auto --short-side 800 --long-side 1333 --epochs 12",
}


class Line(NamedTuple):
    """A command line and the file that shows it."""

    file: str
    words: tuple[str, ...]


def texts() -> Iterator[tuple[str, str]]:
    """Each file's name, and its text; of a notebook, that of each cell."""
    for file in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "book").glob("*.md"))):
        yield file.name, file.read_text("utf-8")
    for folder in ("book", "experiments"):
        for file in sorted((ROOT / folder).glob("*.ipynb")):
            for cell in json.loads(file.read_text("utf-8"))["cells"]:
                yield file.name, "".join(cell["source"])
    for file in sorted((ROOT / "augfpn").rglob("*.py")):
        yield str(file.relative_to(ROOT)), file.read_text("utf-8")


def lines() -> list[Line]:
    """All command lines, each once for each file."""
    found = {}
    for name, text in texts():
        for shown in shown_in(text, name.endswith(".py")):
            words = words_of(shown)
            if words:
                found[Line(name, words)] = None
    return list(found)


def shown_in(text: str, is_code: bool = False) -> Iterator[str]:
    """What looks like a command line: in blocks, in code spans, on lines of their own."""
    whole = text.replace("\\\n", " ")
    for variable, value in OF_VARIABLES.items():
        whole = whole.replace(variable, value)
    blocks = FENCE.findall(whole)
    for line in (line for block in blocks for line in block.splitlines()):
        inside = PROMPT_OF_SHELL.search(line)
        yield inside[1] if inside else line
    if is_code:  # an indented line of a docstring
        yield from (line for line in whole.splitlines() if "-m augfpn" in line and '"' not in line)
    yield from SPAN.findall(FENCE.sub("", whole))


def words_of(shown: str) -> tuple[str, ...]:
    """The words of a command line, without comments; none if it is not one of our programs."""
    found = START.fullmatch(shown.strip())
    if found is None or found[1].startswith("augfpn."):
        return ()
    try:
        return tuple(shlex.split(found[1], comments=True))
    except ValueError:  # an apostrophe in prose
        return ()
