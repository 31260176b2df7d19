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

# A block of code, or of what a program has printed
BLOCK = re.compile(
    r'(?P<printed><div class="(?:output (?:stream|text_plain)|highlight-text)[^>]*>'
    r'<div class="highlight">)?<pre>(?P<empty><span></span>)?(?P<inside>.*?)</pre>',
    re.DOTALL,
)
# What a block begins with whose lines are commands of a terminal
COMMANDS = re.compile(
    r"(?:# [^\n]*\n)*!?(?:(?:augfpn|docker|export|git|make|papermill|pip|python|torchrun) \S"
    r"|for \w+ in [^\n]*; do\n|\w+=\S+\n)"
)
TAG, LEFT, DEEPEST = re.compile(r"<[^>]*>"), re.compile(r"[-+]?[ \t]*"), 12
# The columns of a printed line: a line of short ones is of a table.
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
        text = BLOCK.sub(in_lines, unbroken.text(text))
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


def in_lines(found: re.Match) -> str:
    """A block, each line in a tag of its own: on a phone a long one goes on below, indented.

    Commands lose the colours of another language. The lines of printed tables must not be broken.
    """
    inside, kind = found["inside"].removesuffix("\n"), "code"
    if found["printed"]:
        kind = "printed"
    elif COMMANDS.match(unescape(TAG.sub("", inside))):
        kind = "commands"
    lines = "\n".join(a_line(line, kind) for line in inside.split("\n"))
    start = (found["printed"] or "") + f'<pre class="{kind}">'
    return f"{start}{found['empty'] or ''}{lines}\n</pre>"


def a_line(line: str, kind: str) -> str:
    """A line of a block in its tag, which says how deep it is indented."""
    plain = unescape(TAG.sub("", line))
    if not plain:
        return line
    if kind == "printed" and is_of_table(plain):
        return f'<span class="columns">{line}</span>'
    deep = min(LEFT.match(plain).end(), DEEPEST)
    style = f' style="--deep: {deep}"' if deep else ""
    line = unbroken.command(line) if kind == "commands" else line
    return f'<span class="line"{style}>{line}</span>'


def is_of_table(plain: str) -> bool:
    """Whether a printed line has columns. Sentences, as those of `augfpn doctor`, may be broken."""
    columns = BETWEEN.split(plain)
    return len(columns) > 1 and max(map(len, columns)) <= COLUMN and len(plain) <= LINE
