"""Records with values of a wrong type, of newer versions, of other installations: one sentence."""

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from augfpn import records
from augfpn.diagnostics.numbers import diagnostic_numbers
from augfpn.errors import UserError
from augfpn.study.running import recorded

MEASURED = next(
    file.parent for file in sorted(records.COMMITTED[1].glob("scenes-laptop-*/diagnostics.json"))
)
DEEP = "[" * 100_000


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A record, to be damaged."""
    return shutil.copytree(MEASURED, tmp_path / "copy", ignore=shutil.ignore_patterns("weights*"))


def change(folder: Path, name: str, keys: str, value: object) -> None:
    """Give a file's value under some keys, as in "a.b.0", another value."""
    content = json.loads((folder / name).read_text())
    *path, last = keys.split(".")
    inner: Any = content
    for key in path:
        inner = inner[int(key) if isinstance(inner, list) else key]
    inner[int(last) if isinstance(inner, list) else last] = value
    (folder / name).write_text(json.dumps(content))


WRONG = [
    ("result.json", "AP", "0.5", "AP"),
    ("result.json", "AP", [0.5], "AP"),
    ("result.json", "AP", 51.5, "AP"),
    ("result.json", "AP", float("nan"), "AP"),
    ("result.json", "by_class", [0.5, 0.5], "by_class"),
    ("result.json", "by_class", {"disk": "good"}, "by_class.disk"),
    ("result.json", "by_class", None, "by_class"),
    ("result.json", "pictures", 800, "pictures"),
    ("result.json", "pictures.train", "800", "pictures.train"),
    ("result.json", "steps", 1.5, "steps"),
    ("result.json", "seconds", None, "seconds"),
    ("result.json", "seconds", True, "seconds"),
    ("result.json", "memory_mb", {"cpu": 1}, "memory_mb"),
    ("result.json", "mask", {"AP": 0.5}, "mask.by_class"),
    ("environment.json", "versions", "2.0", "versions"),
    ("environment.json", "versions.torch", 2.0, "versions.torch"),
    ("environment.json", "commit", 12, "commit"),
    ("environment.json", "device_name", None, "device_name"),
    ("settings.json", "experiment", [], "experiment"),
    ("settings.json", "experiment.seed", "0", "experiment.seed"),
    ("settings.json", "experiment.model", None, "experiment.model"),
    ("settings.json", "experiment.model.channels", "64", "experiment.model.channels"),
    ("settings.json", "experiment.model.ratios", {"0": 0.1}, "experiment.model.ratios"),
    ("settings.json", "experiment.train.lr", [1], "experiment.train.lr"),
    ("settings.json", "experiment.data.train_scenes", 10**12, "experiment.data.train_scenes"),
    ("settings.json", "experiment.data.scene_size", [10**9, 10], "experiment.data.scene_size"),
    ("settings.json", "fingerprints", "abc", "fingerprints"),
    ("settings.json", "fingerprints.test", None, "fingerprints.test"),
    ("settings.json", "classes", "disk", "classes"),
    ("settings.json", "classes", [1, 2], "classes.0"),
    ("settings.json", "classes", [], "classes"),
    ("settings.json", "report", None, "report"),
    ("diagnostics.json", "semantic_gap.cka", 1, "semantic_gap.cka"),
    ("diagnostics.json", "semantic_gap.probe", [[1.0], [1.0]], "semantic_gap: .*not a square"),
    ("diagnostics.json", "top_level.c5", {"P5": None}, "top_level.c5.P5"),
    ("diagnostics.json", "assignment.levels", [2], "assignment: .*a row and a column"),
]


@pytest.mark.parametrize(("name", "keys", "value", "said"), WRONG)
def test_a_value_of_a_wrong_type_names_file_and_key(
    name: str, keys: str, value: object, said: str, copy: Path
) -> None:
    change(copy, name, keys, value)
    with pytest.raises(UserError, match=rf"copy is not a complete record \({name}: {said}") as told:
        records.read(copy)
    assert "\n" not in str(told.value)
    assert records.read_all([copy.parent]) == ([], [str(told.value)])


