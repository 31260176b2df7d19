"""The source is small enough to read: short files, short functions, a public name for one thing."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "augfpn"
FILES = sorted(
    file for folder in (PACKAGE, ROOT / "book", ROOT / "tests") for file in folder.rglob("*.py")
)
TESTS = [file for file in FILES if file.is_relative_to(ROOT / "tests")]
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 300, 40
DEFINED_TWICE = {  # in the package, with the reason
    "FPN": "the paper's word for plain settings (config) and for the pyramid that obeys them",
}
OF_NAMED_TUPLES = {"_asdict", "_fields", "_make", "_replace"}  # public in spite of their names


def name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def test_files_are_short() -> None:
    lines = {name(file): len(file.read_text("utf-8").splitlines()) for file in FILES}
    assert {file: count for file, count in lines.items() if count > MOST_LINES} == {}


def long_functions(module: ast.Module) -> list[str]:
    """The functions and methods that are too long, each with its docstring."""
    kinds = ast.FunctionDef, ast.AsyncFunctionDef
    functions = [node for node in ast.walk(module) if isinstance(node, kinds)]
    return [f.name for f in functions if f.end_lineno - f.lineno >= MOST_LINES_OF_A_FUNCTION]


def test_functions_are_short() -> None:
    found = {name(file): long_functions(tree(file)) for file in FILES}
    assert {file: each for file, each in found.items() if each} == {}


# --- names of the package -------------------------------------------------------------------------


def definitions(module: ast.Module) -> Iterator[tuple[str, str]]:
    """The public names that a module defines, and their definitions."""
    for node in module.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names = [node.name]
            case ast.Assign():
                inside = (each for target in node.targets for each in ast.walk(target))
                names = [each.id for each in inside if isinstance(each, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=annotated)):
                names = [annotated]
            case _:
                names = []
        yield from ((each, ast.dump(node)) for each in names if not each.startswith("_"))


def defined_twice(package: Path) -> dict[str, list[str]]:
    """Public names with different definitions in several modules, and these modules."""
    where: dict[str, dict[str, str]] = defaultdict(dict)
    for file in sorted(package.rglob("*.py")):
        for public, definition in definitions(tree(file)):
            where[public][str(file.relative_to(package))] = definition
    return {public: [*each] for public, each in where.items() if len({*each.values()}) > 1}


def test_a_public_name_means_one_thing() -> None:
    found = defined_twice(PACKAGE)
    assert {each: found[each] for each in found if each not in DEFINED_TWICE} == {}
    assert set(DEFINED_TWICE) <= set(found), "an exception that is not needed any more"


# --- names that tests use -------------------------------------------------------------------------


def private_names(module: ast.Module) -> set[str]:
    """The package's private names that a test imports, reads or replaces."""
    found, ours = set(), set()
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("augfpn"):
            ours |= {each.asname or each.name for each in node.names}
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.Import):
            ours |= {e.asname or "augfpn" for e in node.names if e.name.startswith("augfpn")}
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and root_of(node) in ours:
            found.add(node.attr)
        elif isinstance(node, ast.Call) and node.args and root_of(node.args[0]) in ours:
            found |= {each.value for each in node.args[1:] if is_text(each)}
    single = (n for n in found if n.startswith("_") and not n.startswith("__"))
    return set(single) - OF_NAMED_TUPLES


def root_of(node: ast.expr) -> str | None:
    """The name that a chain of attributes begins with."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def is_text(node: ast.expr) -> bool:
    """Whether an expression is a string."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_tests_use_public_names_of_the_package() -> None:
    found = {name(file): private_names(tree(file)) for file in TESTS}
    assert {file: each for file, each in found.items() if each} == {}


# --- these tests themselves -----------------------------------------------------------------------


def test_a_long_function_is_found_wherever_it_stands() -> None:
    lines = ["class A:", "    def f(self):", *["        x = 1"] * MOST_LINES_OF_A_FUNCTION]
    assert long_functions(ast.parse("\n".join(lines))) == ["f"]
    assert long_functions(ast.parse("\n".join(lines[:-1]))) == []


def test_names_with_two_meanings_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("N = int\nM: int = 1\n_own = 1\ndef f(): return 1\n")
    (tmp_path / "b.py").write_text("N = int\nM: int = 2\n_own = 2\nclass f: pass\n")
    assert defined_twice(tmp_path) == {"M": ["a.py", "b.py"], "f": ["a.py", "b.py"]}


@pytest.mark.parametrize(
    "code",
    [
        "from augfpn.study.running.grid import _own",
        "from augfpn.study.running import grid\ngrid._own(1)",
        "import augfpn\naugfpn.study.running.grid._own(1)",
        "from augfpn.study.running import grid\nmonkeypatch.setattr(grid, '_own', None)",
    ],
)
def test_private_names_are_found(code: str) -> None:
    assert private_names(ast.parse(code)) == {"_own"}


def test_what_named_tuples_offer_is_not_private() -> None:
    assert (
        private_names(ast.parse("from augfpn.study.running.grid import Run\nRun._make([])"))
        == set()
    )
