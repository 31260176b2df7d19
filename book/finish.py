"""Changes of the built pages that no setting of Jupyter Book makes.

Figures get a second version for dark pages: the same drawing without its white ground, with light
words and lines. Colours that mean something, such as those of levels, stay as they are.
"""

import re
from pathlib import Path

COLAB_LINK = re.compile(r"(colab\.research\.google\.com/github/[^\"]+?)/blob/main/book/")
THEBE = re.compile(
    r"<script>const THEBE_JS_URL.*?</script>|<script[^>]*sphinx-thebe\.js[^>]*></script>"
)
FIGURE = re.compile(
    r'<img (?P<before>[^>]*)src="(?P<file>[^"]*_images/[^"]+)\.svg"(?P<after>[^>]*)>'
)
GROUND = re.compile(
    r'(<g id="(?:patch_1|axes_\d+">\s*<g id="patch_\d+)">\s*<path [^>]*?fill: )#ffffff'
)
# Words, lines and grids of augfpn/figures/theme.py; white, light grey and the like on dark pages.
ON_DARK = {
    "#222222": "#e4e6ea",
    "#000000": "#e4e6ea",
    "#555555": "#a3abb8",
    "#e6e6e6": "#3a404b",
    "#eeeeee": "#2a2f38",
}
COLOUR = re.compile("|".join(ON_DARK))


def finish(html: Path) -> None:
    """Change all pages below a folder, and write the dark version of their figures.

    Colab's buttons lead to the chapters in plain Markdown, which have a branch of their own. Thebe
    is removed: nothing uses it, and it would be declared twice. The bibliography is no longer
    marked as a list (role="list"), because it has no list items for screen readers.
    """
    for file in (html / "_images").glob("*.svg"):
        if not file.stem.endswith("-dark"):
            file.with_stem(f"{file.stem}-dark").write_text(dark(file.read_text("utf-8")), "utf-8")
    for page in html.rglob("*.html"):
        text = COLAB_LINK.sub(r"\1/blob/colab/", page.read_text("utf-8"))
        text = text.replace('role="list" class="citation-list"', 'class="citation-list"')
        page.write_text(FIGURE.sub(in_both_themes, THEBE.sub("", text)), "utf-8")


def dark(svg: str) -> str:
    """A drawing of matplotlib for a dark page: no ground, light words and lines."""
    svg = COLOUR.sub(lambda found: ON_DARK[found[0]], GROUND.sub(r"\1none", svg))
    return svg.replace(
        "<svg ", '<svg fill="#e4e6ea" ', 1
    )  # black words have no colour of their own


def in_both_themes(found: re.Match) -> str:
    """The tags of a figure's two versions, of which `_static/book.css` shows one."""
    if "in-" in found["before"] + found["after"]:
        return found[0]
    before = re.sub(r'class="[^"]*"|width="[^"]*"', "", found["before"])
    after = re.sub(r'class="[^"]*"', "", found["after"]).removesuffix("/")
    return "".join(
        f'<img class="in-{theme}" loading="lazy" {before}src="{found["file"]}{end}.svg"{after}/>'
        for theme, end in (("light", ""), ("dark", "-dark"))
    )
