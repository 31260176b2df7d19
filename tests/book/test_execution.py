"""The book never shows a stale output: a chapter is executed when what it depends on has changed.

A small repository is built by the real book/build.py as readers run it: in a process of its own,
with kernels. It is executed once; each test changes a copy of what came out.
"""

import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import nbformat
import pytest
import yaml
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = {  # rooms with modules, as in the real one
    "__init__": """\
        from importlib import import_module

        _HOME = {"side": "geometry.boxes"}

        def __getattr__(name):
            if name not in _HOME:
                raise AttributeError(name)
            return getattr(import_module(f"augfpn.{_HOME[name]}"), name)
        """,
    "geometry/__init__": "",
    # Chapters reach `root` through `boxes`, and `boxes` itself through the package's lazy name.
    "geometry/boxes": """\
        def side(w, h):
            from augfpn.support import roots
            return roots.root(w * w + h * h)
        """,
    "geometry/unused": "VALUE = 1",
    "support/__init__": "",
    "support/roots": """\
        def root(x):
            return x**0.5
        """,
    "support/machine": """\
        def cpu_name():
            return "a machine"
        """,
    "records": """\
        from pathlib import Path

        def all_of_them():
            folder = Path(__file__).parents[1] / "experiments" / "records"
            return sorted(file.read_text() for file in folder.iterdir())
        """,
}
# In the order of the table of contents, so that those that fail in a test come first.
CODE = {
    "plain": 'print("by", 6 * 7)',
    "boxes": 'from augfpn import side\nprint("side", side(3, 4))',
    "recorded": "from augfpn import records\nprint(records.all_of_them())",
}
FRESH = {"plain": "by 42", "boxes": "side 5.0", "recorded": "['one']"}
# build.py without Jupyter Book: it ends with the files that Jupyter Book would read.
WRITE_SOURCE = """\
import build
build.write_source(build.execute_all(1))
"""
KEYS = """\
import json
from dependencies import chapters, key_of
print(json.dumps({chapter.stem: key_of(chapter) for chapter in chapters()}))
"""

pytestmark = pytest.mark.timeout(300)  # kernels start slowly on a machine with other work


class Ran(NamedTuple):
    """How a build ended and what it printed."""

    status: int
    happened: dict[str, str]  # for each chapter that is done: "executed" or "unchanged"
    errors: str

    @property
    def executed(self) -> set[str]:
        return {name for name, what in self.happened.items() if what == "executed"}


