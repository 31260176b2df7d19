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
    assert PACKAGE / "study" / "ledger" / "claims.json" in files


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
    rooms = [re.search(r"^# augfpn\.(\S+)$", page, re.M)[1] for page in made.values()]
    assert [room.replace(".", "-") for room in rooms] == list(made)
    assert {"study", "study.ledger", "study.bench", "data.scenes"} <= set(rooms)
    outer = [room for room, _ in groupby(room.split(".")[0] for room in rooms)]
    assert len(outer) == len(set(outer))
    assert tuple(outer)[: len(build.pages.READ_FIRST)] == build.pages.READ_FIRST


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


def test_intervals_and_units_in_text_are_not_broken_but_those_in_code_are(build, tmp_path) -> None:
    words, code = "gains 95 % of 0.5 AP,\n−1.2 [−2.4,\n+0.1]", "<code>[1, 2] * 5 % 3</code>"
    shown = finished(build, tmp_path, f'<p title="9 %">{words} {code}</p>')
    whole = "gains 95\u00a0% of 0.5\u00a0AP,\n−1.2 [−2.4,\u00a0+0.1]"
    assert shown == f'<p title="9 %">{whole} {code}</p>'


def test_an_option_and_its_value_stay_together(build, tmp_path: Path) -> None:
    pre = '<span class="pre">{}</span>'.format
    words = " ".join(map(pre, ("--cs", "false", "--rfa", "--lr", "0.1")))
    shown = finished(build, tmp_path, f"<code>{words}</code>")
    assert shown == (
        f'<code><span class="option">{pre("--cs")} {pre("false")}</span> {pre("--rfa")}'
        f' <span class="option">{pre("--lr")} {pre("0.1")}</span></code>'
    )


def test_commands_keep_options_whole_and_have_no_colours_of_python(build, tmp_path: Path) -> None:
    coloured = (
        '<span class="n">augfpn</span> <span class="n">train</span> <span class="o">--</span>'
    )
    shown = finished(build, tmp_path, f"<pre>{coloured}amp --seed 1  # one run\n  --cs \\\n</pre>")
    assert shown == (
        '<pre class="commands"><span class="line">augfpn train <span class="option">--amp</span> '
        '<span class="option">--seed 1</span>  <span class="c1"># one run</span></span>\n'
        '<span class="line" style="--deep: 2">  <span class="option">--cs</span> \\</span>\n</pre>'
    )


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("for seed in 0 1; do\n    augfpn train --seed $seed\ndone", "commands"),
        ("found=a.json\naugfpn interval --with $found", "commands"),
        ("# first\npip install 'augfpn @ git+https://a.b/c'", "commands"),
        ("for seed in range(3):\n    print(seed)", "code"),
        ("import torch", "code"),
    ],
)
def test_a_block_of_a_terminal_is_known_by_its_first_words(build, tmp_path, code, kind) -> None:
    assert finished(build, tmp_path, f"<pre>{code}\n</pre>").startswith(f'<pre class="{kind}">')


def test_an_address_in_a_command_is_not_broken(build, tmp_path: Path) -> None:
    shown = finished(build, tmp_path, "<pre>git clone https://a.b/c-d\n</pre>")
    assert 'git clone <span class="option">https://a.b/c-d</span>' in shown


def test_a_line_of_code_says_how_deep_it_is_and_keeps_its_colours(build, tmp_path: Path) -> None:
    """A phone lets it go on below, one step deeper."""
    code = '<span class="k">if</span> a:\n\n    <span class="n">b</span>()'
    shown = finished(build, tmp_path, f"<pre><span></span>{code}\n</pre>")
    assert shown == (
        '<pre class="code"><span></span><span class="line"><span class="k">if</span> a:</span>\n\n'
        '<span class="line" style="--deep: 4">    <span class="n">b</span>()</span>\n</pre>'
    )


def test_a_figure_keeps_its_place_free_while_it_loads(build, tmp_path: Path) -> None:
    (tmp_path / "_images").mkdir()
    (tmp_path / "_images/a.svg").write_text('<svg x="" width="300pt" height="150pt"></svg>')
    shown = finished(build, tmp_path, '<img alt="A" src="_images/a.svg" />')
    assert shown.count('width="400" height="200"') == 2, "one for each theme"


def test_lines_of_printed_tables_are_kept_whole_and_sentences_are_not(build, tmp_path) -> None:
    start = '<div class="output stream notranslate"><div class="highlight"><pre><span></span>'
    row, sentence = "this run: A &amp; B  21.3  43.3", "ok  memory  20.9 of 25.3 GB are free here."
    shown = finished(build, tmp_path, f"{start}{row}\n{sentence}\nplain words\n</pre></div></div>")
    first = start.replace("<pre>", '<pre class="printed">')
    marked = f'<span class="columns">{row}</span>'
    others = "".join(f'<span class="line">{each}</span>\n' for each in (sentence, "plain words"))
    assert shown == f"{first}{marked}\n{others}</pre></div></div>"
    code = f'<div class="highlight"><pre><span></span>{row}\n</pre></div>'
    assert "columns" not in finished(build, tmp_path, code)


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


def test_a_row_of_text_without_a_name_knows_that_of_the_row_above(build, tmp_path: Path) -> None:
    long = "A sentence of more letters than one column of a phone can show in a line. " * 2
    rows = ["CS (single level)", "scenes", long], ["", "bccd", long]
    shown = finished(build, tmp_path, table(["", "images", "what was found"], *rows))
    assert '<td data-head="images" data-short><p>scenes</p></td>' in shown
    assert '<td class="again" data-again="CS (single level)"><p></p></td>' in shown
    assert shown.count("data-again") == 1


def test_a_table_of_numbers_that_fits_stays_one_and_breaks_no_interval(build, tmp_path) -> None:
    rows = ["mask_rcnn", "+1.1 [−0.03, +2.3] *"], ["fcos", "–"]
    shown = finished(build, tmp_path, table(["dial", "lost"], *rows))
    assert '<table class="table in-columns" id="tab-a">' in shown
    assert '<th class="head"><p>dial' in shown
    assert '<th class="head words"><p>lost' in shown
    assert "<p>mask_<wbr/>rcnn</p>" in shown
    assert "<p>+1.1 [−0.03,\u00a0+2.3]\u00a0*</p>" in shown
    assert "data-head" not in shown


def test_a_table_of_numbers_that_is_wider_than_a_phone_becomes_cards(build, tmp_path) -> None:
    """Otherwise the column that matters is behind the edge."""
    heads = ["images", "", *("AP", "APs", "APm", "minus FPN")]
    row = ["blood cells", "CS", *["+1.1 [−0.03, +2.3]"] * 4]
    shown = finished(build, tmp_path, table(heads, row))
    assert '<table class="table in-rows" id="tab-a">' in shown
    assert '<td data-head="minus FPN" data-short><p>+1.1 [−0.03,\u00a0+2.3]</p></td>' in shown
    assert "<td data-short><p>CS</p></td>" in shown, "a column without a name names the row, too"
