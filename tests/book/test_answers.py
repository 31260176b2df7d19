"""Answers to the text's questions are covered until the reader asks; in print they are shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import chromium, served

BOOK = Path(__file__).resolve().parents[2] / "book"
PAGE = """<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="_static/book.css">
<script src="_static/book.js"></script>
<div class="cell tag_answer"><div class="cell_output"><figure id="cell">
<p class="shown">bars</p><figcaption>a caption</figcaption></figure></div></div>
<p class="told">The bars grow.</p><p class="next">A bar is the share of a class.</p>"""
SECOND = """<div class="cell tag_answer"><div class="cell_output"><p class="other">lines</p></div>
</div>"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "page.html").write_text(PAGE)
    (folder / "two.html").write_text(PAGE + SECOND)
    (folder / "_static").symlink_to(BOOK / "_static")
    with served(folder) as address:
        yield f"{address}page.html"


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with chromium() as started:
        yield started


def test_an_answer_is_shown_when_it_is_asked_for_with_the_keyboard(browser, site: str) -> None:
    page = browser.new_page()
    page.goto(site)
    shown, button = page.locator(".shown"), page.locator("#cell button")
    assert (shown.is_visible(), page.locator("figcaption").is_visible()) == (False, False)
    assert page.locator(".all-answers").count() == 0  # there is one answer only
    assert button.inner_text().startswith("Show the answer")
    told, after = page.locator(".told"), page.locator(".next")
    assert (told.is_visible(), after.is_visible()) == (False, True)
    button.press("Enter")
    assert told.is_visible()
    assert page.locator("figcaption").is_visible()
    assert (shown.is_visible(), button.count()) == (True, 0)
    assert page.evaluate("document.activeElement.matches('#cell .answer')")


def test_one_button_shows_all_answers_of_a_page(browser, site: str) -> None:
    page = browser.new_page()
    page.goto(site.replace("page.html", "two.html"))
    answers = [page.locator(name) for name in (".shown", "figcaption", ".told", ".other")]
    assert not any(each.is_visible() for each in answers)
    page.locator(".all-answers").press("Enter")
    assert all(each.is_visible() for each in answers)
    assert page.locator("button").count() == 0
    assert page.evaluate("document.activeElement.matches('#cell .answer')")


def test_nothing_is_covered_in_print_or_without_scripts(browser, site: str) -> None:
    page = browser.new_page()
    page.goto(site)
    page.emulate_media(media="print")
    assert page.locator(".shown").is_visible()
    assert page.locator(".told").is_visible()
    assert not page.locator("#cell button").is_visible()
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(site)
    assert page.locator(".shown").is_visible()
    assert page.locator(".told").is_visible()
    assert page.locator("button").count() == 0
