"""The book's pages: their structure, and whether what they promise is true."""

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest
import torch
import yaml
from chapters import ONE_SCREEN

from augfpn.notebook import ASKED
from augfpn.pyramid import AdaptiveSpatialFusion, HardRoISelection
from augfpn.settings import dialects, parameters
from augfpn.settings.budgets import BUDGETS
from augfpn.speed.roi_align import torchvision_roi_align

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
DEPENDENCIES = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
LEFT_ALONE = {"torch", "torchvision", "numpy"}  # a reader's environment keeps its versions
TOC = yaml.safe_load((BOOK / "_toc.yml").read_text())
NAMES = [TOC["root"], *(c["file"] for part in TOC["parts"] for c in part["chapters"])]
CHAPTERS = sorted(BOOK.glob("*.ipynb"))
BUILT_BY_READERS = "build_it_yourself"
WHOLE = [path for path in CHAPTERS if path.stem not in ONE_SCREEN]
PAGES = sorted([*BOOK.glob("*.md"), *CHAPTERS])

per_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
per_whole_chapter = pytest.mark.parametrize("chapter", WHOLE, ids=lambda path: path.stem)


def cells(chapter: Path, kind: str) -> list[dict]:
    return [c for c in json.loads(chapter.read_text())["cells"] if c["cell_type"] == kind]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def text(page: Path) -> str:
    """A page's Markdown."""
    if page.suffix == ".md":
        return page.read_text()
    return "\n\n".join(map(source, cells(page, "markdown")))


def words(markdown: str) -> int:
    """The number of words without code and options of directives; a formula is one word."""
    prose = re.sub(r"```\{literalinclude\}.*?```", "", markdown, flags=re.DOTALL)
    prose = re.sub(r"```\{math\}.*?```", "formula", prose, flags=re.DOTALL)
    prose = re.sub(r"^(```.*|:\w+:.*| {4}.*|\|[-|]+)$", "", prose, flags=re.MULTILINE)
    prose = re.sub(r"\$[^$]+\$|\{[\w:]+\}`[^`]+`", "formula", prose)
    return len(re.findall(r"[^\W_][\w'.,%×²-]*", prose))


DRAWS = re.compile(r"(plots\w*\.|\w+\.(\w+_)?figure(_of)?\()")


def python(cell: dict) -> ast.Module:
    """A code cell without its magics."""
    return ast.parse(re.sub(r"^(\s*)%.*$", r"\1pass", source(cell), flags=re.MULTILINE))


def draws(cell: dict) -> bool:
    """Whether a cell's value is a figure."""
    return DRAWS.match(ast.unparse(python(cell).body[-1])) is not None


# --- structure ------------------------------------------------------------------------------------


def test_contents_list_every_page_and_no_other() -> None:
    assert sorted(NAMES) == sorted(page.stem for page in PAGES)


@per_chapter
def test_no_outputs(chapter: Path) -> None:
    assert not [c["id"] for c in cells(chapter, "code") if c["outputs"] or c["execution_count"]]


@per_chapter
def test_cells_are_few_and_short_and_define_nothing(chapter: Path) -> None:
    code = cells(chapter, "code")
    lines = sorted(len(source(cell).splitlines()) for cell in code)
    assert len(code) <= 15
    assert lines[-1] <= 15
    assert lines[len(lines) // 2] <= 8
    if chapter.stem == BUILT_BY_READERS:
        return  # who write its classes
    definitions = ast.FunctionDef, ast.ClassDef, ast.Lambda
    every = (node for cell in code for node in ast.walk(python(cell)))
    assert not [ast.unparse(node) for node in every if isinstance(node, definitions)]


@per_whole_chapter
def test_length(chapter: Path) -> None:
    assert 900 <= words(text(chapter)) <= 1800


@per_chapter
def test_figures_have_alt_text_caption_and_a_reference(chapter: Path) -> None:
    figures = [cell["metadata"].get("mystnb", {}) for cell in cells(chapter, "code") if draws(cell)]
    assert figures or "```{figure}" in text(chapter)
    names = [figure["figure"]["name"] for figure in figures]
    assert len(set(names)) == len(names)
    for figure in figures:
        assert len(figure["image"]["alt"]) > 60
        assert len(figure["figure"]["caption"]) > 40
        assert f"{{numref}}`{figure['figure']['name']}`" in text(chapter)


@per_chapter
def test_figures_stand_alone(chapter: Path) -> None:
    """Anything else that the cell displays would get the figure's caption too."""
    drawn = [source(cell) for cell in cells(chapter, "code") if draws(cell)]
    assert not [each for each in drawn if re.search(r"^\s*display\(", each, re.MULTILINE)]


@per_whole_chapter
def test_a_figure_comes_before_the_first_formula(chapter: Path) -> None:
    shown = []
    for cell in json.loads(chapter.read_text())["cells"]:
        if cell["cell_type"] == "code":
            shown += ["figure"] if draws(cell) else []
        else:
            shown += re.findall(r"```\{(figure|math)\}", source(cell))
    assert shown[0] == "figure"
    assert "math" in shown


@per_chapter
def test_first_cell_finds_or_installs_the_package_and_leaves_torch_alone(chapter: Path) -> None:
    first = cells(chapter, "code")[0]
    assert "hide-cell" in first["metadata"]["tags"]
    assert source(first).startswith("# Finds the package")  # what pages leave out
    installs = [line.split() for line in source(first).splitlines() if "%pip install" in line]
    assert any("--no-deps" in line and "{source}" in line for line in installs)
    needed = {re.match(r"[\w-]+", each)[0] for each in DEPENDENCIES} - LEFT_ALONE
    assert needed == {w for line in installs if "{source}" not in line for w in line[3:]}
    repository = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]
    assert f"git+{repository['url']}" in source(first)
    assert (ROOT / repository["path_to_book"] / chapter.name).is_file()  # what Colab opens


