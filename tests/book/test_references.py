"""The modules, names and files exist to which the text and the package's docstrings refer.

A dotted name such as `augfpn.study.uncertainty.intervals.mean_interval` is followed module by
module, then through what the source defines; nothing is imported. A path such as
`augfpn/pyramid.py` is a file or a folder of the repository.
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from chapters import ROOT

PACKAGE = ROOT / "augfpn"
TEXTS = sorted(
    path
    for pattern in (
        *("README.md", "*/*/README.md", "Makefile", "pyproject.toml", "*.yml"),
        *("book/*.md", "book/*.ipynb", "book/**/*.py", "book/examples/*.patch"),
        *("experiments/*.ipynb", "augfpn/**/*.py", "tests/**/*.py"),
    )
    for path in ROOT.glob(pattern)
    if path != Path(__file__)
)
DOTTED = re.compile(r"(?<![\w./-])augfpn(?:\.[A-Za-z_]\w*)+")
PATHS = re.compile(r"(?<![\w./:-])(?:\.\./)?((?:augfpn|book|experiments|tests)/[\w./-]*\w)")
FILES = re.compile(r"`(\w+\.py)`")
MADE = {"augfpn/_records"}  # by an installation


def text(path: Path) -> str:
    """The text of a file: of a notebook, its cells with captions; of a test, its docstrings."""
    if path.suffix == ".ipynb":
        cells = json.loads(path.read_text("utf-8"))["cells"]
        return "\n".join("".join(each["source"]) + json.dumps(each["metadata"]) for each in cells)
    if path.is_relative_to(ROOT / "tests"):
        kinds = ast.Module, ast.ClassDef, ast.FunctionDef
        described = (node for node in ast.walk(tree(path)) if isinstance(node, kinds))
        return "\n".join(ast.get_docstring(node) or "" for node in described)
    return path.read_text("utf-8")


def exists(dotted: str) -> bool:
    """Whether the package has a name: "augfpn.pyramid.FPN.forward"."""
    path, names = PACKAGE, dotted.split(".")[1:]
    while names and (path / names[0]).is_dir():
        path /= names.pop(0)
    if names and (path / names[0]).with_suffix(".py").exists():
        file = (path / names.pop(0)).with_suffix(".py")
    else:
        file = path / "__init__.py"
    return names in ([], ["__file__"]) or has(tree(file), names)


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def has(module: ast.Module, names: list[str]) -> bool:
    """Whether a module defines a name, and what is in it: a class, then its method or field."""
    node: ast.AST = module
    for name in names:
        found = [each for each in getattr(node, "body", []) if name in defined(each)]
        if not found:
            return False
        node = found[-1]
    return True


def defined(node: ast.stmt) -> Iterator[str]:
    """The names that a statement defines; of a table such as `_HOME`, its keys."""
    match node:
        case ast.FunctionDef() | ast.ClassDef():
            yield node.name
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case ast.Import() | ast.ImportFrom():
            yield from (each.asname or each.name for each in node.names)
        case ast.Assign():
            every = [each for target in node.targets for each in ast.walk(target)]
            yield from (each.id for each in every if isinstance(each, ast.Name))
            if "_HOME" in [each.id for each in every if isinstance(each, ast.Name)]:
                yield from ast.literal_eval(node.value)


def missing(said: str) -> list[str]:
    """Everything that a text refers to and that does not exist."""
    files = {each for each in PATHS.findall(said) if not (ROOT / each).exists()}
    return [
        *(name for name in DOTTED.findall(said) if not exists(name)),
        *sorted(files - MADE),
        *(name for name in FILES.findall(said) if name not in python_files()),
    ]


def test_what_is_named_is_there() -> None:
    found = {path.relative_to(ROOT).as_posix(): missing(text(path)) for path in TEXTS}
    assert {path: each for path, each in found.items() if each} == {}


@cache
def python_files() -> set[str]:
    """The names of the repository's own Python files."""
    return {
        file.name for name in ("augfpn", "book", "tests") for file in ROOT.glob(f"{name}/**/*.py")
    }


