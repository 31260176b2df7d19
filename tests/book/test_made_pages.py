"""Generated parts of pages (Markdown for Colab, the API, tables for phones, formulas in sentences),
and the files that a chapter needs.
"""

import re
from itertools import groupby
from pathlib import Path

import pytest
from chapters import ROOT

PACKAGE = ROOT / "augfpn"


def test_what_a_chapter_imports_counts_with_all_that_it_needs(dependencies) -> None:
    """Through rooms and lazy names; with `records.py` if it is used, and with all data files."""
    files = dependencies.files_of(["from augfpn import AUGFPN\nfrom augfpn.study import evidence"])
    needed = ("config", "study/__init__", "study/evidence", "data/scenes/scene", "records")
    assert {PACKAGE / f"{name}.py" for name in needed} <= files
    assert PACKAGE / "study" / "claims.json" in files


def test_what_a_chapter_does_not_need_does_not_count(dependencies) -> None:
    files = dependencies.files_of(["from augfpn.speed.roi_align import torchvision_roi_align"])
    assert PACKAGE / "speed" / "roi_align.py" in files
    assert not {PACKAGE / "records.py", PACKAGE / "study" / "evidence.py"} & files


@pytest.mark.parametrize("cell", ["!augfpn doctor", "from augfpn.cli.program import main"])
def test_a_chapter_that_runs_commands_needs_the_whole_package(dependencies, cell: str) -> None:
    assert dependencies.files_of([cell]) >= set(PACKAGE.rglob("*.py"))


def test_plain_markdown_for_colab(build) -> None:
    text = """As {cite:p}`lin2017fpn` and {eq}`eq-a` say ([more](fpn.ipynb), [words](notation.md#m))

```{literalinclude} ../augfpn/pyramid.py
:pyobject: HardRoISelection.level_of
:caption: The rule
```

```{math}
:label: eq-a
k = 4
```

```{admonition} Solution
:class: dropdown

It is 4.
```
"""
    shown = build.pages.plain(text, ROOT, "https://site/", "https://raw/")
    assert "(Lin et al., 2017)" in shown
    assert "[more](https://site/fpn.html), [words](https://site/notation.html#m)" in shown
    assert "```python\ndef level_of(self" in shown
    assert "$$\nk = 4\n$$" in shown
    assert "<details><summary>Solution</summary>\n\nIt is 4." in shown
    assert "{" not in shown.split("```python")[0]


def test_an_included_name_that_is_gone_is_named(build) -> None:
    text = "```{literalinclude} ../augfpn/pyramid.py\n:pyobject: FPN.backward\n```"
    with pytest.raises(build.pages.Missing, match=r"FPN.backward, which .*/pyramid.py does not"):
        build.pages.plain(text, ROOT, "", "")


def test_a_sentence_may_begin_with_a_figure(build) -> None:
    text = "In {numref}`fig-a` look. {numref}`fig-b` is ({eq}`eq-c`).\n\n{numref}`fig-d` plays"
    shown = build.pages.plain(text, ROOT, "", "")
    assert shown == "In the figure look. The figure is (the formula).\n\nThe figure plays"


def test_the_api_shows_signatures_fields_and_docstrings(build) -> None:
    shown = "\n".join(build.pages.api(PACKAGE).values())
    assert "ratio_invariant_pool(c5: Tensor, ratio: float) -> Tensor" in shown
    assert "class AdaptiveSpatialFusion(channels: int, n: int)" in shown
    assert "- *Source*: paper 3.2, ratio-invariant adaptive pooling.\n- *Shapes*:" in shown
    assert "class Pyramid(NamedTuple)\n    m: Levels\n    p: Levels" in shown
    assert "\n    # Consistent Supervision, on or off\n    cs: bool = True\n" in shown
    assert "Annotated" not in shown


def test_the_api_has_every_public_module_once_rooms_together(build) -> None:
    files = [file.relative_to(PACKAGE).with_suffix("") for file in PACKAGE.rglob("*.py")]
    names = {".".join(("augfpn", *file.parts)).removesuffix(".__init__") for file in files}
    made = build.pages.api(PACKAGE)
    shown = re.findall(r"^##? (augfpn\.\S+)$", "\n".join(made.values()), re.M)
    assert sorted(shown) == sorted(names - {"augfpn", "augfpn.cli.__main__"})
    rooms = [name.split(".")[1] for name in shown]
    assert len(list(groupby(rooms))) == len(set(rooms))
    assert list(made) == list(dict.fromkeys(rooms))
    assert tuple(dict.fromkeys(rooms))[: len(build.pages.READ_FIRST)] == build.pages.READ_FIRST