@pytest.mark.parametrize("content", [DEEP, "", "[]", "3", "null", "{", '{"a": ', "\udcff"])
@pytest.mark.parametrize("name", ["settings.json", "environment.json", "result.json"])
def test_a_file_that_is_no_object_is_named(name: str, content: str, copy: Path) -> None:
    (copy / name).write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=rf"copy is not a complete record \({name}"):
        records.read(copy)


@pytest.mark.parametrize(
    "line", ["3", "{}", DEEP, '{"step": "0", "lr": 1}', '{"step": 0, "lr": 1, "loss": "low"}', "{"]
)
def test_a_wrong_row_of_the_curve_is_named(line: str, copy: Path) -> None:
    with (copy / "curve.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(UserError, match=r"curve\.jsonl is damaged"):
        _ = records.read(copy).curve


@pytest.mark.parametrize(
    "rows",
    [
        "3",
        '{"image_id": 1}',
        "[1]",
        '[{"image_id": 1}]',
        '[{"image_id": "1", "category_id": 1, "bbox": [0, 0, 1, 1], "score": 0.5}]',
        '[{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1], "score": 0.5}]',
        '[{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, NaN], "score": 0.5}]',
        DEEP,
    ],
)
def test_wrong_predictions_are_said(rows: str, copy: Path) -> None:
    (copy / records.PREDICTIONS).write_bytes(gzip.compress(rows.encode()))
    with pytest.raises(UserError, match=r"the predictions in .*copy are damaged"):
        records.read(copy).read_predictions()


def test_a_flipped_bit_of_predictions_is_seen(copy: Path) -> None:
    whole = (copy / records.PREDICTIONS).read_bytes()
    for place in range(10, len(whole), len(whole) // 30):  # the first ten bytes are gzip's header
        changed = bytearray(whole)
        changed[place] ^= 4
        (copy / records.PREDICTIONS).write_bytes(changed)
        with pytest.raises(UserError, match="are damaged"):
            records.read(copy).read_predictions()


# --- other versions and installations -------------------------------------------------------------


def test_a_record_of_a_newer_version_is_not_to_be_deleted(copy: Path) -> None:
    change(copy, "settings.json", "experiment.train.sharpness", 0.05)
    change(copy, "environment.json", "versions.augfpn", "9.1.0")
    with pytest.raises(UserError) as told:
        records.read(copy)
    said = str(told.value)
    assert "has the setting train.sharpness, which this version of augfpn" in said
    assert "made by a newer version (9.1.0); update augfpn" in said
    assert "delete" not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [("neck", "hourglass"), ("detector", "detr"), ("backbone", "swin_t"), ("norm", "layer")],
)
def test_a_record_with_a_part_that_is_not_here_is_not_to_be_deleted(
    name: str, value: str, copy: Path
) -> None:
    change(copy, "settings.json", f"experiment.model.{name}", value)
    said = rf"has model\.{name} '{value}', which this installation of augfpn does not have"
    with pytest.raises(UserError, match=said) as told:
        records.read(copy)
    assert "delete" not in str(told.value)


# --- any value anywhere ---------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
NAMES = ("settings.json", "environment.json", "result.json", "diagnostics.json")


def places(value: object) -> Iterator[list]:
    """The paths of keys to all values inside of a JSON value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        yield [key]
        if isinstance(inner, (dict, list)):
            yield from ([key, *below] for below in places(inner))


PLACES = [
    (name, path) for name in NAMES for path in places(json.loads((MEASURED / name).read_text()))
]


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.sampled_from(PLACES), value=JSON)
def test_any_value_anywhere_is_read_or_said(
    place: tuple[str, list], value: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any") / "copy"
    shutil.copytree(MEASURED, folder, ignore=shutil.ignore_patterns("weights*", "predictions*"))
    name, path = place
    change(folder, name, ".".join(map(str, path)), value)
    try:
        record = records.read(folder)
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert record.id
    assert recorded.computed(record)
    if record.is_measured:
        diagnostic_numbers(record.diagnostics)