# --- what code uses -------------------------------------------------------------------------------


def code(path: Path) -> ast.Module:
    """A file's code; of a notebook all cells, without magics."""
    if path.suffix == ".py":
        return tree(path)
    cells = json.loads(path.read_text("utf-8"))["cells"]
    sources = ["".join(each["source"]) for each in cells if each["cell_type"] == "code"]
    return ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", "\n".join(sources), flags=re.M))


def used(module: ast.Module) -> Iterator[str]:
    """The names of the package that code imports, and those it reads from imported modules."""
    modules = {}
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("augfpn"):
            for each in node.names:
                yield node.module if each.name == "*" else f"{node.module}.{each.name}"
                modules[each.asname or each.name] = f"{node.module}.{each.name}"
    bound = {*bound_otherwise(module)}
    known = {name: dotted for name, dotted in modules.items() if is_module(dotted)}
    for node in ast.walk(module):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if name in known.keys() - bound:
                yield f"{known[name]}.{attr}"


def bound_otherwise(module: ast.Module) -> Iterator[str]:
    """The names of variables and arguments, which may hide an imported module."""
    for node in ast.walk(module):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name


def is_module(dotted: str) -> bool:
    path = ROOT.joinpath(*dotted.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


def test_what_code_uses_is_there() -> None:
    """Also in chapters and in slow tests, which are executed seldom."""
    files = [path for path in TEXTS if path.suffix in (".py", ".ipynb")]
    found = {path.relative_to(ROOT).as_posix(): {*used(code(path))} for path in files}
    gone = {
        path: sorted(each for each in names if not exists(each)) for path, names in found.items()
    }
    assert {path: each for path, each in gone.items() if each} == {}


# --- the map --------------------------------------------------------------------------------------


def test_the_map_of_the_package_has_every_room() -> None:
    """And the modules in front of them, so that a newcomer finds each."""
    readme = (ROOT / "README.md").read_text("utf-8")
    _, _, table = readme.partition("## A map of the package")
    shown = re.findall(r"`([\w.]+/?)`", " ".join(re.findall(r"^\| (`.*?) \|", table, re.M)))
    rooms = {f"{file.parent.name}/" for file in PACKAGE.glob("*/__init__.py")}
    front = {file.name for file in PACKAGE.glob("*.py")} - {"__init__.py"}
    assert set(shown) >= rooms | front


# --- these tests themselves -----------------------------------------------------------------------


def test_names_are_looked_up_in_the_source() -> None:
    for name in (
        "augfpn.FPN",
        "augfpn.study",
        "augfpn.pyramid.FPN.forward",
        "augfpn.config.Model.lam",
    ):
        assert exists(name)
    for name in ("augfpn.FPNN", "augfpn.stud", "augfpn.pyramid.FPN.back", "augfpn.config.lam"):
        assert not exists(name)


def test_what_is_not_there_is_found() -> None:
    said = "`augfpn.stud`, ../augfpn/pyramid.py, [more](book/no_chapter.ipynb), `no_module.py`"
    assert missing(said) == ["augfpn.stud", "book/no_chapter.ipynb", "no_module.py"]


def test_names_that_code_uses_are_followed_through_its_imports() -> None:
    said = ("from augfpn import FPN", "from augfpn.study.running import grid as g", "g.part(g)")
    names = {
        "augfpn.FPN",
        "augfpn.study.running.grid",
        "augfpn.study.running.grid.part",
    }
    assert {*used(ast.parse("\n".join([*said, "FPN.lam"])))} == names


def test_a_label_names_one_formula_figure_or_table() -> None:
    """Sphinx would refuse the book for two, after it has executed all chapters."""
    label = re.compile(r'^:(?:label|name): ([\w-]+)|"name": "((?:fig|tab)-[\w-]+)"', re.MULTILINE)
    pages = [path for path in TEXTS if path.parent == ROOT / "book" and path.suffix != ".py"]
    found = Counter(a or b for path in pages for a, b in label.findall(text(path)))
    assert found.total() > 100
    assert {name for name, times in found.items() if times > 1} == set()
