"""How the built pages look: at two widths and in both themes, in headless Chromium.

    BOOK=_build/html pytest -m book tests/book/test_look.py

It takes the pages that are there (by default those of `make book`) and builds none. `look.js` says
what a fault is.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import chromium, served
from chapters import ROOT

HTML = Path(os.environ.get("BOOK", ROOT / "_build" / "html"))
PAGES = sorted(
    path.relative_to(HTML).as_posix()
    for path in HTML.rglob("*.html")
    if "<article" in path.read_text("utf-8") and path.name not in ("genindex.html", "search.html")
)
WIDTHS = (1280, 390)
THEMES = ("light", "dark")
CODE = (Path(__file__).parent / "look.js").read_text("utf-8").partition("*/")[2].strip()

pytestmark = [
    *(pytest.mark.book, pytest.mark.slow, pytest.mark.timeout(900)),
    pytest.mark.skipif(not PAGES, reason=f"no pages in {HTML}: `make book` builds them"),
]


@pytest.fixture(scope="module")
def visit() -> Iterator:
    """A function from a page's name and a width to the open page, formulas drawn."""
    with served(HTML) as site, chromium() as browser:
        pages = {
            width: browser.new_page(viewport={"width": width, "height": 900}) for width in WIDTHS
        }

        def opened(name: str, width: int):
            page = pages[width]
            page.goto(f"{site}{name}", wait_until="load")
            page.evaluate("() => window.MathJax?.startup?.promise")
            page.evaluate("() => document.fonts.ready")
            return page

        yield opened


def referred_elsewhere(name: str) -> list[str]:
    """The figures and tables of a page to which another page refers."""
    stem = re.escape(name.rsplit("/", 1)[-1])
    others = (path.read_text("utf-8") for path in HTML.rglob("*.html"))
    return re.findall(rf'href="[^"]*{stem}#((?:fig|tab)-[\w-]+)"', "\n".join(others))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_nameless_or_too_small(visit, name: str, width: int) -> None:
    page, faults = visit(name, width), []
    for theme in THEMES:
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        given = {"narrow": width < 500, "dark": theme == "dark"}
        given["elsewhere"] = referred_elsewhere(name)
        faults += [f"{theme}: {fault}" for fault in page.evaluate(CODE, given)]
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)