def test_a_new_room_gets_a_page_of_the_api_by_itself(build, tmp_path: Path) -> None:
    (tmp_path / "attic").mkdir()
    (tmp_path / "attic" / "__init__.py").write_text('"""What is kept."""')
    (tmp_path / "attic" / "boxes.py").write_text('"""Boxes.\n\nOld ones."""\n_OWN = 1')
    (tmp_path / "pyramid.py").write_text('def pool(x: int):\n    """Pool."""\n')
    made = build.pages.api(tmp_path)
    assert list(made) == ["pyramid", "attic"]
    assert made["pyramid"].split("\n\n")[2:] == [
        *("(api-pyramid-pool)=\n## pool", "```python\npool(x: int)\n```", "Pool."),
    ]
    assert made["attic"].split("\n\n") == [
        *("# augfpn.attic", "What is kept.", "## augfpn.attic.boxes", "Boxes."),
    ]


def finished(build, folder: Path, body: str) -> str:
    """A page as `finish` leaves it, also if it is finished twice: not all are built anew."""
    (folder / "page.html").write_text(body)
    build.finish.finish(folder)
    once = (folder / "page.html").read_text()
    build.finish.finish(folder)
    assert (folder / "page.html").read_text() == once
    return once


def test_a_formula_and_the_punctuation_after_it_are_not_broken(build, tmp_path: Path) -> None:
    formula = r'<span class="math notranslate nohighlight">\(P_2\)</span>'
    kept = f'<span class="unbroken">{formula}”,</span>'
    shown = finished(build, tmp_path, f"<p>{formula} to {formula}”, <em>or</em> {formula}</p>")
    assert shown == f"<p>{formula} to {kept} <em>or</em> {formula}</p>"


def test_lines_of_printed_tables_are_kept_whole_and_sentences_are_not(build, tmp_path) -> None:
    start = '<div class="output stream notranslate"><div class="highlight"><pre><span></span>'
    row, sentence = "this run: A &amp; B  21.3  43.3", "ok  memory  20.9 of 25.3 GB are free here."
    shown = finished(build, tmp_path, f"{start}{row}\n{sentence}\nplain words\n</pre></div></div>")
    marked = f'<span class="columns">{row}</span>'
    assert shown == f"{start}{marked}\n{sentence}\nplain words\n</pre></div></div>"
    code = f'<div class="highlight"><pre><span></span>{row}\n</pre></div>'
    assert finished(build, tmp_path, code) == code


def table(heads: list[str], *rows: list[str]) -> str:
    head = "".join(f'<th class="head"><p>{each}</p></th>\n' for each in heads)
    cells = ("".join(f"<td><p>{each}</p></td>\n" for each in row) for row in rows)
    body = "".join(f"<tr>{each}</tr>\n" for each in cells)
    start = f'<table class="table" id="tab-a"><thead><tr>{head}</tr></thead>'
    return f"{start}<tbody>{body}</tbody></table>"


def test_the_cells_of_a_table_of_text_know_the_heads_of_their_columns(build, tmp_path) -> None:
    long = "A sentence of more letters than one column of a phone can show in a line. " * 2
    heads = ["part", "paper &amp; code", "here", "there"]
    shown = finished(build, tmp_path, table(heads, ["neck", long, "", "–"]))
    assert '<table class="table in-rows" id="tab-a">' in shown
    assert "<td><p>neck</p></td>" in shown, "the first cell names the row, and needs no head"
    assert "<td data-nothing><p></p></td>\n<td data-nothing><p>–</p></td>" in shown
    assert shown.count("data-head") == 1
    assert f'<td data-head="paper &amp; code"><p>{long}</p></td>' in shown


def test_a_wide_table_of_numbers_becomes_cards_that_know_their_row(build, tmp_path: Path) -> None:
    effect = "+1.1 [−0.03, +2.3]"
    heads = ["", "images", "seeds", "AP", "minus FPN", "in the paper"]
    rows = (
        ["CS (single level)", "scenes", "3", "49.8", effect, effect],
        ["", "bccd", "3", "52.0", effect, ""],
    )
    shown = finished(build, tmp_path, table(heads, *rows))
    assert '<table class="table in-cards" id="tab-a">' in shown
    assert '<td data-head="images" data-short><p>scenes</p></td>' in shown
    assert '<td class="again" data-again="CS (single level)"><p></p></td>' in shown
    assert shown.count("data-again") == 1


def test_a_table_of_numbers_stays_one_and_breaks_no_interval(build, tmp_path: Path) -> None:
    rows = ["mask_rcnn", "+1.1 [−0.03, +2.3] *"], ["fcos", "–"]
    shown = finished(build, tmp_path, table(["dial", "lost"], *rows))
    assert '<table class="table in-columns" id="tab-a">' in shown
    assert '<th class="head"><p>dial' in shown
    assert '<th class="head words"><p>lost' in shown
    assert "<p>mask_<wbr/>rcnn</p>" in shown
    assert "<p>+1.1 [−0.03,&#160;+2.3]&#160;*</p>" in shown
