"""The files around the package agree with each other and contain nothing that they should not."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
ASKED = [Requirement(line) for part in (PROJECT["dependencies"], *EXTRAS.values()) for line in part]

# Written in parts, so that this file does not name what it forbids.
REGISTRIES = [
    ".".join(parts)
    for parts in [("pypi", "org"), ("pythonhosted", "org"), ("anaconda", "org"), ("npmjs", "org")]
] + ["/".join(("download.pytorch.org", "whl"))]
ADDRESS_OPTIONS = ["--" + option for option in ("index-url", "extra-index-url", "find-links")]
LOCK_FILES = {"uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "conda-lock.yml"}


def git(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *args], cwd=ROOT, capture_output=True, text=True, check=False)


def make(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    # An outer make (make test) must not pass on its flags.
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *args], cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """Every file that git holds, or would hold after the next `git add`."""
    listed = git("ls-files", "--cached", "--others", "--exclude-standard", "-z")
    if listed.returncode:
        pytest.skip("this is not a git checkout, so there is no list of its files")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def notebooks(files: list[Path]) -> list[Path]:
    return [path for path in files if path.suffix == ".ipynb"]


# --- the three lists of dependencies --------------------------------------------------------------


def test_conda_environment_repeats_pyproject() -> None:
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (by_pip,) = (each["pip"] for each in entries if isinstance(each, dict))
    of_pip = [line for line in by_pip if not line.startswith("-e")]  # what conda-forge lacks
    conda = [Requirement(line) for line in entries if isinstance(line, str)]
    conda += map(Requirement, of_pip)
    found = {{"pytorch": "torch"}.get(r.name, r.name): str(r.specifier) for r in conda}
    assert found.pop("python") == PROJECT["requires-python"]
    found.pop("pip")
    assert found == {r.name: str(r.specifier) for r in ASKED}
    assert by_pip[-1] == f"-e .[{','.join(EXTRAS)}]"


def test_requirements_pin_all_that_pyproject_asks_for() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    versions: dict[str, list[str]] = {}
    for pin in pins:
        (only,) = pin.specifier
        assert only.operator == "==", f"{pin} is not pinned"
        assert pin.url is None, f"{pin} names an address"
        versions.setdefault(canonicalize_name(pin.name), []).append(only.version)
    for asked in ASKED:
        pinned = versions.get(canonicalize_name(asked.name), [])
        assert pinned, f"{asked.name} is not pinned: run make lock"
        assert all(asked.specifier.contains(v) for v in pinned), f"{asked} has {pinned}: make lock"


def test_pinned_torch_is_the_ordinary_build() -> None:
    """A +cpu build of torch comes with a torchvision whose operators are missing."""
    text = (ROOT / "requirements.txt").read_text()
    assert "://" not in text
    assert re.search(r"^torch==\d+\.\d+\.\d+$", text, re.MULTILINE)
    assert re.search(r"^nvidia-cublas==.*linux", text, re.MULTILINE)


def test_makefile_installs_every_extra() -> None:
    assert f"-e '.[{','.join(EXTRAS)}]'" in (ROOT / "Makefile").read_text()


# --- what git holds -------------------------------------------------------------------------------


def test_no_file_names_a_registry(files: list[Path]) -> None:
    forbidden = re.compile("|".join(map(re.escape, REGISTRIES + ADDRESS_OPTIONS)))
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in files
        if (match := forbidden.search(path.read_text(errors="ignore")))
    ]
    assert not found
    assert not [path for path in files if path.name in LOCK_FILES]


@pytest.mark.parametrize(
    "name", ["runs/out.ipynb", ".venv/x", "_build/html/x", "augfpn.egg-info/x"]
)
def test_git_ignores(name: str, files: list[Path]) -> None:
    assert git("check-ignore", "-q", name).returncode == 0


@pytest.mark.parametrize("name", ["augfpn/data/scenes/scene.py", "experiments/records/one.json"])
def test_git_does_not_ignore(name: str, files: list[Path]) -> None:
    assert git("check-ignore", "-q", name).returncode == 1


def test_notebooks_hold_no_outputs(notebooks: list[Path]) -> None:
    cells = [(p.name, c) for p in notebooks for c in json.loads(p.read_text())["cells"]]
    code = [(name, cell) for name, cell in cells if cell["cell_type"] == "code"]
    assert not {name for name, cell in code if cell["outputs"] or cell["execution_count"]}


def test_notebooks_are_formatted(notebooks: list[Path]) -> None:
    if importlib.util.find_spec("ruff") is None:
        pytest.skip("ruff is not installed")
    assert notebooks
    command = [sys.executable, "-m", "ruff", "format", "--check", *map(str, notebooks)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


# --- the commands that readers and machines run ---------------------------------------------------


def test_every_make_command_that_we_print_exists() -> None:
    listed = set(re.findall(r"^make (\w+)", make("help", cwd=ROOT).stdout, re.MULTILINE))
    assert listed >= {"help", "setup", "ablation", "test", "lint", "book", "lock", "clean"}
    for name in ("README.md", ".ci/run", ".github/workflows/ci.yml"):
        text = (ROOT / name).read_text()
        named = set(re.findall(r"(?:^|`|run: )make (\w+)", text, re.MULTILINE))
        assert named, f"{name} names no make command"
        assert named <= listed, f"{name} names {named - listed}, which the Makefile lacks"


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("exit 127", "There is no ./python here"),
        ('case "$2" in *version_info*) exit 1;; esac', "augfpn needs Python >= 3.11"),
        ('case "$2" in *ensurepip*) exit 1;; esac', "./python cannot make environments"),
    ],
    ids=["missing", "too old", "without venv"],
)
def test_unfit_python_is_refused_in_one_sentence(
    script: str, sentence: str, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    for name in ("Makefile", "pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    done = make("setup", "PYTHON=./python", cwd=tmp_path)
    said, from_make = done.stderr.splitlines()
    assert said.startswith(sentence)
    assert from_make.startswith("make")
    assert done.returncode == 2
    assert not (tmp_path / ".venv").exists()


@pytest.fixture(scope="module")
def jobs() -> dict[str, dict]:
    """What continuous integration does."""
    return yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]


def test_every_python_that_we_promise_is_tested(jobs: dict[str, dict]) -> None:
    said = " ".join(PROJECT["classifiers"])
    promised = re.findall(r"Python :: (3\.\d+)", said)
    assert jobs["test"]["strategy"]["matrix"]["python"] == promised
    assert PROJECT["requires-python"] == f">={promised[0]}"


def test_only_what_passed_every_other_job_is_published(jobs: dict[str, dict]) -> None:
    assert set(jobs["publish"]["needs"]) == jobs.keys() - {"publish"}
    tested = {step.get("run") for name in jobs["publish"]["needs"] for step in jobs[name]["steps"]}
    assert {"make lint", "make test", 'make test ARGS="-m book"'} <= tested


def test_our_own_machines_run_the_tests_too() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)


# --- who we are, and what we ship -----------------------------------------------------------------


def test_one_address_one_version_one_licence() -> None:
    book = yaml.safe_load((ROOT / "_config.yml").read_text())
    cite = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    urls = PROJECT["urls"]
    assert urls["Source"] == cite["repository-code"] == book["repository"]["url"]
    assert urls["Book"] == cite["url"] == book["html"]["baseurl"]
    assert cite["version"] == PROJECT["version"]
    assert cite["license"] == PROJECT["license"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in (ROOT / "LICENSE").read_text()


def test_citation_names_the_paper() -> None:
    (paper,) = yaml.safe_load((ROOT / "CITATION.cff").read_text())["references"]
    authors = [f"{a['given-names']} {a['family-names']}" for a in paper["authors"]]
    assert authors == ["Chaoxu Guo", "Bin Fan", "Qian Zhang", "Shiming Xiang", "Chunhong Pan"]
    assert paper["title"].startswith("AugFPN: Improving Multi-scale Feature Learning")
    assert (paper["year"], paper["identifiers"][0]["value"]) == (2020, "arXiv:1912.05384")


def test_the_citation_on_the_page_is_that_of_the_file() -> None:
    cite = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    (paper,) = cite["references"]
    page = (ROOT / "book" / "reproducibility.md").read_text()
    authors = " and ".join(f"{a['family-names']}, {a['given-names']}" for a in paper["authors"])
    said = (cite["title"], cite["authors"][0]["name"], cite["version"], cite["url"])
    for each in (*said, paper["title"], authors, str(paper["year"])):
        assert f"{{{each}}}" in page


def committed(folder: str) -> list[str]:
    """The files that git holds in a folder, relative to it."""
    listed = git("ls-files", "-z", folder)
    if listed.returncode:
        pytest.skip("this is not a git checkout, so there is no list of its files")
    return [name.removeprefix(f"{folder}/") for name in listed.stdout.split("\0") if name]


def test_wheel_ships_records_and_tables(tmp_path: Path) -> None:
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    records = {f"augfpn/_records/{path}" for path in committed("experiments/records")}
    assert {path.rpartition("/")[2] for path in records} >= {"result.json", "weights.pt"}
    assert inside >= records | {"augfpn/__init__.py", "augfpn/settings/paper_tables.json"}
    assert not [name for name in inside if name.startswith(("tests/", "experiments/"))]
