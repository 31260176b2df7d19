"""Chapters as Colab shows them: plain Markdown, the same code cells, the package's own code."""

import re
import textwrap
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from chapters import BOOK

CHAPTERS = sorted(BOOK.glob("*.ipynb"))


@pytest.fixture(scope="module")
def colab(build: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real chapters as Colab shows them."""
    folder = tmp_path_factory.mktemp("colab")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "COLAB", folder)
        build.write_colab()
    return folder


def prose(file: Path) -> str:
    cells = nbformat.read(file, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_on_colab_no_chapter_has_directives_roles_or_links_into_the_repository(
    colab: Path, chapter: Path
) -> None:
    plain_code = r"^```(?:python|bash)\n.*?^```$"
    shown = re.sub(plain_code, "", prose(colab / chapter.name), flags=re.M | re.S)
    for myst in (
        r"^ *(?:`{3,}|:{3,})\{?",  # a directive, or the end of one
        r"\{[\w:-]+\}`",  # a role
        r"^:[\w-]+:",  # an option
        r"^\([\w-]+\)=",  # a label
        r"^\+\+\+|^%",  # a break between blocks, a comment
        r"\]\((?!https://)[^)]*\)",
    ):
        assert not re.findall(myst, shown, re.M)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_on_colab_code_cells_are_the_same(
    colab: Path, chapter: Path, dependencies: ModuleType
) -> None:
    assert dependencies.code_of(colab / chapter.name) == dependencies.code_of(chapter)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_on_colab_included_code_is_the_packages(colab: Path, chapter: Path) -> None:
    """It begins and ends as in the book, where Sphinx includes it."""
    code = pytest.importorskip("sphinx.pycode", reason="only the book's extra has Sphinx")
    included = re.findall(r"\{literalinclude\} (\S+)\n:pyobject: ([\w.]+)", prose(chapter))
    shown = re.findall(r"^```python\n(.*?)^```$", prose(colab / chapter.name), re.M | re.S)
    assert len(shown) == len(included)
    for (path, name), there in zip(included, shown, strict=True):
        file = BOOK / path
        _, first, last = code.ModuleAnalyzer.for_file(str(file), file.stem).find_tags()[name]
        lines = file.read_text().splitlines(keepends=True)[first - 1 : last]
        assert there == textwrap.dedent("".join(lines))
