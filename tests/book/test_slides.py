"""The slides of the talk: one file, whose figures, links and keys work without the book."""

import importlib
import os
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from browser import chromium
from chapters import BOOK, ROOT

BUILT = Path(os.environ.get("BOOK", ROOT / "_build" / "html")) / "slides.html"
SOURCE = BOOK / "talk" / "slides.md"
CUT = """() => [...document.querySelectorAll("section")].filter((each) =>
    each.scrollHeight > each.clientHeight + 1 || each.scrollWidth > each.clientWidth + 1
).map((each) => each.id)"""


@pytest.fixture(scope="module")
def made() -> ModuleType:
    sys.path.insert(0, str(BOOK))
    try:
        yield importlib.import_module("slides")
    finally:
        sys.path.remove(str(BOOK))


@pytest.fixture(scope="module")
def page(made, tmp_path_factory) -> str:
    return made.write(tmp_path_factory.mktemp("slides")).read_text("utf-8")


def test_twelve_to_fifteen_slides_each_with_a_figure_or_a_sentence_and_a_source(made) -> None:
    every = made.slides(SOURCE.read_text("utf-8"))
    assert 12 <= len(every) <= 15
    for each in every:
        assert each.figure or "**" in "".join(each.paragraphs)
        assert made.LINK.search(each.source), f"{each.title}: no page to read"
        assert each.said.endswith((".", "?"))
        words = " ".join([each.title, *each.paragraphs])
        assert len(words.split()) <= 45, f"{each.title}: too many words to read"


def test_figures_and_pages_exist(made) -> None:
    text = SOURCE.read_text("utf-8")
    figures = made.FIGURE.findall(text)
    assert len(figures) >= 10
    for alt, file in figures:
        assert (SOURCE.parent / file.partition("#")[0]).is_file()
        assert len(alt) > 40
    for _, name, place in made.LINK.findall(text):
        (found,) = [
            BOOK / f"{name}{end}" for end in (".md", ".ipynb") if (BOOK / f"{name}{end}").exists()
        ]
        words = place.removeprefix("#").replace("-", "[ -]")
        assert re.search(words or ".", found.read_text("utf-8"), re.IGNORECASE), place
    assert not re.search(r"\]\((?!\.\./figures/)[^)]*\)", made.LINK.sub("", text)), (
        "a link that is left"
    )


def test_the_file_needs_no_other(page: str) -> None:
    assert set(re.findall(r'src="([^,"]*)', page)) == {"data:image/svg+xml;base64"}
    links = re.findall(r'href="([^"]*)"', page)
    assert all(each.startswith("https://augfpn-book.github.io/augfpn/") for each in links)
    assert "<link" not in page
    assert "import(" not in page
    assert page.count('class="in-light') == page.count('class="in-dark') >= 10


@pytest.mark.book
@pytest.mark.slow
@pytest.mark.skipif(not BUILT.exists(), reason=f"no {BUILT}: `make book` makes it")
def test_keys_turn_the_slides_in_the_built_file_and_nothing_is_cut() -> None:
    with chromium() as browser:
        for width, height in ((1280, 720), (390, 780)):
            tab = browser.new_page(viewport={"width": width, "height": height}, color_scheme="dark")
            tab.goto(BUILT.as_uri())
            count = tab.locator("section").count()
            assert tab.evaluate("() => document.documentElement.dataset.theme") == "dark"
            for _ in range(count + 1):
                tab.keyboard.press("ArrowRight")
            assert tab.url.endswith(f"#slide-{count}")
            tab.keyboard.press("Home")
            tab.keyboard.press(" ")
            assert tab.url.endswith("#slide-2")
            tab.keyboard.press("n")
            assert tab.locator("#slide-2 aside").is_visible()
            tab.keyboard.press("d")
            assert tab.evaluate("() => document.documentElement.dataset.theme") == "light"
            assert tab.evaluate(CUT) == []
            tab.close()
