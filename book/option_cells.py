"""Cells and tables of the page on commands and options: what a value may be, in words."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from augfpn.cli import options

NOT_SET = "not set"
OF_BUDGET = "[the\u00a0budget's](#what-a-budget-sets)"
QUOTED = re.compile(r'"(\w+)"')


class Row(NamedTuple):
    """An option or a setting as a table shows it."""

    name: str
    values: str
    default: str
    meaning: str


def table(caption: str, name: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table with a caption, which pages can refer to and which may have code in it."""
    heads = tuple(heads)
    lines = [heads, ("---",) * len(heads), *rows]
    shown = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"~~~{{table}} {caption}\n:name: tab-{name}\n\n{shown}\n~~~"


def folded(title: str, content: str) -> str:
    """Content that a reader opens by its title."""
    return f":::{{admonition}} {title}\n:class: dropdown\n\n{content}\n:::"


def code(words: Iterable[Any]) -> str:
    """Words as code, with commas."""
    return ", ".join(f"`{word}`" for word in words)


def said(text: str) -> str:
    """A help text or a comment as a cell: what it quotes is code."""
    return QUOTED.sub(r"`\1`", text)


def option(name: str) -> str:
    """A parameter's option on the command line."""
    return options.dashed(f"--{name}")


def number(value: Any) -> str:
    """A value of a setting as JSON, but with five digits at most."""
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(number, value))}]"
    return json.dumps(value)


def plain(value: Any) -> str:
    """A value of a setting as prose has it."""
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    return "–" if value is None else value if isinstance(value, str) else number(value)


# --- what a value may be --------------------------------------------------------------------------


def values_of(kind: Any, schema: dict[str, Any]) -> str:
    """What a value may be: kinds of numbers with their limits, and words.

    ``kind`` is the type, of which `augfpn.cli.options` lists the words; ``schema`` is what pydantic
    says of it.
    """
    words = tuple(options.allowed_words(kind))
    kinds = [text for each in schema.get("anyOf", [schema]) for text in kinds_of(each)]
    return ", ".join([*kinds, *([code(words)] if words else [])]) or "text"


def kinds_of(schema: dict[str, Any]) -> Iterator[str]:
    """A kind of values, unless it is one of words."""
    kind = schema.get("type")
    if kind == "boolean":
        yield code(("true", "false"))
    elif kind == "null":
        yield code(("null",))
    elif kind in ("integer", "number"):
        yield number_of(schema, whole=kind == "integer")
    elif kind == "array":
        yield list_of(schema)


def list_of(schema: dict[str, Any]) -> str:
    """How many values of which kind a list has."""
    inside = schema["prefixItems"][0] if "prefixItems" in schema else schema["items"]
    kind = next(kinds_of(inside), "text")
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    count = f"{most} values" if most else "one value or more" if least else "any number of values"
    return count.replace("value", "word") if kind == "text" else f"{count}, each a {kind}"


def number_of(schema: dict[str, Any], whole: bool) -> str:
    """A kind of number with its limits; those of a whole number are allowed themselves."""
    least, above = limit(schema, "minimum", "ge"), limit(schema, "exclusiveMinimum", "gt")
    most, below = limit(schema, "maximum", "le"), limit(schema, "exclusiveMaximum", "lt")
    if whole:
        least, above = (least if above is None else above + 1), None
        most, below = (most if below is None else below - 1), None
    kind = "whole number" if whole else "number"
    if most is None and below is None:
        return f"{kind} above {above}" if least is None else f"{kind}, {least} or more"
    if below is not None or least is None:
        lower = f"above {above}" if least is None else f"from {least}"
        return f"{kind} {lower}, {f'at most {most:,.0f}' if below is None else f'below {below}'}"
    return f"{kind} from {least} to {most:,.0f}"


def limit(schema: dict[str, Any], *names: str) -> float | None:
    """A limit under one of its names; pydantic has another one where a validator comes first."""
    return next((schema[name] for name in names if name in schema), None)
