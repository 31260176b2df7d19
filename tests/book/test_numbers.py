"""No number of the repository's text is typed by hand: each has a source that is looked up here.

Text is prose: README, pages, chapters and notebooks, without code. Only numbers with a decimal
point or groups of thousands are checked, so not "three seeds" or "16 pictures", and no formulas,
which a reader can work out. A number is either part of a sentence that `said` checks, or has a row
in `SOURCES`: the page, the number, and what it is computed from.
"""

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from chapters import ROOT, plain
from pycocotools.cocoeval import Params
from said.table import SENTENCES

from augfpn.config import AUGFPN
from augfpn.detectors import cost
from augfpn.diagnostics import top_level
from augfpn.settings.budgets import BUDGETS
from augfpn.study.uncertainty.intervals import LEVEL, factor
from augfpn.training.schedule import learning_rate

TEXTS = sorted(
    path
    for pattern in (
        "README.md",
        "book/*.md",
        "book/*.ipynb",
        "book/talk/*.md",
        "experiments/*.ipynb",
        "*/*/README.md",
    )
    for path in ROOT.glob(pattern)
    if path.name != "deviations.md"  # its tables are compared with the dialects themselves
)
CODE = re.compile(
    r"```.*?```|`[^`]*`|:::.*?:::|\$\$.*?\$\$|\$[^$\n]+\$"
    r"|\]\([^)]*\)|https?://\S+|sections? \d\.\d",
    re.S,
)
NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.]*\w)|\b\d{1,3}(?:,\d{3})+\b")
TABLE = re.compile(r"```\{table\}(.*?)```", re.S)  # a table with a caption is prose
COMMAND = re.compile(r"^ {4}(?:augfpn|papermill|python|torchrun|make) (?:.*\\\n)*.*$", re.M)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHON = PROJECT["requires-python"]
TORCH = next(x.removeprefix("torch>=") for x in PROJECT["dependencies"] if x.startswith("torch>="))
ROIS = 1000


def named(value: str) -> Callable[[], str]:
    """A number that is part of a name, such as a version, which nothing here could compute."""
    return lambda: value


@cache
def costs() -> dict[str, cost.PartCost]:
    """The costs of AugFPN's parts, by name, at the paper's size."""
    return {each.part: each for each in cost.part_costs(replace(AUGFPN, classes=80), rois=ROIS)}


def macs(part: str) -> str:
    """Millions of multiplications that a part makes for one RoI."""
    return f"{costs()[part].inference / ROIS / 1e6:.1f}"


def threshold(place: int) -> str:
    """One of COCO's IoU thresholds."""
    return f"{Params(iouType='bbox').iouThrs[place]:.2f}"


def rate(batch: int) -> str:
    """The learning rate on COCO with so many pictures a step."""
    train = BUDGETS["paper"].train
    return f"{learning_rate(replace(train, batch=batch), train.warmup_steps, 100_000):g}"


SOURCES: dict[tuple[str, str], Callable[[], str]] = {
    ("README", "3.11"): lambda: PYTHON.removeprefix(">="),
    ("reproduce_one_result", "3.11"): lambda: PYTHON.removeprefix(">="),
    ("README", "2.0"): named("2.0"),  # of the licence
    ("README", "4.0"): named("4.0"),  # of Aquarium's licence
    ("reproducibility", "2.0"): named("2.0"),
    ("reproducibility", "4.0"): named("4.0"),
    ("coco_recipe", "0.02"): lambda: rate(16),
    ("coco_recipe", "0.01"): lambda: rate(8),
    ("coco_recipe", "0.4"): named("0.4"),  # GB of COCO's own file
    ("coming_from", "0.6"): named("0.6"),  # of mmdetection
    ("coming_from", "1.0"): named("1.0"),  # of PyTorch
    ("glossary", "0.50"): lambda: threshold(0),
    ("glossary", "0.95"): lambda: threshold(-1),
    ("intervals", "1.96"): lambda: f"{factor(LEVEL):.2f}",
    ("seminar", "1.0"): named("1.0"),  # of PyTorch
    ("seminar", "2.0"): named("2.0"),  # of the licence
    ("soft_roi_selection", "13.3"): lambda: macs("box RoI selection"),
    ("soft_roi_selection", "14.3"): lambda: macs("box head"),
    ("trained_detector", "0.6"): named("0.6"),  # of detectron2
    ("trained_detector", "2.11"): lambda: TORCH,
    ("trained_detector", "0.25"): lambda: f"{AUGFPN.lam}",
    ("two_forwards", "0.6"): named("0.6"),  # of mmdetection
    ("why_one_map", "8.0"): named("8.0"),  # printed in FPN's paper, section 5.1, as is the next
    ("why_one_map", "12.9"): named("12.9"),
    ("experiments/ablation", "0.50"): lambda: threshold(0),
    ("experiments/ablation", "0.75"): lambda: threshold(5),
    ("experiments/table3", "0.25"): lambda: f"{AUGFPN.lam:g}",
    ("experiments/table4", "0.1"): lambda: f"{AUGFPN.ratios[0]:g}",
    ("experiments/table4", "0.2"): lambda: f"{AUGFPN.ratios[1]:g}",
    ("experiments/table4", "0.3"): lambda: f"{AUGFPN.ratios[2]:g}",
    ("experiments/top_level", "1.5"): lambda: f"{top_level.AROUND:g}",
}


