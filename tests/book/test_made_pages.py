"""What pages are made of besides prose: plain Markdown for Colab, the API from docstrings."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"


def test_records_and_lazy_names_count(build) -> None:
    files = build.files_of(["from augfpn import AUGFPN, evidence"])
    assert {ROOT / "augfpn" / f"{name}.py" for name in ("config", "evidence", "records")} <= files
    assert ROOT / "augfpn" / "claims.json" in files
    only = build.files_of(["from augfpn.detectors.roi_align import torchvision_roi_align"])
    assert ROOT / "augfpn" / "records.py" not in only
    assert build.files_of(["!augfpn doctor"]) >= set((ROOT / "augfpn").rglob("*.py"))


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


def test_a_sentence_may_begin_with_a_figure(build) -> None:
    text = "In {numref}`fig-a` look. {numref}`fig-b` is ({eq}`eq-c`).\n\n{numref}`fig-d` plays"
    shown = build.pages.plain(text, ROOT, "", "")
    assert shown == "In the figure look. The figure is (the formula).\n\nThe figure plays"


def test_the_api_shows_signatures_fields_and_docstrings(build) -> None:
    shown = build.pages.api(ROOT / "augfpn")
    assert "ratio_invariant_pool(c5: Tensor, ratio: float) -> Tensor" in shown
    assert "class AdaptiveSpatialFusion(channels: int, n: int)" in shown
    assert "- *Source*: paper 3.2, ratio-invariant adaptive pooling.\n- *Shapes*:" in shown
    assert "class Pyramid(NamedTuple)\n    m: Levels\n    p: Levels" in shown
