"""Which room of the package may import which others, anywhere in its source.

`ROOMS` begins with the lowest rooms: a room may import only rooms that are listed before it, so
that no import points upward and no two rooms import each other. The modules of a room may import
each other, but not in a circle.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "augfpn"
ROOMS = {
    "errors": "",
    "config": "",
    "pyramid": "",
    "support": "errors",
    "settings": "errors config",
    "notebook": "errors config support settings",
    "record_files": "config",
    "records": "errors config support settings record_files",
    "data": "errors config support",
    "speed": "pyramid",
    "detectors": "errors config pyramid settings speed",
    "training": "errors config pyramid support settings records data speed detectors",
    "figures": "support data records",
    "diagnostics": "errors config pyramid support records data detectors training",
    "deploy": "errors pyramid support data speed detectors training figures",
    "study": (
        "errors config support settings records data speed detectors training figures diagnostics "
        "deploy"
    ),
    "cli": (
        "errors config support settings records data detectors training diagnostics deploy study"
    ),
}
STUDY = ("running", "uncertainty", "ledger", "", "results")  # its rooms, the lowest first
WITHOUT_TORCH = (
    *("augfpn.config", "augfpn.records", "augfpn.notebook", "augfpn.cli.program"),
    *("augfpn.settings.recipes", "augfpn.settings.experiment", "augfpn.settings.paper"),
    *(
        "augfpn.study.running.grid",
        "augfpn.study.running.recorded",
        "augfpn.study.uncertainty.ap_lists",
        "augfpn.data.load",
        "augfpn.data.scenes.scene",
    ),
)


def modules(package: Path) -> dict[str, Path]:
    """The package's modules by their names below it: "data.scenes.scene"; "" is the package."""
    found = {}
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports(file: Path, package: str, known: dict[str, Path]) -> Iterator[str]:
    """The modules of the package that a file imports, anywhere in it, by their names below it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports name the package, and are not relative"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            first, _, below = name.partition(".")
            if first == package:  # the module itself, or a name in it
                yield below if below in known else below.rpartition(".")[0]


def arrows(package: Path) -> set[tuple[str, str]]:
    """Pairs of modules: the first imports the second. Lazy imports of __init__ do not count."""
    known = modules(package)
    return {
        (name, other)
        for name, file in known.items()
        for other in imports(file, package.name, known)
        if other not in ("", name)
    }


def faults(package: Path, rooms: dict[str, str] = ROOMS) -> list[str]:
    """A sentence for each forbidden import, each room that is not in the table, each circle."""
    order = list(rooms)
    upward = [
        f"the table lets {room} import {other}, which is not below it"
        for room, allowed in rooms.items()
        for other in allowed.split()
        if other not in order[: order.index(room)]
    ]
    there = {name.partition(".")[0] for name in modules(package)} - {""}
    unknown = [f"{room} is in the package and not in the table" for room in there - set(rooms)]
    gone = [f"{room} is in the table and not in the package" for room in set(rooms) - there]
    wrong = [
        f"{name} imports {other}: the table does not let {start} import {end}"
        for name, other in sorted(arrows(package))
        if (start := name.partition(".")[0]) != (end := other.partition(".")[0])
        and end not in rooms.get(start, "").split()
    ]
    return [*upward, *sorted(unknown), *sorted(gone), *wrong, *circles(package)]


def circles(package: Path) -> list[str]:
    """A sentence for a circle of modules."""
    below: dict[str, set[str]] = {}
    for name, other in arrows(package):
        below.setdefault(name, set()).add(other)
    try:
        TopologicalSorter(below).prepare()
    except CycleError as error:
        return [f"modules import each other in a circle: {' <- '.join(error.args[1])}"]
    return []


def test_rooms_import_what_the_table_lets_them() -> None:
    assert faults(PACKAGE) == []


def test_rooms_of_the_study_import_downward() -> None:
    """What lies in the study's own folder is one room, with the benchmark, which measures it."""

    def floor(name: str) -> int:
        _, *room, _ = name.split(".")
        return STUDY.index(room[0] if room and room[0] != "bench" else "")

    inner = [arrow for arrow in arrows(PACKAGE) if all(x.startswith("study.") for x in arrow)]
    assert {floor(name) for name, _ in inner} == {*range(len(STUDY))}
    assert [arrow for arrow in sorted(inner) if floor(arrow[0]) < floor(arrow[1])] == []


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_these_modules_are_imported_without_torch(module: str) -> None:
    """So that arguments are checked and records found before the seconds that torch takes."""
    code = f"import sys, {module}; print([n for n in ('torch', 'matplotlib') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["augfpn.study.evidence", "augfpn.study.tables"])
def test_tables_of_records_need_no_torch(module: str) -> None:
    """So that records can be looked at where torch is missing or broken."""
    # scipy takes a torch that is None for one that is there, so it is imported before.
    code = f"import sys, scipy.stats; sys.modules['torch'] = None; import {module}"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- the test itself ------------------------------------------------------------------------------


SMALL = {"ground": "", "above": "ground"}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A package of two rooms without faults."""
    for room in SMALL:
        (tmp_path / "house" / room).mkdir(parents=True)
        (tmp_path / "house" / room / "__init__.py").touch()
    (tmp_path / "house" / "__init__.py").touch()
    (tmp_path / "house/ground/stone.py").write_text("WEIGHT = 1\n")
    (tmp_path / "house/above/roof.py").write_text("from house.ground.stone import WEIGHT\n")
    return tmp_path / "house"


def test_a_house_that_is_right_has_no_faults(house: Path) -> None:
    assert faults(house, SMALL) == []
    assert arrows(house) == {("above.roof", "ground.stone")}


@pytest.mark.parametrize(
    "line",
    [
        "from house.above import roof",
        "import house.above.roof",
        "def later():\n    from house.above.roof import WEIGHT",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.above import roof",
    ],
)
def test_an_upward_arrow_is_found_wherever_it_stands(house: Path, line: str) -> None:
    (house / "ground/sand.py").write_text(line + "\n")
    assert faults(house, SMALL) == [
        "ground.sand imports above.roof: the table does not let ground import above"
    ]


def test_a_table_that_points_upward_is_wrong_itself(house: Path) -> None:
    assert faults(house, {"ground": "above", "above": "ground"}) == [
        "the table lets ground import above, which is not below it"
    ]


def test_a_room_that_nobody_knows_and_one_that_is_gone_are_named(house: Path) -> None:
    (house / "attic.py").touch()
    assert faults(house, SMALL | {"cellar": ""}) == [
        "attic is in the package and not in the table",
        "cellar is in the table and not in the package",
    ]


def test_a_circle_within_a_room_is_named(house: Path) -> None:
    (house / "ground/sand.py").write_text("def later():\n    from house.ground import water\n")
    (house / "ground/water.py").write_text("from house.ground.sand import later\n")
    (only,) = faults(house, SMALL)
    assert "ground.sand" in only
    assert "ground.water" in only
