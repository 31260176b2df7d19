"""Text for people: tables for a terminal or a page; control characters made visible."""

import re
from collections.abc import Sequence

from tabulate import tabulate

# Control characters, line separators, marks that turn the direction of writing, lone surrogates.
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text on one line, with escapes as Python writes them for what a terminal would obey.

    A name may come from a file that somebody else made: its ``\\x1b`` could clear the screen.
    Letters of every language stay as they are.
    """
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def shortened(text: str, letters: int) -> str:
    """The text, or its first letters and an ellipsis: so many letters at most."""
    return text if len(text) <= letters else text[: letters - 1] + "…"


def columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)
) -> str:
    """A table for a terminal, two spaces between its columns.

    Columns are aligned to the right, as suits numbers; those with indices ``left``, to the left.
    """
    sides = ["left" if place in left else "right" for place in range(len(header))]
    options = {"tablefmt": "plain", "disable_numparse": True, "preserve_whitespace": True}
    return "\n".join(
        line.rstrip()
        for line in tabulate(clean([header, *rows]), colalign=sides, **options).splitlines()
    )


def clean(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Rows whose cells are `printable`."""
    return [[printable(cell) for cell in row] for row in rows]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown. Its cells are not padded, because a page may have long cells."""
    rule = ["---"] * len(header)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in clean([header, rule, *rows]))