@per_chapter
def test_papermill_can_set_parameters(chapter: Path) -> None:
    """One cell holds them, each with a comment, and the chapter uses them."""
    code = cells(chapter, "code")
    (cell,) = [each for each in code if "parameters" in each["metadata"].get("tags", [])]
    assert all("  # " in line for line in source(cell).splitlines())
    names = {name.id for node in python(cell).body for name in node.targets}
    others = [node for each in code if each is not cell for node in ast.walk(python(each))]
    assert names <= {node.id for node in others if isinstance(node, ast.Name)}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_included_code_exists(page: Path) -> None:
    included = re.findall(r"\{literalinclude\} (\S+)\n:pyobject: ([\w.]+)", text(page))
    whole = re.findall(
        r"\{literalinclude\} (examples/\S+)\n:language: (?:diff|python|text)", text(page)
    )
    assert all((BOOK / path).is_file() for path in whole)
    assert len(included) + len(whole) == text(page).count("{literalinclude}")
    for path, name in included:
        node = ast.parse((BOOK / path).read_text())
        for part in name.split("."):
            node = next(n for n in node.body if getattr(n, "name", None) == part)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_pictures_exist_and_have_alt_text(page: Path) -> None:
    for path, options in re.findall(r"\{figure\} (\S+)\n((?::.*\n)*)", text(page)):
        assert (BOOK / path).is_file()
        assert re.search(r"^:alt: .{60,}$", options, re.MULTILINE)


def test_what_is_cited_is_in_the_bibliography_and_the_other_way_round() -> None:
    cited = {key for page in PAGES for key in re.findall(r"\{cite:\w\}`([^`]+)`", text(page))}
    assert cited == set(re.findall(r"^@\w+\{(\w+),", (BOOK / "references.bib").read_text(), re.M))


# --- what the pages promise -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["OF_EVERY", "OF_PROPOSALS", "OF_RETINANET", "OF_FCOS"])
def test_the_page_on_deviations_shows_the_options_as_they_are(name: str) -> None:
    assert dialects.options_table(getattr(dialects, name)) in text(BOOK / "deviations.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_commands_name_parameters_and_notebooks_that_exist(page: Path) -> None:
    for notebook, options in re.findall(r"papermill (\S+) \S+((?: -p \w+ \S+)+)", text(page)):
        assert (ROOT / notebook).is_file()
        given = dict(re.findall(r"-p (\w+) (\S+)", options.replace("$seed", "0")))
        if notebook.endswith("ablation.ipynb"):
            parameters.parse(given)
        else:
            assert set(given) <= set(ASKED)


def test_the_builders_lines_run() -> None:
    """Those of the first page, and the README's for a detector of ours."""
    theirs, ours = (
        re.findall(r"```python\n(.*?)```", text(page), re.DOTALL)[0]
        for page in (BOOK / "intro.md", ROOT / "README.md")
    )
    names: dict = {}
    exec(theirs.replace('weights="DEFAULT"', "weights=None, weights_backbone=None"), names)
    assert names["model"].roi_heads.supervision.weight == 0.25
    names["pictures"] = [torch.rand(3, 120, 160)]
    boxes = torch.tensor([[20.0, 20, 100, 90]])
    names["targets"] = [{"boxes": boxes, "labels": torch.tensor([1])}]
    small = ours.replace("classes=20", "classes=20, short_side=160, proposals=(20, 20)")
    exec(small, names)
    assert small != ours
    assert names["found"][0].keys() == {"boxes", "labels", "scores"}
    assert "loss_supervision_class" in names["losses"]


def test_the_level_worked_out_by_hand() -> None:
    boxes = torch.tensor([[0.0, 0, 300, 400], [0, 0, 448, 448], [0, 0, 447.9, 447.9]])
    rule = HardRoISelection((2, 3, 4, 5), 7, torchvision_roi_align)
    assert rule.level_of(boxes).tolist() == [4, 5, 4]


def test_the_rule_shrinks_with_the_image() -> None:
    """The text's box of 150 x 80 px, with a side of 110, on scenes and by a fixed 224."""
    size = BUDGETS["laptop"].model.canonical_size
    assert (round(size), round((150 * 80) ** 0.5)) == (72, 110)
    box = torch.tensor([[0.0, 0, 150, 80]])
    rules = [HardRoISelection((2, 3, 4, 5), 7, torchvision_roi_align, x) for x in (size, 224)]
    assert [rule.level_of(box).item() for rule in rules] == [4, 2]


def test_multiplications_of_a_box_at_the_papers_size() -> None:
    gates = AdaptiveSpatialFusion(256, 4)
    in_a_bin = sum(q.numel() for name, q in gates.named_parameters() if "weight" in name)
    head = 7 * 7 * 256 * 1024 + 1024 * 1024 + 1024 * (81 + 4 * 81)
    chapter = text(BOOK / "soft_roi_selection.ipynb")
    for count in (49 * in_a_bin, head):
        assert f"{count / 1e6:.1f} million" in chapter


def test_terms_of_the_glossary_stand_in_alphabetical_order() -> None:
    terms = re.findall(r"^(\S.*)\n: ", (BOOK / "glossary.md").read_text("utf-8"), re.M)
    assert len(terms) > 40
    assert terms == sorted(terms, key=str.casefold)
