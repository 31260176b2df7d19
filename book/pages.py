"""Generated parts of pages: the API from docstrings, chapters for Colab.

A page has a mark, such as ``<!-- api -->``, which `fill` replaces by the generated text.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from nbformat import NotebookNode

READ_FIRST = (  # rooms of the package in reading order; those not listed follow by name
    *("pyramid", "config", "detectors", "speed", "settings", "data", "training", "records"),
    *("figures", "diagnostics", "study", "deploy", "cli"),
)
FIELD = re.compile(r"\n(?=(?:Source|Shapes|Differs|Raises|Returns): )")
MARK = re.compile(r"<!-- ([a-z ]+) -->")


class Missing(Exception):
    """Raised if a chapter includes code that does not exist; the message names the code."""


def fill(text: str, made: Mapping[str, str]) -> str:
    """A page with each mark replaced by the text that was made for it."""
    return MARK.sub(lambda mark: made.get(mark[1], mark[0]), text)


# --- the API --------------------------------------------------------------------------------------


def api(package: Path) -> dict[str, str]:
    """Markdown of all public classes and functions, a page for each room, from their docstrings."""
    made: dict[str, list[str]] = {}
    for name in modules(package):
        made.setdefault(room_of(package, name), []).extend(module(package, name))
    return {page_of(room): "\n\n".join(parts) for room, parts in made.items()}


def rooms(package: Path) -> str:
    """A table of the rooms, each with its summary and a link to its page."""
    lines = ["| room | what is in it |", "|---|---|"]
    for name in modules(package):
        if room_of(package, name) == name:
            said = summary(docstring(package, name))
            lines.append(f"| [`augfpn.{name}`](api/{page_of(name)}.md) | {said} |")
    return "\n".join(lines)


def room_of(package: Path, name: str) -> str:
    """The room of a module: the folder in which it lies; a module below none is a room itself."""
    above = name.rpartition(".")[0]
    return name if not above or package.joinpath(*name.split(".")).is_dir() else above


def page_of(room: str) -> str:
    """The name of a room's page."""
    return room.replace(".", "-")


def modules(package: Path) -> list[str]:
    """The dotted names of the public modules and rooms below the package, in reading order."""
    below = (file.relative_to(package).with_suffix("").parts for file in package.rglob("*.py"))
    named = {parts[:-1] if parts[-1] == "__init__" else parts for parts in below} - {()}
    public = [parts for parts in named if not any(part.startswith("_") for part in parts)]
    rank = {room: number for number, room in enumerate(READ_FIRST)}
    public.sort(key=lambda parts: (rank.get(parts[0], len(rank)), parts))
    return [".".join(parts) for parts in public]


