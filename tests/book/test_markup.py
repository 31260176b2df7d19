"""The fences of the pages are balanced: no text is shown as code, and no markup as text."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from chapters import ROOT

markdown_it = pytest.importorskip("markdown_it", reason="only the book's extra has it")
colon_fence = pytest.importorskip("mdit_py_plugins.colon_fence")

PAGES = sorted(
    path
    for pattern in ("*.md", "book/*.md", "book/*.ipynb", "experiments/*.ipynb")
    for path in ROOT.glob(pattern)
)
MARKUP = re.compile(r"^(#{2,} |`{3,}\{|:{3,}\{)", re.M)  # as no code begins a line
DIRECTIVE = re.compile(r"\{[\w:-]+\}")
PARSER = markdown_it.MarkdownIt("commonmark").enable("table")
PARSER.use(colon_fence.colon_fence_plugin)


def texts(path: Path) -> list[str]:
    """A page's pieces of Markdown, which are parsed apart."""
    text = path.read_text("utf-8")
    if path.suffix != ".ipynb":
        return [text]
    found = json.loads(text)["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == "markdown"]


def misread(text: str) -> Iterator[str]:
    """What is markup, and is shown as code or text; directives are looked into."""
    for token in PARSER.parse(text):
        if token.type in ("fence", "colon_fence") and DIRECTIVE.match(token.info.strip()):
            yield from misread(token.content)
        elif token.type in ("fence", "colon_fence", "code_block", "inline"):
            yield from (line[0] for line in MARKUP.finditer(token.content))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_markup_is_shown_as_code_or_text(path: Path) -> None:
    assert [each for text in texts(path) for each in misread(text)] == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("book/*.ipynb")), ids=lambda path: path.stem)
def test_captions_of_printed_tables_have_no_backticks(path: Path) -> None:
    """They are put behind a fence of backticks, as `book/outputs.py` does."""
    printed = (cell["metadata"].get("augfpn", {}) for cell in json.loads(path.read_text())["cells"])
    assert not [t for each in printed for t in each.get("tables", ()) if "`" in t["caption"]]


@pytest.mark.parametrize(
    "text",
    [
        "```{table} Of the `laptop` budget\n| a |\n```\n\n## A heading\n\n```python\n1\n```\n",
        "```{admonition} Outer\n```{note}\ntext\n```\nmore\n```\n\n## A heading\n",
    ],
    ids=["backticks behind a fence of backticks", "a fence in one of the same length"],
)
def test_broken_fences_are_found(text: str) -> None:
    assert list(misread(text))