class Small:
    """A repository with a package of a few lines and a book of three chapters."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.kept = root / "_build" / "executed"

    def make(self) -> "Small":
        for folder in ("book", "augfpn", "experiments/records"):
            (self.root / folder).mkdir(parents=True)
        for file in ROOT.glob("book/*.py"):
            shutil.copy(file, self.root / "book")
        for file in ("requirements.txt", "_config.yml"):
            shutil.copy(ROOT / file, self.root)
        for name, source in PACKAGE.items():
            self.module(name, source)
        for name, code in CODE.items():
            self.chapter(name, code)
        (self.root / "experiments" / "records" / "first.json").write_text("one")
        listed = [{"file": name} for name in ("no_python", *CODE)]
        toc = {"root": "intro", "parts": [{"chapters": listed}]}
        (self.root / "book" / "_toc.yml").write_text(yaml.safe_dump(toc))
        return self

    def module(self, name: str, source: str) -> None:
        file = self.root / "augfpn" / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(textwrap.dedent(source))

    def chapter(self, name: str, code: str, text: str = "As first written.") -> None:
        """Write a chapter: prose, a cell of code whose figure has a caption, more prose."""
        cells = [
            nbformat.v4.new_markdown_cell(f"# {name}\n\n{text}", id="title"),
            nbformat.v4.new_code_cell(code, id="code", metadata={"caption": text}),
        ]
        notebook = nbformat.v4.new_notebook(cells=cells)
        nbformat.write(notebook, self.root / "book" / f"{name}.ipynb")

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *words]
        where = self.root / "book"
        return subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)

    def build(self) -> Ran:
        done = self.python("build.py", "--execute-only", "--jobs", "2")
        lines = [line.split(": ") for line in done.stdout.splitlines()]
        return Ran(done.returncode, dict(lines), done.stderr)

    def keys(self) -> dict[str, str]:
        """The key of each chapter; a chapter whose key changes is executed again."""
        done = self.python("-c", KEYS)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def printed(self) -> dict[str, str]:
        """The output that is kept of each chapter; fails if several are kept of one."""
        files = {file.name.rpartition("-")[0]: file for file in self.kept.iterdir()}
        assert len(files) == len(list(self.kept.iterdir()))
        return {name: output(nbformat.read(file, as_version=4)) for name, file in files.items()}


def output(notebook: NotebookNode) -> str:
    (cell,) = (cell for cell in notebook.cells if cell.cell_type == "code")
    return "".join(each.text for each in cell.outputs).strip()


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """The repository after its first build."""
    small = Small(tmp_path_factory.mktemp("first")).make()
    assert small.build() == (0, dict.fromkeys(CODE, "executed"), "")
    return small


@pytest.fixture
def small(first: Small, tmp_path: Path) -> Small:
    """A copy of it, to change."""
    shutil.copytree(first.root, tmp_path / "small")
    return Small(tmp_path / "small")


# --- what is executed anew ------------------------------------------------------------------------


def test_the_first_build_executes_all(first: Small) -> None:
    assert first.printed() == FRESH


def test_prose_and_modules_that_no_chapter_uses_execute_nothing_and_prose_is_shown(
    small: Small,
) -> None:
    small.module("geometry/unused", "VALUE = 2")
    # A file that Python leaves beside a module while it compiles it is not part of the package.
    cache = small.root / "augfpn" / "geometry" / "__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "boxes.cpython-311.pyc.140").write_bytes(b"half")
    for name, code in CODE.items():
        small.chapter(name, code, "In other words.")
    assert small.build() == (0, dict.fromkeys(CODE, "unchanged"), "")
    done = small.python("-c", WRITE_SOURCE)
    assert done.returncode == 0, done.stderr
    for name, printed in FRESH.items():
        seen = nbformat.read(small.root / "_build/source/book" / f"{name}.ipynb", as_version=4)
        assert seen.cells[0].source == f"# {name}\n\nIn other words."
        assert seen.cells[1].metadata["caption"] == "In other words."
        assert output(seen) == printed


def test_code_and_functions_behind_what_is_imported_execute_their_chapters_only(
    small: Small,
) -> None:
    """Each of two chapters has one change; `printed` fails if an old output is still kept."""
    small.chapter("plain", 'print("by", 6 * 9)')
    small.module("support/roots", PACKAGE["support/roots"].replace("x**0.5", "-(x**0.5)"))
    assert small.build().executed == {"plain", "boxes"}
    assert small.printed() == FRESH | {"plain": "by 54", "boxes": "side -5.0"}


def test_a_record_executes_only_chapters_that_read_records(small: Small) -> None:
    (small.root / "experiments" / "records" / "second.json").write_text("two")
    assert small.build().executed == {"recorded"}
    assert small.printed() == FRESH | {"recorded": "['one', 'two']"}


def test_requirements_execute_all(small: Small) -> None:
    before = small.keys()
    with (small.root / "requirements.txt").open("a") as file:
        file.write("another==1.0\n")
    assert {name for name, key in small.keys().items() if key != before[name]} == set(CODE)


@pytest.mark.parametrize(
    "code",
    [
        "from augfpn import AUGFPN",
        "from augfpn import *",
        "import augfpn\naugfpn.AUGFPN",
        "import augfpn as book\nbook.AUGFPN",
        "import augfpn.config as settings",
        "if True:\n    %pip install something\nfrom augfpn.config import AUGFPN",
        "from importlib import import_module\nimport_module('augfpn.config')",
        "!augfpn recipes",
    ],
)
def test_every_way_to_use_a_module_counts(dependencies: ModuleType, code: str) -> None:
    assert ROOT / "augfpn" / "config.py" in dependencies.files_of([code])


# --- chapters that fail ---------------------------------------------------------------------------


def test_chapters_that_fail_are_all_named_and_the_others_are_done(small: Small) -> None:
    small.chapter("no_python", "print(")
    small.chapter("plain", "import os\nprint('half')\nos._exit(1)")  # as without memory
    small.chapter("boxes", f"{CODE['boxes']}\nraise ValueError('no such box')")
    small.chapter("recorded", "print('done')")
    ran = small.build()
    assert ran.status == 1
    assert ran.happened == {"recorded": "executed"}
    assert "Traceback" not in ran.errors
    named = [line.split(": ") for line in ran.errors.splitlines() if "does not run" in line]
    assert [who for who, *_ in named] == [
        f"{name}.ipynb does not run" for name in ("no_python", "plain", "boxes")
    ]
    assert [what for _, what, *_ in named] == ["SyntaxError", "DeadKernelError", "ValueError"]
    assert named[2][2] == "no such box"
    assert small.printed() == FRESH | {"recorded": "done"}


def test_what_the_process_of_a_kernel_says_is_no_error_of_the_book(small: Small) -> None:
    """On a busy machine it may print a traceback of its own as it ends."""
    own = "any('ipykernel' in word for word in sys.orig_argv)"
    code = f"import os, sys\nif {own}:\n    os.write(2, b'Traceback: not a socket')\n"
    (small.root / "sitecustomize.py").write_text(code)
    small.chapter("plain", "print('all')")
    ran = small.build()
    assert (ran.status, ran.errors) == (0, "")
    assert small.printed()["plain"] == "all"
