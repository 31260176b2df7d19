"""No number of the repository's text is typed by hand: each is the paper's, a setting, or computed.

Text is what a reader reads as prose: README, pages and chapters, without code. A number is anything
with a decimal point or groups of thousands; what needs neither (three seeds, 16 pictures) is not
looked at; nor are formulas, which a reader can work out.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import pytest

from augfpn import records
from augfpn.config import AUGFPN, DEFAULTS, FPN
from augfpn.detectors import cost
from augfpn.settings import paper
from augfpn.settings.dialects import TRAINING

ROOT = Path(__file__).parents[2]
TEXTS = sorted(
    path
    for pattern in (
        "README.md",
        "book/*.md",
        "book/*.ipynb",
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


def macs(part: str) -> str:
    """Millions of multiplications of a RoI in a part of AugFPN at the paper's size."""
    rois = 1000
    found = cost.cost(replace(AUGFPN, classes=80), rois=rois)
    (own,) = [each for each in found if each.part == part]
    return f"{own.testing / rois / 1e6:.1f}"


def millions_of_panet() -> str:
    """Parameters that PANet's pooling has more than FPN."""
    plain, panet = (
        cost.in_testing(cost.cost(replace(FPN, roi_selection=name)))[0]
        for name in ("hard", "panet")
    )
    return f"{(panet - plain) / 1e6:.1f}"


COMPUTED: dict[str, Callable[[], str]] = {  # of which chapters say how they come about
    "13.3": lambda: macs("box RoI selection"),
    "14.3": lambda: macs("box head"),
    "38.5": millions_of_panet,
}
NAMES = {
    "3.11": "Python's version",
    "2.0": "the licence's",
    "0.50": "COCO's IoU thresholds",
    "0.75": "COCO's IoU thresholds",
    "0.95": "COCO's IoU thresholds",
}


def prose(path: Path) -> str:
    """What a reader reads."""
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        cells = (c for c in json.loads(text)["cells"] if c["cell_type"] == "markdown")
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
    return CODE.sub(" ", text)


def leaves(value: object) -> Iterator[float]:
    """All numbers in nested data."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from leaves(each)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


@cache
def known() -> set[float]:
    """The paper's numbers, all settings, and AP in percent of every committed record."""
    settings = [*leaves(DEFAULTS), *leaves(asdict(AUGFPN)), *leaves(TRAINING)]
    found = [*leaves(paper.tables()), *settings]
    for record in records.records_in(records.COMMITTED):
        found += [round(100 * x, 1) for x in leaves(record.result)]
    return set(found)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_number_has_a_source(path: Path) -> None:
    for text in NUMBER.findall(prose(path)):
        value = float(text.replace(",", ""))
        assert text in NAMES or text in COMPUTED or value in known(), (
            f"{path.name} says {text}, which is no number of the paper, no setting, in no record"
        )


@pytest.mark.parametrize("text", COMPUTED)
def test_computed_numbers_are_what_they_are_said_to_be(text: str) -> None:
    assert COMPUTED[text]() == text
    assert any(text in NUMBER.findall(prose(path)) for path in TEXTS), f"nobody says {text}"


def test_a_typed_number_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "AugFPN gains 7.77 points, `lam 0.123` (section 3.1) of 38.8, or 12,345 places."
    )
    found = NUMBER.findall(prose(page))
    assert found == ["7.77", "38.8", "12,345"]
    assert 38.8 in known()
    assert not {7.77, 12345.0} & known()
