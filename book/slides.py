"""The slides of a talk, as one HTML file that needs nothing else: from `talk/slides.md`.

Slides are divided by lines of `---`. Each has a title, sentences, perhaps a figure of the book, its
source, and behind `>` what to say. The file holds its figures, for light and for dark rooms, so it
can be taken along; a browser prints it as a PDF.
"""

import re
from base64 import b64encode
from html import escape
from pathlib import Path
from typing import NamedTuple

import finish
import unbroken
import yaml
from dependencies import BOOK, ROOT

SLIDES = BOOK / "talk" / "slides.md"
XLINK = "http://www.w3.org/1999/xlink"
TALL = 0.8  # of its width: a higher figure stands beside the words
SITE = yaml.safe_load((ROOT / "_config.yml").read_text())["html"]["baseurl"]
FIGURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<file>[^)]+)\)")
LINK = re.compile(r"\[(?P<words>[^\]]+)\]\((?P<page>[\w/]+)\.(?:md|ipynb)(?P<place>#[\w-]+)?\)")
STRONG, SYMBOL = re.compile(r"\*\*(.+?)\*\*", re.DOTALL), re.compile(r"\$(\w)_(\w)\$")


class Slide(NamedTuple):
    """A slide: its title, its paragraphs, its figure (or none), its source and what to say."""

    title: str
    paragraphs: list[str]
    figure: re.Match | None
    source: str
    said: str


def slides(text: str) -> list[Slide]:
    """The slides of a file."""
    return [slide(each) for each in text.strip().split("\n\n---\n\n")]


def slide(text: str) -> Slide:
    """A slide from its Markdown: blocks that blank lines divide."""
    title, *blocks, source, said = text.split("\n\n")
    figures = [found for found in map(FIGURE.match, blocks) if found]
    paragraphs = [each for each in blocks if not FIGURE.match(each)]
    figure = figures[0] if figures else None
    return Slide(title.removeprefix("# "), paragraphs, figure, source, said.removeprefix("> "))


def write(folder: Path) -> Path:
    """Write slides.html into a folder."""
    every = slides(SLIDES.read_text("utf-8"))
    body = "\n".join(as_html(each, n, len(every)) for n, each in enumerate(every, start=1))
    look, keys = (SLIDES.with_name(name).read_text("utf-8") for name in ("slides.css", "slides.js"))
    file = folder / "slides.html"
    file.write_text(PAGE.format(title=escape(every[0].title), look=look, body=body, keys=keys))
    return file


def as_html(of: Slide, number: int, count: int) -> str:
    """A slide, with its number."""
    paragraphs = "".join(f"<p>{inline(each)}</p>" for each in of.paragraphs)
    figure = "" if of.figure is None else drawing(of.figure["file"], of.figure["alt"])
    kind = "words" if of.figure is None else "drawn"
    return (
        f'<section id="slide-{number}" class="{kind}"><h2>{inline(of.title)}</h2>'
        f'<div class="said">{paragraphs}</div>{figure}'
        f"<aside>{inline(of.said)}</aside>"
        f'<footer><span>{inline(of.source)}</span><span><a href="{SITE}">AugFPN, the book</a>'
        f" · Apache-2.0 · {number} / {count}</span></footer></section>"
    )


def inline(text: str) -> str:
    """A sentence: strong words, symbols with an index, links to pages of the book."""
    text = STRONG.sub(r"<strong>\1</strong>", unbroken.of_numbers(escape(text, quote=False)))
    text = SYMBOL.sub(r"<i>\1</i><sub>\2</sub>", text)
    return LINK.sub(lambda link: f'<a href="{address(link)}">{link["words"]}</a>', text)


def address(link: re.Match) -> str:
    """Where a link leads on the book's site."""
    return f"{SITE}{link['page']}.html{link['place'] or ''}"


def drawing(file: str, alt: str) -> str:
    """A figure in both themes, inside the page; behind # what of its height is shown: "0.2-0.7"."""
    name, _, shares = file.partition("#")
    svg = (SLIDES.parent / name).read_text("utf-8")
    width, height = map(float, finish.SIZE.search(svg).groups())
    if shares:
        top, bottom = (height * float(share) for share in shares.split("-"))
        height = bottom - top
        svg = finish.SIZE.sub(
            f'<svg xmlns:xlink="{XLINK}" width="{width}pt" height="{height}pt"', svg
        )
        shown = f'viewBox="0 {top} {width} {height}"'
        svg = re.sub(r'viewBox="0 0 \S+ \S+"', shown, svg, count=1)
    tall = " tall" if height > TALL * width else ""
    shown = {"light": svg, "dark": finish.dark(svg)}
    return "".join(
        f'<img class="in-{theme}{tall}" alt="{escape(alt)}" src="data:image/svg+xml;base64,'
        f'{b64encode(each.encode()).decode()}">'
        for theme, each in shown.items()
    )


PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{look}</style>
</head>
<body>
<main>
{body}
</main>
<script>
{keys}</script>
</body>
</html>
"""
