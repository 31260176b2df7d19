"""The built book as its readers meet it, in headless Chromium."""

import posixpath
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from browser import chromium, served

ROOT = Path(__file__).resolve().parents[2]
TOC = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
NAMES = [TOC["root"], *(c["file"] for part in TOC["parts"] for c in part["chapters"])]
CHAPTERS = [name for name in NAMES if (ROOT / "book" / f"{name}.ipynb").exists()]
MOST_BYTES = 3_000_000  # without files that all pages share, which a browser keeps
WIDGETS = {
    "levels": "intro",
    "sizes": "soft_roi_selection",
    "languages": "consistent_supervision",
    "pooling": "residual_feature_augmentation",
    "studies": "intervals",
    "precision": "average_precision",
    "gates": "photographs",
    "plan": "should_you_use_it",
}

pytestmark = [pytest.mark.book, pytest.mark.slow, pytest.mark.timeout(1500)]
per_page = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def html() -> Path:
    """The built book. A warning is an error; unchanged chapters are not executed again."""
    command = [sys.executable, str(ROOT / "book" / "build.py")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return ROOT / "_build" / "html"


@pytest.fixture(scope="module")
def site(html: Path) -> Iterator[str]:
    with served(html) as address:
        yield address


@pytest.fixture(scope="module")
def browser(site: str) -> Iterator:
    with chromium() as opened:
        yield opened


class Visit:
    """A page, and what happened while it was loaded."""

    def __init__(self, browser, address: str, **options: object) -> None:
        self.page = browser.new_page(**options)
        self.said: list[str] = []
        self.elsewhere: list[str] = []
        self.bytes = 0
        self.page.on("console", lambda m: m.type == "error" and self.said.append(m.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", self.note)
        self.page.on("response", self.count)
        self.page.goto(address, wait_until="networkidle")

    def note(self, request) -> None:
        if not request.url.startswith(("http://127.0.0.1", "data:", "blob:")):
            self.elsewhere.append(request.url)

    def count(self, response) -> None:
        if "/_static/" not in response.url:
            self.bytes += int(response.headers.get("content-length", 0))


@per_page
def test_loads_alone_without_errors_and_light(browser, site: str, name: str) -> None:
    visit = Visit(browser, f"{site}{name}.html")
    assert visit.said == []
    assert visit.elsewhere == []
    assert visit.bytes < MOST_BYTES
    nameless = "[...document.images].filter(i => !i.hasAttribute('alt')).map(i => i.src)"
    assert visit.page.evaluate(nameless) == []
    hashes = "[...document.querySelectorAll('article img')].map(i => i.alt)"
    assert not [alt for alt in visit.page.evaluate(hashes) if alt.startswith(("_images", ".."))]
    visit.page.close()


@per_page
def test_nothing_is_left_as_markup(browser, site: str, name: str) -> None:
    """Tables that cells print are rendered as tables, and roles and formulas are rendered."""
    visit = Visit(browser, f"{site}{name}.html")
    code = """() => [...document.querySelectorAll("article :is(p, td, li, figcaption)")]
        .map(each => { const copy = each.cloneNode(true);
            copy.querySelectorAll("code, pre, mjx-container").forEach(x => x.remove());
            return copy.textContent; })"""
    markup = re.compile(r"\| ?(---|—) ?\||^\|.*\|.*\||\{(numref|eq|cite:\w+)\}|\$|\*\*|\]\(")
    assert [text for text in visit.page.evaluate(code) if markup.search(text)] == []
    visit.page.close()


@per_page
def test_fits_a_phone(browser, site: str, name: str) -> None:
    visit = Visit(browser, f"{site}{name}.html", viewport={"width": 390, "height": 844})
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
    visit.page.close()


@per_page
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_is_accessible(browser, site: str, name: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    visit = Visit(browser, f"{site}{name}.html", color_scheme=scheme)
    found = axe.Axe().run(visit.page).response["violations"]
    serious = {
        each["id"]: [node["html"][:200] for node in each["nodes"][:3]]
        for each in found
        if each["impact"] in ("serious", "critical")
    }
    assert serious == {}
    visit.page.close()


def test_the_theme_follows_the_reader(browser, site: str) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        visit = Visit(browser, f"{site}intro.html", color_scheme=scheme)
        code = "getComputedStyle(document.body).backgroundColor"
        grounds.append([int(x) for x in re.findall(r"\d+", visit.page.evaluate(code))[:3]])
        visit.page.close()
    light, dark = grounds
    assert min(light) > 200
    assert max(dark) < 60


def test_search_finds_soft_roi_selection(browser, site: str) -> None:
    visit = Visit(browser, f"{site}search.html?q=Soft+RoI+Selection")
    visit.page.wait_for_selector("#search-results li a")
    found = visit.page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.href)")
    assert any("soft_roi_selection.html" in each for each in found)
    visit.page.close()


@pytest.mark.usefixtures("browser")  # which skips where there is none
def test_the_pdf_has_all_chapters_and_their_solutions(html: Path) -> None:
    pypdf = pytest.importorskip("pypdf")
    command = [sys.executable, str(ROOT / "book" / "pdf.py")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    pages = pypdf.PdfReader(ROOT / "_build" / "augfpn-book.pdf").pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    for name in NAMES:
        (title,) = re.findall(r"<h1>(.*?)<a", (html / f"{name}.html").read_text())
        assert " ".join(unescape(re.sub(r"<.*?>", "", title)).split()) in text
    assert "truncated fractions are then" in text  # a solution


class Links(HTMLParser):
    """The addresses that a page links to, and the anchors that it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.links.add(given["href"])
        self.places |= {given[key] for key in ("id", "name") if given.get(key)}


def test_every_internal_link_resolves(html: Path) -> None:
    """Of every page but that for what is not found, whose links begin at the site's root."""
    files = [file for file in html.rglob("*.html") if file.name != "404.html"]
    files = [file for file in files if "_static" not in file.parts]
    pages = {file.relative_to(html).as_posix(): Links(file.read_text()) for file in files}
    broken = []
    for name, page in pages.items():
        for link in page.links:
            if re.match(r"\w+:|//", link):
                continue
            path, _, place = unquote(link).partition("#")
            beside = posixpath.join(posixpath.dirname(name), path.split("?")[0])
            target = posixpath.normpath(beside) if path else name
            known = not place or target not in pages or place in pages[target].places
            if not (html / target).exists() or not known:
                broken.append((name, link))
    assert broken == []


def test_the_site_says_what_it_is_and_where_its_pages_are(html: Path) -> None:
    site = "https://augfpn-book.github.io/augfpn/"
    listed = set(re.findall(r"<loc>(.*?)</loc>", (html / "sitemap.xml").read_text()))
    for name in NAMES:
        text = (html / f"{name}.html").read_text()
        assert re.search(r'<meta name="description" content="[^"]{40,}', text)
        assert f'<meta property="og:image" content="{site}_static/card.png" />' in text
        assert f"{site}{name}.html" in listed
        assert re.search(r"Last updated on \d{4}-\d\d-\d\d", text)
    assert (html / "_static" / "card.png").is_file()
    assert 'href="/augfpn/intro.html"' in (html / "404.html").read_text()


@pytest.mark.parametrize("name", CHAPTERS)
def test_colab_and_binder_open_what_is_there(html: Path, name: str) -> None:
    text = (html / f"{name}.html").read_text()
    (colab,) = set(re.findall(r"colab\.research\.google\.com/github/[^\"]+", text))
    assert colab.endswith(f"/blob/colab/{name}.ipynb")
    assert (ROOT / "_build" / "colab" / f"{name}.ipynb").is_file()
    (binder,) = set(re.findall(r"mybinder\.org/v2/gh/[^\"]+", text))
    assert (ROOT / re.search(r"urlpath=[^\"]*?(book/\w+\.ipynb)", unquote(binder))[1]).is_file()


@pytest.mark.parametrize("widget", WIDGETS)
def test_interactive_figures_answer_to_the_keyboard(browser, site: str, widget: str) -> None:
    visit = Visit(browser, f"{site}{WIDGETS[widget]}.html")
    figure = visit.page.locator(f"figure.interactive-{widget}")
    figure.locator(".widget").wait_for()
    assert not figure.locator("> img, > a > img").first.is_visible()
    said = figure.locator(".said")
    for slider in figure.locator("input[type=range]").all():
        before = said.inner_text()
        slider.focus()
        visit.page.keyboard.press("ArrowRight")
        if said.inner_text() == before:
            visit.page.keyboard.press("End")
        assert said.inner_text() != before
    visit.page.emulate_media(media="print")
    figure.scroll_into_view_if_needed()  # where a browser loads it
    figure.locator("> img, > a > img").first.wait_for(state="visible")
    visit.page.close()


def test_the_box_follows_the_mouse(browser, site: str) -> None:
    visit = Visit(browser, f"{site}intro.html")
    scene = visit.page.locator("svg.scene")
    scene.scroll_into_view_if_needed()
    said = visit.page.locator("figure.interactive-levels .said")
    before = said.inner_text()
    frame = scene.bounding_box()
    visit.page.mouse.move(frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2)
    visit.page.mouse.down()
    visit.page.mouse.move(frame["x"] + 10, frame["y"] + 10)
    visit.page.mouse.up()
    assert said.inner_text() != before
    scene.focus()
    moved = said.inner_text()
    visit.page.keyboard.press("+")
    assert said.inner_text() != moved
    visit.page.close()
