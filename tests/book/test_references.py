"""What the text and the package's own docstrings refer to is there: modules, names, files.

A dotted name such as `augfpn.study.intervals.mean_interval` is followed module by module, then
through what the source defines; nothing is imported. A path such as `augfpn/pyramid.py` is a file
or a folder of the repository.
"""

import ast
import json
import re
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
PATHS = re.compile(r"(?<![\w./-])(?:\.\./)?((?:augfpn|book|experiments|tests)/[\w./-]*\w)")
FILES = re.compile(r"`(\w+\.py)`")
MADE = {"augfpn/_records"}  # by an installation


def text(path: Path) -> str:
    """All that a file says: of a notebook its cells with captions, of a test its docstrings."""
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
    return not names or has(tree(file), names)


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
        case ast.Assign():
            every = [each for target in node.targets for each in ast.walk(target)]
            yield from (each.id for each in every if isinstance(each, ast.Name))
            if "_HOME" in [each.id for each in every if isinstance(each, ast.Name)]:
                yield from ast.literal_eval(node.value)


def missing(said: str) -> list[str]:
    """What a text refers to and is not there."""
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


def test_the_map_of_the_package_has_every_room() -> None:
    """And the modules in front of them, so that a newcomer finds each."""
    readme = (ROOT / "README.md").read_text("utf-8")
    _, _, table = readme.partition("## A map of the package")
    shown = re.findall(r"`([\w.]+/?)`", " ".join(re.findall(r"^\| (`.*?) \|", table, re.M)))
    rooms = {f"{file.parent.name}/" for file in PACKAGE.glob("*/__init__.py")}
    front = {file.name for file in PACKAGE.glob("*.py")} - {"__init__.py"}
    assert set(shown) >= rooms | front


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
