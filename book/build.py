"""Execute the chapters whose code, package, requirements or records have changed; build the book.

    python book/build.py                 all of it, into _build/html
    python book/build.py --execute-only  only the chapters, into _build/executed
    python book/build.py --colab-only    only the chapters as Colab shows them, into _build/colab

A chapter's outputs are kept under a key, a hash of everything that they depend on
(`dependencies.py`). A chapter's prose is not part of the key, so a change of the text executes
nothing. Outputs that are out of date are never shown.

Jupyter Book then builds from a copy in _build/source, in which chapters have their outputs.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import colab
import dependencies
import finish
import nbformat
import outputs
import pages
import run_times
import slides
import yaml
from dependencies import BOOK, PACKAGE, ROOT, VERSIONS
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

BUILD = ROOT / "_build"
EXECUTED, SOURCE, COLAB = BUILD / "executed", BUILD / "source", BUILD / "colab"
CELL_SECONDS = 600
COLAB_ADDRESS = "https://colab.research.google.com/github/augfpn-book/augfpn"
QUIET = {"OMP_NUM_THREADS": "1", "AUGFPN_PROGRESS": "off"}
COPIED = ("*.md", "*.bib", "*.yml", "_static", "figures", "examples", "extra")


class Failed(Exception):
    """Raised if a chapter's code does not run; the message names the chapter."""


# --- execution ------------------------------------------------------------------------------------


class Executed(NamedTuple):
    """A chapter, the file with its outputs, and whether they were made just now."""

    chapter: Path
    file: Path
    fresh: bool


def executed(chapter: Path) -> Executed:
    """A chapter with its outputs; it is executed unless they are kept. Raises ``Failed``."""
    file = EXECUTED / f"{chapter.stem}-{dependencies.key_of(chapter)}.ipynb"
    if file.exists():
        return Executed(chapter, file, False)
    notebook = run(chapter)
    EXECUTED.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(f".{os.getpid()}")
    nbformat.write(notebook, partial)
    partial.replace(file)
    for old in EXECUTED.glob(f"{chapter.stem}-{'?' * 16}.ipynb"):
        if old != file:
            old.unlink()
    return Executed(chapter, file, True)


def run(chapter: Path, **variables: str) -> NotebookNode:
    """Execute a chapter; ``variables`` are of its environment. Raises ``Failed``."""
    notebook = nbformat.read(chapter, as_version=4)
    began = time.monotonic()
    # The package of this checkout is used, even if another one is installed.
    # Each chapter has one thread, because chapters run in parallel.
    environment = os.environ | QUIET | {"PYTHONPATH": str(ROOT)} | variables
    folder = {"metadata": {"path": str(chapter.parent)}}
    settings = {"timeout": CELL_SECONDS, "extra_arguments": ["--log-level=ERROR"]}
    client = NotebookClient(notebook, resources=folder, **settings)
    try:  # on a busy machine the kernel's process may complain as it ends, which is no fault
        client.execute(env=environment, stderr=subprocess.DEVNULL)
    except CellExecutionError as error:
        raise Failed(f"{chapter.name} does not run: {error.ename}: {error.evalue}") from None
    notebook.metadata["augfpn"] = {"seconds": round(time.monotonic() - began, 1)} | machine()
    return notebook


def machine() -> dict[str, str]:
    """The day, the machine and the versions that a chapter is executed with."""
    sys.path.insert(0, str(ROOT))
    from augfpn.support.machine import cpu_name

    day = datetime.now(UTC).date().isoformat()
    versions = ", ".join(f"{name} {version(name)}" for name in VERSIONS[:2])
    return {
        "day": day,
        "machine": cpu_name(),
        "versions": f"Python {platform.python_version()}, {versions}",
    }


def execute_all(jobs: int) -> list[Executed]:
    """All chapters, several at once. Raises ``Failed``, which names all that do not run."""
    done, failed = [], []
    with ProcessPoolExecutor(jobs) as pool:
        for chapter, future in [
            (each, pool.submit(executed, each)) for each in dependencies.chapters()
        ]:
            try:
                done.append(future.result())
                note = "executed" if done[-1].fresh else "unchanged"
                print(f"{chapter.stem}: {note}", flush=True)
            except Failed as error:
                failed.append(str(error))
            except Exception as error:  # not Python, or a kernel that dies, hangs or never starts
                failed.append(f"{chapter.name} does not run: {type(error).__name__}: {error}")
    if failed:
        raise Failed("\n".join(failed))
    return done


# --- the copy that Jupyter Book sees --------------------------------------------------------------


def with_outputs(chapter: Path, file: Path) -> NotebookNode:
    """A chapter as it is now, with kept outputs. Raises ``Failed`` if its code has changed."""
    notebook, kept = (nbformat.read(path, as_version=4) for path in (chapter, file))
    code = [[c for c in each.cells if c.cell_type == "code"] for each in (notebook, kept)]
    now, then = ([cell.source for cell in cells] for cells in code)
    if now != then:
        raise Failed(f"{chapter.name} was changed while it was executed: build again.")
    for cell, old in zip(*code, strict=True):
        cell.outputs, cell.execution_count = old.outputs, old.execution_count
    notebook.metadata["augfpn"] = kept.metadata["augfpn"]
    return notebook


