"""Changes of the built pages that no setting of Jupyter Book makes.

Figures get a second version for dark pages: the same drawing without its white ground, with light
words and lines. Colours that mean something, such as those of levels, stay as they are, but for
blue, which gets lighter. Tables and commands say what `_static/book.css` needs to lay them out on a
phone. A formula in a sentence keeps the punctuation that follows it.
"""

import re
from collections.abc import Callable, Iterable
from html import unescape
from pathlib import Path

import phone_tables
import unbroken
import yaml

CONFIG = Path(__file__).resolve().parents[1] / "_config.yml"
NOT_LISTED = yaml.safe_load(CONFIG.read_text())["sphinx"]["config"]["sitemap_excludes"]
COLAB_LINK = re.compile(r"(colab\.research\.google\.com/github/[^\"]+?)/blob/main/book/")
TOGGLE = '<summary><span class="toctree-toggle"'  # of the contents: a sign without words
CANONICAL = re.compile(r'<link rel="canonical" href="([^"]+)"')
THEBE = re.compile(
    r"<script>const THEBE_JS_URL.*?</script>|<script[^>]*sphinx-thebe\.js[^>]*></script>"
)
FIGURE = re.compile(
    r'<img (?P<before>[^>]*)src="(?P<file>[^"]*_images/[^"]+)\.svg"(?P<after>[^>]*)>'
)
SIZE = re.compile(r'<svg [^>]*?width="([\d.]+)pt" height="([\d.]+)pt"')
PX_OF_PT = 4 / 3
GROUND = re.compile(
    r'(<g id="(?:patch_1|axes_\d+">\s*<g id="patch_\d+)">\s*<path [^>]*?fill: )#ffffff'
)
# Words, lines and grids of augfpn/figures/theme.py: black, grey and the like, on dark pages.
ON_DARK = {
    "#222222": "#e4e6ea",
    "#000000": "#e4e6ea",
    "#555555": "#a3abb8",
    "#e6e6e6": "#3a404b",
    "#eeeeee": "#2a2f38",
    "#0072b2": "#1f8fd6",  # blue, which is dim on a dark ground; the other colours are seen
}
COLOUR = re.compile("|".join(ON_DARK))

# Blocks of code whose lines are commands of a terminal
PRE = re.compile(
    r"<pre>(?P<inside>(?:<span></span>)?(?:<[^>]*>|# [^\n]*\n)*"
    r"!?(?:augfpn|docker|git|make|papermill|pip|torchrun)\b.*?)</pre>",
    re.DOTALL,
)
# What a cell has printed, and the columns of its lines: a line of short ones is of a table.
PRINTED = re.compile(
    r'(?P<start><div class="output (?:stream|text_plain)[^>]*><div class="highlight"><pre>'
    r"(?:<span></span>)?)(?P<inside>.*?)(?=</pre>)",
    re.DOTALL,
)
BETWEEN, COLUMN, LINE = re.compile(" {2,}"), 24, 100


def finish(html: Path) -> None:
    """Change all pages below a folder, and write the dark version of their figures.

    Colab's buttons lead to the chapters in plain Markdown, which have a branch of their own. Thebe
    is removed: nothing uses it, and it would be declared twice. The bibliography is no longer
    marked as a list (role="list"), because it has no list items for screen readers.
    """
    for file in (html / "_images").glob("*.svg"):
        if not file.stem.endswith("-dark"):
            file.with_stem(f"{file.stem}-dark").write_text(dark(file.read_text("utf-8")), "utf-8")
    addresses: list[str] = []
    for page in html.rglob("*.html"):
        text = COLAB_LINK.sub(r"\1/blob/colab/", page.read_text("utf-8"))
        text = text.replace('role="list" class="citation-list"', 'class="citation-list"')
        text = text.replace(TOGGLE, TOGGLE.replace("<summary>", '<summary aria-label="Its pages">'))
        text = FIGURE.sub(in_both_themes(html), THEBE.sub("", text))
        text = PRINTED.sub(of_columns, PRE.sub(of_commands, unbroken.text(text)))
        page.write_text(phone_tables.laid_out(text), "utf-8")
        addresses += [] if page.name in NOT_LISTED else CANONICAL.findall(text)
    if (html / "sitemap.xml").exists():
        list_all(html / "sitemap.xml", addresses)


def list_all(sitemap: Path, addresses: Iterable[str]) -> None:
    """Put the pages into the sitemap that were not built anew, which sphinx-sitemap leaves out."""
    text = sitemap.read_text("utf-8")
    listed = set(re.findall("<loc>(.*?)</loc>", text))
    new = "".join(f"<url><loc>{each}</loc></url>" for each in sorted({*addresses} - listed))
    sitemap.write_text(text.replace("</urlset>", f"{new}</urlset>"), "utf-8")


def dark(svg: str) -> str:
    """A drawing of matplotlib for a dark page: no ground, light words and lines."""
    svg = COLOUR.sub(lambda found: ON_DARK[found[0]], GROUND.sub(r"\1none", svg))
    return svg.replace(
        "<svg ", '<svg fill="#e4e6ea" ', 1
    )  # black words have no colour of their own


def in_both_themes(html: Path) -> Callable[[re.Match], str]:
    """A function that gives the tags of a figure's two versions; `_static/book.css` shows one.

    They have the drawing's size, so that the page keeps its place free until it is loaded.
    """

    def tags(found: re.Match) -> str:
        if "in-" in found["before"] + found["after"]:
            return found[0]
        before = re.sub(r'class="[^"]*"|width="[^"]*"', "", found["before"])
        after = re.sub(r'class="[^"]*"', "", found["after"]).removesuffix("/")
        size = drawn_size(html / "_images" / f"{Path(found['file']).name}.svg")
        return "".join(
            f'<img class="in-{theme}" loading="lazy" {size}{before}'
            f'src="{found["file"]}{end}.svg"{after}/>'
            for theme, end in (("light", ""), ("dark", "-dark"))
        )

    return tags


def drawn_size(svg: Path) -> str:
    """Width and height of a drawing of matplotlib in whole px, as attributes; empty if unknown."""
    sides = SIZE.search(svg.read_text("utf-8")[:2000]) if svg.exists() else None
    if sides is None:
        return ""
    width, height = (round(float(side) * PX_OF_PT) for side in sides.groups())
    return f'width="{width}" height="{height}" '


def of_commands(found: re.Match) -> str:
    """Commands, each line in a tag of its own: a phone lets long ones go on below, indented."""
    lines = map(unbroken.command, found["inside"].removesuffix("\n").split("\n"))
    marked = "\n".join(f'<span class="line">{line}</span>' if line else "" for line in lines)
    return f'<pre class="commands">{marked}\n</pre>'


def of_columns(found: re.Match) -> str:
    """What a cell has printed; the lines of its tables, which must not be broken, are marked.

    Sentences in lines of their own, such as those of `augfpn doctor`, may be broken.
    """
    lines = []
    for line in found["inside"].split("\n"):
        plain = unescape(line)
        columns = BETWEEN.split(plain)
        whole = len(columns) > 1 and max(map(len, columns)) <= COLUMN and len(plain) <= LINE
        marked = whole and "<" not in line
        lines.append(f'<span class="columns">{line}</span>' if marked else line)
    return found["start"] + "\n".join(lines)
