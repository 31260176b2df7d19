"""Tables as text: in aligned columns for a terminal, in Markdown for a page."""

from collections.abc import Sequence

from tabulate import tabulate


def columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)
) -> str:
    """A table for a terminal, two spaces between its columns.

    Columns are aligned to the right, as suits numbers; those with indices ``left``, to the left.
    """
    sides = ["left" if place in left else "right" for place in range(len(header))]
    options = {"tablefmt": "plain", "disable_numparse": True, "preserve_whitespace": True}
    return "\n".join(
        line.rstrip() for line in tabulate([header, *rows], colalign=sides, **options).splitlines()
    )


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown. Its cells are not padded, because a page may have long cells."""
    rule = ["---"] * len(header)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))
