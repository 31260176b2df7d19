"""How tables of a built page are laid out on a phone: what `_static/book.css` needs for it.

A table of text is marked `in-rows`: a phone shows its cells below each other, each behind the words
at the head of its column. So is a table of numbers that is wider than a phone, because what matters
would be out of sight. One that fits is marked `in-columns`: it stays a table, so that numbers can
be compared, in narrow columns. Those of more than one word are marked `words`; its names may be
broken behind a low line.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape, unescape

TABLE = re.compile(r'<table class="table(?! in-)\b.*?</table>', re.DOTALL)
ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
CELL = re.compile(r"<(?P<kind>th|td)\b(?P<given>[^>]*)>(?P<inside>.*?)</(?P=kind)>", re.DOTALL)
LETTER = re.compile(r"[^\W\d_]")
NAME = re.compile(r"(?<=<p>)[^<\\]*_[^<\\]*(?=</p>)")
PIECE = re.compile(r"[ \n]|(?<=[^\W\d]-)")  # where a cell may be broken
# A table is one of text if its columns' longest cells have over TEXT letters on average (digits
# do not count). A column whose longest cell has more signs than WORD must not shrink to one word.
TEXT, WORD = 16, 12
NOTHING = ("", "–", "-")  # cells of these words are left out on a phone
SHORT = 34  # signs of a cell and its head, with which it shares a line
# The least width of a table, in px: of a sign, of a cell's padding, and of columns of words.
SIGN, PADDING, WORDS, FIRST_WORDS, PHONE = 6.6, 8, 72, 104, 345


def laid_out(page: str) -> str:
    """A page whose tables have what their layout on a phone needs."""
    return TABLE.sub(for_phones, page)


def for_phones(found: re.Match) -> str:
    """A table with its mark, and cells that know the heads of their columns where they need it."""
    table = found[0]
    heads, *rows = ([said(cell) for cell in CELL.finditer(row)] for row in ROW.findall(table))
    columns = list(zip(*rows, strict=True))
    letters = [max(len(LETTER.findall(cell)) for cell in column) for column in columns]
    head, end, body = table.partition("</thead>")
    if sum(letters) > TEXT * len(columns) or width([heads, *rows]) > PHONE:
        form = "in-rows"
        firsts = carried([row[0] for row in rows])
        body = ROW.sub(lambda row: named(heads, next(firsts), row), body)
    else:
        form = "in-columns"
        body = NAME.sub(lambda name: name[0].replace("_", "_<wbr/>"), body)
        marks = (" words" if max(map(len, column)) > WORD else "" for column in columns)
        head = re.sub('<th class="head', lambda column: column[0] + next(marks), head)
    return head.replace('class="table', f'class="table {form}', 1) + end + body


def width(rows: Sequence[Sequence[str]]) -> float:
    """About how many px a table of numbers needs, if all is broken that may be."""
    px = 0.0
    for place, column in enumerate(zip(*rows, strict=True)):
        longest = max(len(piece) for cell in column for piece in PIECE.split(cell))
        of_words = max(map(len, column[1:])) > WORD
        least = (WORDS if place else FIRST_WORDS) if of_words else 0
        px += max(PADDING + SIGN * longest, least)
    return px


def carried(firsts: Iterable[str]) -> Iterator[str]:
    """For each row what stands in its first cell, or in that above if it is empty."""
    last = ""
    for first in firsts:
        last = first or last
        yield last


def said(cell: re.Match) -> str:
    """The words of a cell, without tags and the signs of formulas; what is unbroken stays so."""
    words = re.sub(r"<br ?/?>", " ", cell["inside"])
    words = re.sub(r"<[^>]*>|\\[()]|\\(?=[a-z])|[{}]", "", words)
    return re.sub(r"[ \n]+", " ", unescape(words)).strip()


def named(heads: list[str], first: str, row: re.Match) -> str:
    """A row whose cells know the words at the heads of their columns, or that they hold nothing.

    A first cell with letters is the row's name, and needs no other. One that is empty, because the
    row belongs to that above, knows what stands there.
    """
    columns = iter(heads)
    start = True

    def name(cell: re.Match) -> str:
        nonlocal start
        head, words = next(columns), said(cell)
        known = f' data-head="{escape(head)}"' if head else ""
        if start and not words:
            known = f' class="again" data-again="{escape(first)}"'
        elif words in NOTHING:
            known = " data-nothing"
        elif start and LETTER.search(words):
            known = ""
        elif not start and len(head + words) <= SHORT:
            known += " data-short"
        start = False
        return f"<{cell['kind']}{cell['given']}{known}>{cell['inside']}</{cell['kind']}>"

    return CELL.sub(name, row[0])