def write_source(done: Iterable[Executed]) -> None:
    """Write the book's files, chapters with outputs, and what they include into _build/source.

    A file that is as before keeps its time, so that Sphinx reads again only what has changed.
    """
    new = SOURCE.with_name("source.new")
    shutil.rmtree(new, ignore_errors=True)
    target = new / "book"
    target.mkdir(parents=True)
    for pattern in COPIED:
        for path in BOOK.glob(pattern):
            copy = shutil.copytree if path.is_dir() else shutil.copy2
            copy(path, target / path.name)
    (new / "augfpn").symlink_to(PACKAGE)  # the pages show its code
    notebooks = {each.chapter.stem: with_outputs(each.chapter, each.file) for each in done}
    for name, notebook in notebooks.items():
        outputs.caption_tables(notebook)
        outputs.cut_paths(notebook, ROOT)
        outputs.quiet_set_up(notebook)
        nbformat.write(notebook, target / f"{name}.ipynb")
    write_api(target)
    if slides.SLIDES.is_file():
        slides.write(target / "extra")  # what lies there comes into the site as it is
    made = {"timed on": run_times.timed_on(), "executed on": run_times.executed_on(notebooks)}
    made |= {"run times": run_times.table(notebooks), "rooms": pages.rooms(PACKAGE)}
    if (target / "options.md").is_file():
        made |= tables_of_options()
    made["experiments"] = colab.table(experiments(), COLAB_ADDRESS)
    for page in target.glob("*.md"):
        page.write_text(pages.fill(page.read_text(), made))
    for file in (each for each in target.rglob("*") if each.is_file()):
        old = SOURCE / file.relative_to(new)
        if old.is_file() and old.read_bytes() == file.read_bytes():
            shutil.copystat(old, file)
    shutil.rmtree(SOURCE, ignore_errors=True)
    new.rename(SOURCE)


def tables_of_options() -> dict[str, str]:
    """The tables of commands and options, from the package of this checkout."""
    sys.path.insert(0, str(ROOT))
    import option_tables

    return option_tables.made()


def write_api(target: Path) -> None:
    """Write a page for each room of the package, and list it in the table of contents."""
    made = pages.api(PACKAGE)
    (target / "api").mkdir()
    for room, text in made.items():
        (target / "api" / f"{room}.md").write_text(text)
    contents = yaml.safe_load((target / "_toc.yml").read_text())
    for chapter in (each for part in contents["parts"] for each in part["chapters"]):
        if chapter["file"] == "api":
            chapter["sections"] = [{"file": f"api/{room}"} for room in made]
    (target / "_toc.yml").write_text(yaml.safe_dump(contents, sort_keys=False))


def write_colab() -> None:
    """Write all chapters in plain Markdown, and the experiments, for Colab into _build/colab."""
    settings = yaml.safe_load((ROOT / "_config.yml").read_text())
    site, url = settings["html"]["baseurl"], settings["repository"]["url"]
    raw = f"{url.replace('github.com', 'raw.githubusercontent.com')}/main/"
    (COLAB / "experiments").mkdir(parents=True, exist_ok=True)
    for chapter in dependencies.chapters():
        notebook = pages.for_colab(nbformat.read(chapter, as_version=4), ROOT, site, raw)
        nbformat.write(colab.with_gpu(notebook), COLAB / chapter.name)
        set_up = dependencies.code_of(chapter)[0]  # the same in every chapter
    for name, notebook in experiments().items():
        nbformat.write(colab.experiment(notebook, set_up), COLAB / "experiments" / f"{name}.ipynb")


def experiments() -> dict[str, NotebookNode]:
    """The notebooks of experiments/ by their names."""
    files = sorted((ROOT / "experiments").glob("*.ipynb"))
    return {file.stem: nbformat.read(file, as_version=4) for file in files}


def build_html(extra: list[str]) -> int:
    """Run Jupyter Book, with warnings as errors, on _build/source; returns its exit status.

    Only pages that have changed are read again if the last build ended well with the same settings
    and programs; after a build with warnings all are, so that each warning is seen again.
    """
    settings = [ROOT / "_config.yml", ROOT / "requirements.txt", BOOK / "_toc.yml"]
    now = dependencies.digest([*settings, *BOOK.glob("*.py"), *BOOK.glob("*.bib")])
    stamp = BUILD / "built-with"
    changed = not stamp.is_file() or stamp.read_text() != now
    stamp.unlink(missing_ok=True)
    program = Path(sys.executable).with_name("jupyter-book")
    where = ["--config", str(ROOT / "_config.yml"), "--path-output", str(ROOT)]
    strict = [*(["--all"] if changed else []), "-n", "-W", "--keep-going"]
    command = [str(program), "build", str(SOURCE / "book"), *where, *strict, *extra]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    finish.finish(BUILD / "html")
    if status == 0:
        stamp.write_text(now)
    return status


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="chapters at once")
    parser.add_argument("--execute-only", action="store_true", help="build no pages")
    parser.add_argument("--colab-only", action="store_true", help="execute and build nothing")
    chosen, extra = parser.parse_known_args()
    try:
        write_colab()
        if chosen.colab_only:
            return 0
        done = execute_all(chosen.jobs)
        if not chosen.execute_only:
            write_source(done)
    except (Failed, pages.Missing) as error:
        print(error, file=sys.stderr)
        return 1
    return 0 if chosen.execute_only else build_html(extra)


if __name__ == "__main__":
    sys.exit(main())
