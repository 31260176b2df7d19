"""What a chapter's outputs depend on, and the key under which they are kept.

A key is a hash of the code of the chapter's cells, the modules of the package that they import
(directly or not), the package's data, the pinned requirements and the installed versions. If the
chapter reads records, they are part of its key, too. Its prose is not.
"""

import ast
import hashlib
import platform
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parents[1]
BOOK, PACKAGE, RECORDS = ROOT / "book", ROOT / "augfpn", ROOT / "experiments" / "records"
VERSIONS = ("torch", "torchvision", "numpy", "matplotlib", "seaborn", "tabulate", "ipykernel")


def chapters() -> list[Path]:
    """All chapters, in the order of the table of contents."""
    toc = yaml.safe_load((BOOK / "_toc.yml").read_text())
    names = [each["file"] for part in toc["parts"] for each in part["chapters"]]
    return [BOOK / f"{name}.ipynb" for name in names if (BOOK / f"{name}.ipynb").exists()]


def code_of(chapter: Path) -> list[str]:
    """The sources of a chapter's code cells."""
    cells = nbformat.read(chapter, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def module_file(name: str) -> Path | None:
    """The file of a module by its dotted name, if the package has it."""
    path = ROOT.joinpath(*name.split("."))
    found = [f for f in (path.with_suffix(".py"), path / "__init__.py") if f.exists()]
    return found[0] if found else None


@cache
def lazy_names() -> dict[str, str]:
    """The names that the package imports at their first use, and the modules that define them."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    assigned = (node for node in tree.body if isinstance(node, ast.Assign))
    return next(
        (
            {name: f"augfpn.{home}" for name, home in ast.literal_eval(node.value).items()}
            for node in assigned
            if getattr(node.targets[0], "id", "") == "_HOME"
        ),
        {},
    )


def imported(code: str) -> Iterator[str]:
    """The modules of the package that Python code imports, anywhere in it."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("augfpn"):
            yield node.module
            for each in node.names:
                yield lazy_names().get(each.name, f"{node.module}.{each.name}")
                yield from lazy_names().values() if each.name == "*" else ()
        elif isinstance(node, ast.Attribute) and node.attr in lazy_names():
            yield lazy_names()[node.attr]  # as in "augfpn.build_detector", under any name


@cache
def imports_of(file: Path) -> tuple[str, ...]:
    """The modules of the package that a module imports; each file is parsed once."""
    return tuple(imported(file.read_text()))


@cache
def files_behind(name: str) -> frozenset[Path]:
    """The files of a module and of all modules of the package that it needs."""
    found: set[Path] = set()
    todo = [name]
    while todo:
        each = todo.pop()
        file = module_file(each)
        if each.startswith("augfpn") and file is not None and file not in found:
            found.add(file)
            todo += [each.rpartition(".")[0], *imports_of(file)]
    return frozenset(found)


def files_of(code: Iterable[str]) -> set[Path]:
    """The package's files that a chapter's outputs depend on; all if a cell starts a program."""
    cells = list(code)
    if any(re.search(r"^\s*!|subprocess|augfpn\.cli", cell, re.MULTILINE) for cell in cells):
        found = set(PACKAGE.rglob("*.py"))
    else:
        named = {name for cell in cells for name in imported(without_pip(cell))}
        named |= {name for cell in cells for name in re.findall(r"augfpn(?:\.\w+)+", cell)}
        found = set().union(*(files_behind(name) for name in named))
    # A .pyc that another process is writing ends in .pyc and a number.
    data = (f for f in PACKAGE.rglob("*") if f.is_file() and not {".py", ".pyc"} & {*f.suffixes})
    return found | set(data)


def without_pip(cell: str) -> str:
    """A cell's Python code, with ``pass`` instead of magics, so that no block is empty."""
    return re.sub(r"^(\s*)[%!].*$", r"\1pass", cell, flags=re.MULTILINE)


def digest(files: Iterable[Path]) -> str:
    """One hash of the names and contents of some files."""
    found = hashlib.sha256()
    for file in sorted(files):
        found.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()


@cache
def records_digest() -> str:
    """One hash of all committed records."""
    return digest(f for f in RECORDS.rglob("*") if f.is_file()) if RECORDS.exists() else ""


def key_of(chapter: Path) -> str:
    """The key under which a chapter's outputs are kept."""
    code = code_of(chapter)
    files = files_of(code)
    parts = [*code, digest(files), digest([ROOT / "requirements.txt"]), platform.python_version()]
    parts += [f"{name} {version(name)}" for name in VERSIONS]
    if PACKAGE / "records.py" in files:
        parts.append(records_digest())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
