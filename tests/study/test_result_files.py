"""Detections in COCO's results format, from any framework: `augfpn interval --annotations`."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy import stats

from augfpn import records
from augfpn.cli.program import main
from augfpn.study import beside, result_files
from augfpn.study.uncertainty import planning
from augfpn.study.uncertainty.intervals import Interval
from augfpn.study.uncertainty.truth import truth_of

COMMITTED = Path(__file__).resolve().parents[2] / "experiments" / "records"
SEEDS = range(3)


def record(variant: str, seed: int) -> records.Record:
    (place,) = COMMITTED.glob(f"bccd-laptop-faster_rcnn-narrow_resnet-{variant}-seed{seed}-*")
    return records.read(place)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files as another framework writes them: annotations, and detections of three pairs."""
    there = tmp_path_factory.mktemp("files")
    for kind, variant in (("without", "fpn"), ("with", "cs+rfa+srs")):
        for seed in SEEDS:
            found = record(variant, seed).predictions
            (there / f"{kind}-{seed}.json").write_text(json.dumps(found))
    truth = truth_of(record("fpn", 0))
    for image in truth["images"]:
        image["file_name"] = f"{image['id']}.jpg"
    (there / "test.json").write_text(json.dumps(truth))
    return there


def files(folder: Path, kind: str) -> list[Path]:
    return [folder / f"{kind}-{seed}.json" for seed in SEEDS]


@pytest.fixture(scope="module")
def compared(folder: Path) -> beside.Beside:
    of, _ = result_files.compare_files(
        folder / "test.json", files(folder, "without"), files(folder, "with")
    )
    return of


def ap_by_pycocotools(folder: Path, kind: str) -> list[float]:
    truth = COCO(str(folder / "test.json"))
    found = []
    for file in files(folder, kind):
        judge = COCOeval(truth, truth.loadRes(str(file)), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
        found.append(judge.stats[0])
    return found


def test_the_means_are_pycocotools(folder: Path, compared: beside.Beside) -> None:
    found = [side["AP"] for side in compared.means]
    theirs = [np.mean(ap_by_pycocotools(folder, kind)) for kind in ("with", "without")]
    assert found == pytest.approx(theirs, abs=1e-9)


def test_the_differences_are_those_of_the_records(compared: beside.Beside) -> None:
    places = [record(variant, seed).folder for variant in ("cs+rfa+srs", "fpn") for seed in SEEDS]
    of_records = beside.beside(places)
    assert compared.objects == of_records.objects
    for name, theirs in of_records.differences.items():
        mine = compared.differences[name]
        assert [mine.mean, mine.low, mine.high] == pytest.approx(
            [theirs.mean, theirs.low, theirs.high], abs=1e-5, nan_ok=True
        )


def test_the_command_prints_table_and_verdicts(folder: Path, capsys) -> None:
    paths = [*map(str, files(folder, "with"))]
    words = ["interval", "--annotations", str(folder / "test.json"), "--without"]
    assert main([*words, *map(str, files(folder, "without")), "--with", *paths]) == 0
    said = capsys.readouterr().out
    assert "A: with the part\nB: without it\n3 pairs of runs, 72 test images" in said
    assert "AP of A minus B: " in said
    assert "small objects: only 7 in the test images, no verdict" in said
    assert main([*words, *map(str, files(folder, "without")), "--with", *paths, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test_images"] == 72


def test_too_few_pairs_are_told_with_what_the_user_has(folder: Path, capsys) -> None:
    """Runs of another framework have no option `--seed`."""
    words = ["interval", "--annotations", str(folder / "test.json")]
    words += ["--without", str(folder / "without-0.json"), "--with", str(folder / "with-0.json")]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "--seed" not in said
    assert "train both kinds with more, and give their files behind --without and --with." in said


def damage(folder: Path, tmp_path: Path, **changed: object) -> Path:
    found = json.loads((folder / "with-0.json").read_text())
    found[3] |= changed
    (tmp_path / "damaged.json").write_text(json.dumps(found))
    return tmp_path / "damaged.json"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"image_id": 10**6}, "detection 3 has image_id 1000000, which is not in images"),
        ({"category_id": 77}, "detection 3 has category_id 77, which is not in categories"),
        ({"bbox": [1, 2, 3]}, "detection 3 has bbox [1, 2, 3]; make it four finite numbers"),
        ({"score": None}, "detection 3 has no score; add a finite number"),
    ],
)
def test_a_wrong_detection_is_named(
    folder: Path, tmp_path: Path, capsys, changed: dict, said: str
) -> None:
    file = damage(folder, tmp_path, **changed)
    without, truth = str(folder / "without-0.json"), str(folder / "test.json")
    assert main(["interval", "--annotations", truth, "--without", without, "--with", str(file)])
    assert f"{file}: {said}" in capsys.readouterr().err


def test_files_that_are_no_pairs_are_refused(
    folder: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(folder)
    truth, one, other = (f"{n}.json" for n in ("test", "without-0", "with-0"))
    copy = str(shutil.copy(one, tmp_path / "copy.json"))
    words = ["interval", "--annotations", truth, "--without", one, "--with"]
    for more, said in (
        ([other, "with-1.json"], "different lengths (without: 1, with: 2)"),
        ([one], "without-0.json is given twice: give each run's own file once"),
        (["none.json"], "none.json cannot be read: No such file"),
        ([truth], "test.json is no list of dicts with image_id, category_id, bbox, score"),
        ([other, "--unpaired"], "--annotations needs pairs"),
        ([copy], f"without-0.json and {copy} hold the same detections"),
    ):
        assert main([*words, *more]) == 2
        assert said in capsys.readouterr().err


def test_a_detector_that_finds_nothing_has_ap_zero(folder: Path, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.json"
    nothing.write_text("[]")
    of, _ = result_files.compare_files(folder / "test.json", [nothing], [folder / "with-0.json"])
    assert of.means[1]["AP"] == 0


def test_so_many_images_show_a_gain_in_80_of_100_cases() -> None:
    """With endless seeds the error over images alone is left, and falls as their root grows."""
    ap = Interval(0.0, -1.0, 1.0, 8, of_seeds=0.0, of_pictures=0.01)
    needed = planning.images_for(ap, 0.01, 100)
    error = ap.of_pictures * (100 / needed) ** 0.5
    shown = stats.norm.sf(1.96 - 0.01 / error)
    assert shown == pytest.approx(0.8, abs=0.003)
    assert planning.seeds_for(ap, 0.01) is None  # on the hundred images that are there