def page_of(path: Path) -> str:
    """A page's name: as in the book, or below the repository's root."""
    return path.relative_to(ROOT).with_suffix("").as_posix().removeprefix("book/")


def markdown(path: Path) -> str:
    """A file's Markdown: of a notebook, that of its cells."""
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        cells = (c for c in json.loads(text)["cells"] if c["cell_type"] == "markdown")
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
    return text


def prose(path: Path) -> str:
    """A file's text without code and commands."""
    return CODE.sub(" ", COMMAND.sub(" ", TABLE.sub(r"\1", markdown(path))))


@cache
def known(page: str) -> set[str]:
    """The numbers that a page may have: those with a row, and those in its checked sentences."""
    own = {number for where, number in SOURCES if where == page}
    return own.union(*(NUMBER.findall(each.words) for each in SENTENCES if each.page == page))


@pytest.mark.parametrize("path", TEXTS, ids=page_of)
def test_each_number_has_a_source(path: Path) -> None:
    for number in NUMBER.findall(prose(path)):
        assert number in known(page_of(path)), (
            f"{path.name} says {number}, and nothing says where that is from: "
            "check the sentence in tests/book/said, or give the number a row in SOURCES"
        )


@pytest.mark.parametrize(("page", "number"), SOURCES)
def test_a_source_says_what_its_page_says(page: str, number: str) -> None:
    assert SOURCES[page, number]() == number
    (path,) = [each for each in TEXTS if page_of(each) == page]
    assert number in NUMBER.findall(prose(path)), f"{page} does not say {number} any more"


def unquoted(text: str, page: str) -> set[str]:
    """The numbers of a page's text that stand in no checked sentence and have no row."""
    text = plain(text)
    for each in SENTENCES:
        if each.page == page:
            text = text.replace(each.words, " ")
    return {*NUMBER.findall(CODE.sub(" ", text))} - {
        number for where, number in SOURCES if where == page
    }


@pytest.mark.parametrize("path", TEXTS, ids=page_of)
def test_hardly_a_typed_number_would_pass(path: Path) -> None:
    """Of all numbers from 0.0 to 99.9 with one decimal, a page accepts fewer than twenty.

    A sheet of results, or a table of cases, has more; there each number stands inside a checked
    sentence.
    """
    passing = {f"{n / 10:.1f}" for n in range(1000)} & known(page_of(path))
    assert len(passing) < 20 or not unquoted(TABLE.sub(r"\1", markdown(path)), page_of(path))


def test_a_number_outside_checked_sentences_is_found() -> None:
    """Also one that a checked sentence of the page has."""
    quoted = "In the paper all twelve gain. | +0.9 to +2.3 on test-dev, one run each |"
    assert unquoted(quoted, "seminar") == set()
    assert unquoted(f"{quoted} It gains 1.6 points, not 7.7.", "seminar") == {"1.6", "7.7"}


def test_a_typed_number_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "AugFPN gains 7.77 points, `lam 0.123` (section 3.1) of 38.8, or 12,345 places.\n\n"
        "    papermill ablation.ipynb out.ipynb -p lam 0.5\n"
    )
    assert NUMBER.findall(prose(page)) == ["7.77", "38.8", "12,345"]