def tree(package: Path, name: str) -> ast.Module:
    """The code of a module, or of a room's own file."""
    path = package.joinpath(*name.split("."))
    return ast.parse(
        (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
    )


def docstring(package: Path, name: str) -> str | None:
    """What a module says about itself."""
    return ast.get_docstring(tree(package, name))


def module(package: Path, name: str) -> Iterator[str]:
    """A module's part of its room's page: its summary, then its public names."""
    heading = "#" * (1 if room_of(package, name) == name else 2)
    yield f"{heading} augfpn.{name}\n\n{summary(docstring(package, name))}"
    for node in public(package, name):
        text = f"```python\n{signature(node)}\n```\n\n{prose(ast.get_docstring(node))}"
        yield f"({anchor(name, node)})=\n{heading}# {node.name}\n\n{text}"


def public(package: Path, name: str) -> list[ast.ClassDef | ast.FunctionDef]:
    """The public classes and functions of a module that have a docstring."""
    return [
        node
        for node in tree(package, name).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
        and not node.name.startswith("_")
        and ast.get_docstring(node)
    ]


def anchor(module: str, node: ast.ClassDef | ast.FunctionDef) -> str:
    """The place of a name on its page; addresses do not tell ``Scene`` from ``scene``."""
    kind = "class-" if isinstance(node, ast.ClassDef) else ""
    return f"api-{kind}{module}-{node.name}".lower().replace(".", "-").replace("_", "-")


def places(package: Path) -> dict[str, tuple[str, str]]:
    """The page and the anchor of each public name, by itself and with its module in front."""
    found = {}
    for name in modules(package):
        page = f"api/{page_of(room_of(package, name))}"
        found[f"augfpn.{name}"] = (page, f"augfpn-{name.replace('.', '-').replace('_', '-')}")
        for node in public(package, name):
            entry = (page, anchor(name, node))
            found |= {node.name: entry, f"augfpn.{name}.{node.name}": entry}
            found.setdefault(f"augfpn.{node.name}", entry)
    return found


def signature(node: ast.ClassDef | ast.FunctionDef) -> str:
    """The call of a function or of a class; for a class without ``__init__``, its fields."""
    if isinstance(node, ast.FunctionDef):
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        return call(node.name, node.args, returns)
    methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
    if "__init__" in methods:
        return call(f"class {node.name}", methods["__init__"].args)
    bases = ", ".join(map(ast.unparse, node.bases))
    fields = [field(each) for each in node.body if isinstance(each, ast.AnnAssign)]
    return "\n".join([f"class {node.name}" + (f"({bases})" if bases else ""), *fields])


class WithoutRules(ast.NodeTransformer):
    """Types without what ``Annotated`` adds for the checks of values."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        return node.slice.elts[0] if ast.unparse(node.value) == "Annotated" else node


def field(node: ast.AnnAssign) -> str:
    """A field with its type and default, below the words that ``about`` says of it."""
    calls = (each for each in ast.walk(node.annotation) if isinstance(each, ast.Call))
    said = [f"    # {ast.literal_eval(c.args[0])}" for c in calls if ast.unparse(c.func) == "about"]
    return "\n".join([*said, f"    {ast.unparse(WithoutRules().visit(node))}"])


def call(name: str, given: ast.arguments, returns: str = "") -> str:
    """A call on one line if it fits, otherwise with one line for each argument."""
    arguments = arguments_of(given)
    line = f"{name}({', '.join(arguments)}){returns}"
    if len(line) <= 88:
        return line
    return f"{name}(\n" + "".join(f"    {each},\n" for each in arguments) + f"){returns}"


def arguments_of(given: ast.arguments) -> list[str]:
    """The arguments with types and defaults, without ``self``."""
    places = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(places) - len(given.defaults)) + list(given.defaults)
    found = [argument(*pair) for pair in zip(places, defaults, strict=True)]
    found += (
        [f"*{ast.unparse(given.vararg)}"] if given.vararg else ["*"] if given.kwonlyargs else []
    )
    found += [argument(*pair) for pair in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    return [each for each in found if each != "self"]


def argument(given: ast.arg, default: ast.expr | None) -> str:
    """An argument with its type and default."""
    return ast.unparse(given) + ("" if default is None else f" = {ast.unparse(default)}")


def summary(docstring: str | None) -> str:
    """The first paragraph."""
    return prose((docstring or "").split("\n\n")[0])


def prose(docstring: str) -> str:
    """A docstring in Markdown: its fields become a list, indented blocks stay as they are."""
    parts = []
    for paragraph in docstring.replace("``", "`").split("\n\n"):
        if paragraph.startswith("    "):
            parts.append(f"```text\n{paragraph}\n```")
            continue
        lines = FIELD.split(paragraph)
        text = [" ".join(lines[0].split())] if not FIELD.match("\n" + lines[0]) else []
        fields = [" ".join(each.split()) for each in lines[len(text) :]]
        listed = "\n".join(f"- *{each.replace(':', '*:', 1)}" for each in fields)
        parts += [part for part in (*text, listed) if part]
    return "\n\n".join(parts)


# --- chapters for Colab ---------------------------------------------------------------------------

CITED = re.compile(r"\{cite:\w+\}`([^`]+)`")
NUMBERED = re.compile(r"(^|\. |\? )?\{(?:numref|eq)\}`([^`]+)`", re.MULTILINE)
DIRECTIVE = re.compile(r"^```\{(\w+)\}([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
AROUND = re.compile(r"^:::\{(\w+)\}([^\n]*)\n(.*?)^:::$", re.MULTILINE | re.DOTALL)  # others
OPTION = re.compile(r"^:([\w-]+): ?(.*)\n?", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|#)([\w./]+)\.(?:ipynb|md)(#[\w-]+)?\)")


def title(notebook: NotebookNode) -> str:
    """A chapter's title."""
    first = next(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return first.splitlines()[0].removeprefix("# ")


def for_colab(notebook: NotebookNode, root: Path, site: str, raw: str) -> NotebookNode:
    """A chapter in plain Markdown for Colab: code is included, and links lead to the site.

    ``site`` is the address of the book, ``raw`` the address of the repository's files.
    """
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source, root, site, raw)
    return notebook


def plain(text: str, root: Path, site: str, raw: str) -> str:
    """MyST Markdown without its roles and directives."""
    for kind in (DIRECTIVE, AROUND):
        text = kind.sub(lambda found: directive(found, root, raw), text)
    text = CITED.sub(lambda found: f"({', '.join(map(authors, found[1].split(',')))})", text)
    text = NUMBERED.sub(reference, text)
    return LINK.sub(lambda found: f"]({site}{found[1]}.html{found[2] or ''})", text)


def reference(found: re.Match) -> str:
    """A reference without its number, with a capital letter where it begins a sentence."""
    begins, name = found[1], found[2]
    kinds = {"fig": "the figure", "tab": "the table"}
    words = kinds.get(name.partition("-")[0], "the formula")
    return words if begins is None else begins + words.capitalize()


def authors(key: str) -> str:
    """A citation's first author and year, read from its key: "lin2017fpn"."""
    found = re.match(r"([a-z]+)(\d{4})", key.strip())
    return f"{found[1].title()} et al., {found[2]}" if found else key


def directive(found: re.Match, root: Path, raw: str) -> str:
    """A directive in plain Markdown."""
    kind, argument, body = found[1], found[2].strip(), found[3]
    options = dict(OPTION.findall(body))
    content = OPTION.sub("", body).strip()
    if kind == "math":
        return f"$$\n{content}\n$$"
    if kind == "literalinclude":
        return f"```python\n{code_of(root / 'book' / argument, options.get('pyobject'))}\n```"
    if kind == "table":
        return f"*{argument}*\n\n{content}"
    if kind == "figure":
        return f"![{options.get('alt', '')}]({raw}book/{argument})\n\n*{content}*"
    if options.get("class") == "dropdown":
        return f"<details><summary>{argument}</summary>\n\n{content}\n\n</details>"
    return f"> **{argument}** {content}" if argument else f"> {content}"


def code_of(file: Path, name: str | None) -> str:
    """The source of a file, or of a class, function or method in it.

    Raises ``Missing`` for a name that the file does not have.
    """
    text = file.read_text()
    if name is None:
        return text.strip()
    node: ast.AST = ast.parse(text)
    for part in name.split("."):
        below = {each.name: each for each in node.body if hasattr(each, "name")}
        if part not in below:
            raise Missing(f"a chapter includes {name}, which {file} does not have.")
        node = below[part]
    first = min(each.lineno for each in (node, *node.decorator_list))
    lines = text.splitlines()[first - 1 : node.end_lineno]
    spaces = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[spaces:] for line in lines)
