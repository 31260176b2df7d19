"""Beside each accuracy of a probe stands what guessing reaches, in figures, tables and prints."""

import ast
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from chapters import BOOK, ROOT, source
from matplotlib.text import Text
from said.evidence import BOTH, at

from augfpn.study.results import mechanisms, side_by_side

HTML = Path(os.environ.get("BOOK", ROOT / "_build" / "html"))
READS = '"probe"'  # the accuracies in a record, see augfpn.diagnostics.semantic_gap


def readers() -> Iterator[tuple[str, str]]:
    """The code, by its place, that shows recorded accuracies of probes."""
    for path in sorted((ROOT / "augfpn" / "study").rglob("*.py")):
        for node in ast.parse(text := path.read_text("utf-8")).body:
            code = ast.get_source_segment(text, node) or ""
            if READS in code:
                yield f"{path.stem}.{getattr(node, 'name', '')}", code
    for path in [*BOOK.glob("*.ipynb"), *(ROOT / "experiments").glob("*.ipynb")]:
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "code" and READS in source(cell):
                yield f"{path.stem}, cell {cell['id']}", source(cell)


def test_whatever_shows_accuracies_of_probes_says_what_guessing_reaches() -> None:
    found = dict(readers())
    assert {"mechanisms.gap_figure", "test_bench, cell untrained"} <= set(found)
    assert [place for place, code in found.items() if "guess" not in code] == []


@pytest.mark.parametrize("pictures", BOTH)
def test_the_figure_and_the_tables_of_probes_show_it(pictures: str) -> None:
    of = at(pictures)
    guess = 100 / len(of.recorded("fpn")[0].classes)
    figure = mechanisms.gap_figure(of)
    words = " ".join(text.get_text() for text in figure.findobj(Text))
    assert f"(guessing: {guess:.0f})" in words
    names = [*mechanisms.GAP_NUMBERS, *mechanisms.TOP_NUMBERS]
    accuracies = [name for name in names if name.startswith(mechanisms.ACCURACIES)]
    alone = mechanisms.measured_table(of, accuracies, ["fpn"])
    beside = side_by_side.measured_beside({pictures: of}, accuracies, ["fpn"])
    for line in [*alone.splitlines()[2:], *beside.splitlines()[2:]]:
        assert f"{guess:.1f}" in line


@pytest.mark.book
@pytest.mark.slow
@pytest.mark.skipif(not HTML.is_dir(), reason=f"no pages in {HTML}: `make book` builds them")
def test_built_figures_of_probes_show_it() -> None:
    """Matplotlib writes a figure's words into comments of its file."""
    seen = 0
    for page in HTML.glob("*.html"):
        for figure in re.findall(r"<figure.*?</figure>", page.read_text("utf-8"), re.S):
            if not re.search(r"\bprobe", re.sub(r"<[^>]*>", " ", figure)):
                continue
            files = re.findall(r'src="([^"]+)\.svg"', figure)
            assert all("guessing" in (HTML / f"{each}.svg").read_text("utf-8") for each in files)
            seen += 1
    assert seen
