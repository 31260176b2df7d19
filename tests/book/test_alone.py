"""Each chapter alone, as on Colab: torch is there, the package and this repository are not.

The environment has those of the package's dependencies that Colab has, and nothing else; a
chapter's first cell installs the rest. Making the environment takes seconds with uv's cache, and
5 GB of downloads without it. All chapters take about a quarter of an hour on two CPU cores.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))
THERE = ("torch", "torchvision", "numpy")  # a chapter must not change their versions
JUPYTER = ("ipykernel", "matplotlib-inline", "pip")
MOST_SECONDS = 300  # for a chapter, with the installation of the package
CELL_SECONDS = 600
VERSIONS = f"""\
from importlib.metadata import version
versions = {{name: version(name) for name in {THERE}}}
"""
LAST_CELL = f"""\
import json
import os
import sys
{VERSIONS}
files = {{name: str(getattr(module, "__file__", "")) for name, module in sys.modules.items()}}
worked = sum(os.times()[:4])  # of processors, with the programs that it started
print(json.dumps({{"files": files, "versions": versions, "worked": worked}}))
"""

pytestmark = [pytest.mark.book, pytest.mark.slow, pytest.mark.timeout(1800)]


def run(*command: str | Path) -> str:
    """What a command prints. If it fails, the test fails with its error output."""
    told = [str(word) for word in command]
    done = subprocess.run(told, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(told)}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of this checkout as pip would get it."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The Python of an environment that has torch at the pinned version, but not the package."""
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip(f"an empty environment needs uv at {uv}, which `make setup` puts there")
    home = tmp_path_factory.mktemp("colab") / "env"
    run(uv, "venv", "--quiet", "--python", sys.executable, home)
    pinned = ("--constraint", ROOT / "requirements.txt")
    run(uv, "pip", "install", "--quiet", "--python", home, *pinned, *THERE, *JUPYTER)
    yield home / "bin" / "python"
    shutil.rmtree(home)  # pytest keeps the folders of several runs


@pytest.fixture(scope="module")
def versions(python: Path) -> dict[str, str]:
    """The versions that are installed before any chapter has run."""
    return json.loads(run(python, "-c", f"import json\n{VERSIONS}\nprint(json.dumps(versions))"))


@pytest.fixture
def kernel(python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a kernel in that environment, without the package that a chapter installed."""
    run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "augfpn")
    spec = {"argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]}
    file = tmp_path / "jupyter" / "kernels" / "alone" / "kernel.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(spec | {"display_name": "alone", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    return "alone"


def execute(notebook: NotebookNode, kernel: str, folder: Path, wheel: Path, python: Path) -> float:
    """Run a notebook in a folder of its own; returns seconds. Nothing points to the checkout."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["PATH"] = f"{python.parent}{os.pathsep}{environment['PATH']}"
    # One thread: several would spin while they wait for each other, and count as processor time.
    environment |= {"AUGFPN_SOURCE": str(wheel), "OMP_NUM_THREADS": "1"}
    where = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, kernel_name=kernel, timeout=CELL_SECONDS, resources=where)
    began = time.monotonic()
    client.execute(env=environment)
    return time.monotonic() - began


def said(cell: NotebookNode) -> str:
    """What a cell prints, with its error output."""
    return "".join(each.text for each in cell.outputs if each.output_type == "stream")


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_runs_alone_where_the_package_is_not_installed(
    chapter: Path,
    kernel: str,
    python: Path,
    versions: dict[str, str],
    wheel: Path,
    dependencies: ModuleType,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "alone"
    folder.mkdir()
    notebook = nbformat.read(shutil.copy(chapter, folder), as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(LAST_CELL))
    seconds = execute(notebook, kernel, folder, wheel, python)

    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert "error" not in said(code[0]).lower()  # magics complain without failing
    shown = [each for cell in code for each in cell.outputs if "data" in each]
    assert any("image/svg+xml" in each.data for each in shown)
    found = json.loads(said(code[-1]))
    print(f"{chapter.stem}: {seconds:.0f} s, {found['worked']:.0f} s of processors")
    assert found["versions"] == versions
    assert found["files"]["augfpn"].startswith(str(python.parents[1]))
    assert not [file for file in found["files"].values() if file.startswith(f"{ROOT}{os.sep}")]
    # The modules that Python has loaded must all be part of the key of the chapter's outputs.
    used = {dependencies.module_file(name) for name in found["files"] if name.startswith("augfpn")}
    assert used <= dependencies.files_of(dependencies.code_of(chapter))
    # On a busy machine a chapter waits, so its processor time may be the better measure.
    assert min(seconds, found["worked"]) < MOST_SECONDS
