"""What pages get beyond Jupyter Book: Colab's forms, dark figures, captions, links to the API."""

import re
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from chapters import ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

EXPERIMENTS = sorted((ROOT / "experiments").glob("*.ipynb"))


@pytest.mark.parametrize("file", EXPERIMENTS, ids=lambda path: path.stem)
def test_on_colab_an_experiment_has_a_form_of_the_same_values(
    build: ModuleType, file: Path
) -> None:
    shown = build.colab.experiment(nbformat.read(file, as_version=4), "install")
    (form,) = [c.source for c in shown.cells if "parameters" in c.metadata.get("tags", ())]
    (own,) = [
        cell.source
        for cell in nbformat.read(file, as_version=4).cells
        if "parameters" in cell.metadata.get("tags", ())
    ]
    values, expected = {}, {}
    exec(form, values)
    exec(own, expected)
    assert {k: v for k, v in expected.items() if not k.startswith("__")}.items() <= values.items()
    assert form.count("#@param") == len(own.splitlines())
    assert shown.metadata["accelerator"] == "GPU"
    assert shown.metadata["colab"]["gpuType"] == "T4"
    assert shown.cells[1].source == "install"


def test_a_dark_figure_has_light_words_and_no_ground(build: ModuleType) -> None:
    svg = (ROOT / "book" / "figures" / "levels.svg").read_text()
    dark = build.finish.dark(svg)
    assert not re.search(r'id="patch_1">\s*<path [^>]*fill: #ffffff', dark)
    assert "#222222" in svg
    assert "#222222" not in dark
    level = re.findall(r"data:image/png[^\"]+", svg)  # the shades of the levels
    assert level
    assert level == re.findall(r"data:image/png[^\"]+", dark)


def test_a_figure_has_a_version_for_each_theme_once(build: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "_images").mkdir()
    (tmp_path / "_images" / "a.svg").write_text("<svg ></svg>")
    page = tmp_path / "page.html"
    page.write_text('<figure><img alt="words" src="_images/a.svg" /></figure>')
    build.finish.finish(tmp_path)
    once = page.read_text()
    build.finish.finish(tmp_path)
    assert page.read_text() == once
    assert re.findall(r'src="([^"]+)"', once) == ["_images/a.svg", "_images/a-dark.svg"]
    assert once.count('alt="words"') == 2
    assert {file.name for file in (tmp_path / "_images").iterdir()} == {"a.svg", "a-dark.svg"}


def test_tables_of_outputs_get_the_captions_of_their_cell(build: ModuleType) -> None:
    text = "Before.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nBetween.\n\n| c |\n|---|\n| 3 |"
    output = new_output("display_data", {"text/markdown": text})
    captions = {"tables": [{"name": "tab-a", "caption": "The first."}]}
    cell = new_code_cell("", outputs=[output], metadata={"augfpn": captions})
    notebook = new_notebook(cells=[new_markdown_cell("words"), cell])
    build.outputs.caption_tables(notebook)
    shown = notebook.cells[1].outputs[0]["data"]["text/markdown"]
    assert "```{table} The first.\n:name: tab-a\n\n| a | b |" in shown
    assert shown.endswith("| c |\n|---|\n| 3 |")  # as it was, without a caption


def test_outputs_name_no_folder_and_no_load_of_the_machine(
    build: ModuleType, tmp_path: Path
) -> None:
    import tempfile

    made = tempfile.mkdtemp()
    printed = f"read {ROOT}/book/runs and {made}/record (load 2.1); keep /data/coco\n"
    cell = new_code_cell("", outputs=[new_output("stream", text=printed)])
    notebook = new_notebook(cells=[cell])
    build.outputs.cut_paths(notebook, ROOT)
    shown = "read …/book/runs and …/record (load …); keep /data/coco\n"
    assert notebook.cells[0].outputs[0]["text"] == shown
    Path(made).rmdir()


def test_the_set_up_is_left_out_of_pages(build: ModuleType) -> None:
    chapter = nbformat.read(ROOT / "book" / "fpn.ipynb", as_version=4)
    first, *others = (cell for cell in chapter.cells if cell.cell_type == "code")
    build.outputs.quiet_set_up(chapter)
    assert "remove-cell" in first.metadata["tags"]
    assert not [cell for cell in others if "remove-cell" in cell.metadata.get("tags", [])]


def test_parameters_are_folded_and_stay_parameters(build: ModuleType) -> None:
    """The copy that readers can download is papermill's, too."""
    cells = [new_code_cell("steps = 8", metadata={"tags": ["parameters"]}), new_code_cell("steps")]
    notebook = new_notebook(cells=cells)
    build.outputs.quiet_set_up(notebook)
    assert notebook.cells[0].metadata["tags"] == ["parameters", "hide-input"]
    assert notebook.cells[0].metadata["mystnb"]["code_prompt_show"] == "Show the parameters"
    assert not notebook.cells[1].metadata


def test_parameters_of_a_page_that_shows_no_code_have_no_line_to_unfold(build: ModuleType) -> None:
    tags = ["parameters", "remove-input"]
    notebook = new_notebook(cells=[new_code_cell("steps = 8", metadata={"tags": tags})])
    build.outputs.quiet_set_up(notebook)
    assert notebook.cells[0].metadata["tags"] == tags


def test_every_name_of_the_api_has_a_place_of_its_own(build: ModuleType) -> None:
    places = build.pages.places(ROOT / "augfpn")
    made = build.pages.api(ROOT / "augfpn")
    for name in ("build_detector", "augfpn.detectors.build.build_detector"):
        assert places[name] == ("api/detectors", "api-detectors-build-build-detector")
    labels = {
        (f"api/{room}", label.lower())
        for room, text in made.items()
        for label in re.findall(r"^\((api-[^)]+)\)=$", text, re.M)
    }
    assert {place for name, place in places.items() if place[1].startswith("api-")} == labels
    assert sum(text.count(")=\n#") for text in made.values()) == len(labels)


def test_pages_that_are_not_built_anew_stay_in_the_sitemap(
    build: ModuleType, tmp_path: Path
) -> None:
    address = "https://example.org/{}.html"
    for name in ("new", "old", "404"):
        page = f'<link rel="canonical" href="{address.format(name)}" />'
        (tmp_path / f"{name}.html").write_text(page)
    sitemap = tmp_path / "sitemap.xml"
    sitemap.write_text(f"<urlset><url><loc>{address.format('new')}</loc></url></urlset>")
    build.finish.finish(tmp_path)
    build.finish.finish(tmp_path)
    assert re.findall("<loc>(.*?)</loc>", sitemap.read_text()) == [
        address.format("new"),
        address.format("old"),
    ]
