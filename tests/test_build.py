"""The book's own step: chapters are executed when what they depend on has changed, not else."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
CHAPTER = """\
from augfpn.boxes import side
print("side", side(3, 4))
"""


@pytest.fixture(scope="module")
def build():
    """book/build.py as a module."""
    sys.path.insert(0, str(BOOK))
    spec = importlib.util.spec_from_file_location("book_build", BOOK / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(BOOK))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A checkout with a package of two modules and a book of two chapters."""
    for name in ("book", "augfpn", "experiments"):
        (tmp_path / name).mkdir()
    for name in ("build.py", "pages.py"):
        shutil.copy(BOOK / name, tmp_path / "book")
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    shutil.copy(ROOT / "_config.yml", tmp_path)
    package = tmp_path / "augfpn"
    (package / "__init__.py").write_text("_HOME = {}\n")
    (package / "records.py").write_text("def cpu_name():\n    return 'a machine'\n")
    (package / "numbers.py").write_text("def root(x):\n    return x**0.5\n")
    (package / "boxes.py").write_text(
        "from augfpn.numbers import root\n\n\ndef side(w, h):\n    return root(w * w + h * h)\n"
    )
    write(tmp_path, "one", CHAPTER, "# One")
    write(tmp_path, "two", "print('alone')", "# Two")
    toc = {"root": "intro", "parts": [{"chapters": [{"file": "one"}, {"file": "two"}]}]}
    (tmp_path / "book" / "_toc.yml").write_text(yaml.safe_dump(toc))
    return tmp_path


def write(root: Path, name: str, code: str, text: str) -> None:
    cells = [nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell(code)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), root / "book" / f"{name}.ipynb")


def execute(root: Path) -> tuple[dict[str, str], str]:
    """What happened to each chapter, and what the first one prints."""
    command = [sys.executable, str(root / "book" / "build.py"), "--execute-only"]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    happened = dict(line.split(": ") for line in ran.stdout.splitlines() if ": " in line)
    (file,) = (root / "_build" / "executed").glob("one-*.ipynb")
    cell = nbformat.read(file, as_version=4).cells[1]
    return happened, "".join(output.text for output in cell.outputs)


def test_a_changed_function_is_seen_and_nothing_else_is_executed(small: Path) -> None:
    assert execute(small) == ({"one": "executed", "two": "executed"}, "side 5.0\n")
    assert execute(small)[0] == {"one": "unchanged", "two": "unchanged"}
    write(small, "one", CHAPTER, "# One, in other words")
    assert execute(small)[0] == {"one": "unchanged", "two": "unchanged"}
    (small / "augfpn" / "numbers.py").write_text("def root(x):\n    return -(x**0.5)\n")
    assert execute(small) == ({"one": "executed", "two": "unchanged"}, "side -5.0\n")


def test_a_chapter_that_fails_is_named(small: Path) -> None:
    write(small, "two", "1 / 0", "# Two")
    command = [sys.executable, str(small / "book" / "build.py"), "--execute-only"]
    ran = subprocess.run(command, cwd=small, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    said = ran.stderr.strip().splitlines()[-1]
    assert said == "two.ipynb does not run: ZeroDivisionError: division by zero"


def test_records_and_lazy_names_count(build) -> None:
    files = build.files_of(["from augfpn import AUGFPN, evidence"])
    assert {ROOT / "augfpn" / f"{name}.py" for name in ("config", "evidence", "records")} <= files
    assert ROOT / "augfpn" / "claims.json" in files
    only = build.files_of(["from augfpn.roi_align import torchvision_roi_align"])
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


def test_the_api_shows_signatures_fields_and_docstrings(build) -> None:
    shown = build.pages.api(ROOT / "augfpn")
    assert "ratio_invariant_pool(c5: Tensor, ratio: float) -> Tensor" in shown
    assert "class AdaptiveSpatialFusion(channels: int, n: int)" in shown
    assert "- *Source*: paper 3.2, ratio-invariant adaptive pooling.\n- *Shapes*:" in shown
    assert "class Pyramid(NamedTuple)\n    m: Levels\n    p: Levels" in shown
