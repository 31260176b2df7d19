"""Two settings beside each other: what `augfpn compare` says of records."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from augfpn import records
from augfpn.cli.program import main
from augfpn.data.annotations import count_by_size
from augfpn.errors import UserError
from augfpn.study import beside
from augfpn.study.uncertainty import planning
from augfpn.study.uncertainty.intervals import FEWEST_OBJECTS, Interval
from augfpn.study.uncertainty.truth import truth_of

COMMITTED = Path(__file__).resolve().parents[2] / "experiments" / "records"


def runs_of(variant: str, pictures: str = "bccd", detector: str = "faster_rcnn") -> list[Path]:
    """The committed records of a variant, seed by seed."""
    return sorted(
        COMMITTED.glob(f"{pictures}-laptop-{detector}-narrow_resnet-{variant}-seed[012]-*")
    )


def ap_of(places: list[Path]) -> np.ndarray:
    """AP as the records have it."""
    return np.array([records.read(place).result["AP"] for place in places])


@pytest.fixture(scope="module")
def augfpn_and_fpn() -> beside.Beside:
    return beside.beside([*runs_of("cs+rfa+srs"), *runs_of("fpn")])


def test_means_and_difference_are_those_of_the_recorded_ap(augfpn_and_fpn) -> None:
    first, second = ap_of(runs_of("cs+rfa+srs")), ap_of(runs_of("fpn"))
    assert len(first) == len(second) == 3
    assert [side["AP"] for side in augfpn_and_fpn.means] == pytest.approx(
        [first.mean(), second.mean()], abs=1e-6
    )
    assert augfpn_and_fpn.differences["AP"].mean == pytest.approx((first - second).mean(), abs=1e-6)
    assert augfpn_and_fpn.seeds == [0, 1, 2]
    assert augfpn_and_fpn.test_images == 72


def test_the_interval_is_at_least_student_s_of_the_paired_differences(augfpn_and_fpn) -> None:
    """The variation over test images that the seeds share can only make it wider."""
    apart = ap_of(runs_of("cs+rfa+srs")) - ap_of(runs_of("fpn"))
    half = stats.t.ppf(0.975, 2) * apart.std(ddof=1) / np.sqrt(3)
    found = augfpn_and_fpn.differences["AP"]
    assert found.high - found.mean >= half - 1e-6
    assert found.mean - found.low == pytest.approx(found.high - found.mean)


def test_it_names_what_differs_and_nothing_else(augfpn_and_fpn) -> None:
    assert augfpn_and_fpn.labels == ("AugFPN", "FPN")
    assert augfpn_and_fpn.settings == {
        "model.lam": (0.25, 0.0),
        "model.ratios": ([0.1, 0.2, 0.3], []),
        "model.roi_selection": ("soft", "hard"),
    }


def test_the_first_record_decides_the_sign(augfpn_and_fpn) -> None:
    turned = beside.beside([*runs_of("fpn"), *runs_of("cs+rfa+srs")])
    assert turned.labels == ("FPN", "AugFPN")
    ap, other = augfpn_and_fpn.differences["AP"], turned.differences["AP"]
    assert (other.mean, other.low, other.high) == pytest.approx((-ap.mean, -ap.high, -ap.low))


def test_only_seeds_of_both_count_and_one_seed_decides_nothing() -> None:
    one = beside.beside([runs_of("cs+rfa+srs")[1], *runs_of("fpn")])
    assert one.seeds == [1]
    assert "undecided, fewer than 3 seeds" in beside.beside_text(one)


def test_its_tables_fit_a_phone_those_of_masks_too(augfpn_and_fpn) -> None:
    means, found = augfpn_and_fpn.means, augfpn_and_fpn.differences
    masks = {f"mask {name}": x for name, x in found.items()}
    both = augfpn_and_fpn._replace(
        means=tuple(side | {f"mask {name}": x for name, x in side.items()} for side in means),
        differences=found | masks,
    )
    *tables, _ = beside.beside_text(both).split("\n\n")
    assert max(len(line) for table in tables for line in table.splitlines()) <= 45
    boxes, of_masks = (table.splitlines() for table in tables if "AP50" in table)
    assert of_masks[0].split() == ["mask", *boxes[0].split()]
    assert of_masks[1:] == boxes[1:]


def test_each_size_has_its_own_verdict(augfpn_and_fpn) -> None:
    """AP alone does not say which objects gain: a size may be decided where AP is not."""
    small, medium, large = (
        Interval(mean, mean - 0.02, mean + 0.02, 3, 0.01, 0.0) for mean in (0.01, 0.05, -0.05)
    )
    apart = augfpn_and_fpn.differences | {"APs": small, "APm": medium, "APl": large}
    many = dict.fromkeys(augfpn_and_fpn.objects, 100)
    said = beside.beside_text(augfpn_and_fpn._replace(differences=apart, objects=many))
    assert "small objects (100): undecided" in said
    assert "medium objects (100): A is better" in said
    assert "large objects (100): A is worse" in said


def test_a_size_with_few_objects_has_no_number_and_no_verdict(augfpn_and_fpn) -> None:
    """The book's tables refuse such a size: what it gains or loses is that of a few objects."""
    few = augfpn_and_fpn.objects | {"small": FEWEST_OBJECTS - 1, "large": 1}
    said = beside.beside_text(augfpn_and_fpn._replace(objects=few))
    assert "small objects: only 29 in the test images, no verdict" in said
    assert "large objects: only 1 in the test images, no verdict" in said
    at = next(line.split() for line in said.splitlines() if "APs" in line).index("APs") + 1
    for side in ("A ", "B ", " low", " high"):
        row = next(x for x in said.splitlines() if x.startswith(side) and "–" in x).split()
        assert row[at] == "–"


def test_the_objects_are_those_of_the_test_images(augfpn_and_fpn) -> None:
    one = records.read(runs_of("fpn")[0])
    rows = truth_of(one)["annotations"]
    assert augfpn_and_fpn.objects == count_by_size(rows)


def test_one_seed_decides_no_size() -> None:
    one = beside.beside([runs_of("cs+rfa+srs")[1], *runs_of("fpn")])
    said = beside.beside_text(one._replace(objects=dict.fromkeys(one.objects, 100)))
    assert said.count("objects (100): undecided, fewer than 3 seeds") == 3


def test_a_folder_stands_for_its_records(tmp_path: Path, capsys) -> None:
    for place in [*runs_of("cs+rfa+srs"), *runs_of("fpn")]:
        shutil.copytree(place, tmp_path / "runs" / place.name)
    shutil.copytree(COMMITTED / "truth", tmp_path / "runs" / "truth")
    assert main(["compare", str(tmp_path / "runs"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["labels"] == ["AugFPN", "FPN"]
    assert set(found["differences"]["AP"]) == {"mean", "low", "high"}


@pytest.mark.parametrize(
    ("places", "said"),
    [
        (runs_of("fpn"), "all records have one setting"),
        (runs_of("fpn") + runs_of("cs+rfa") + runs_of("rfa"), "there are 3 settings among the 9"),
        ([runs_of("fpn")[0], runs_of("cs+rfa")[1]], r"share no seed \(seeds 0 and 1\)"),
        ([Path("nowhere")], "nowhere does not exist"),
        ([COMMITTED / "benchmarks"], "benchmarks holds no finished record"),
    ],
)
def test_what_cannot_be_compared_is_said(places: list[Path], said: str) -> None:
    with pytest.raises(UserError, match=said):
        beside.beside(places)


def test_runs_that_were_tested_on_other_images_are_not_compared() -> None:
    with pytest.raises(UserError, match="was tested on other images"):
        beside.beside([runs_of("fpn")[0], runs_of("fpn", "scenes")[0]])


def test_the_same_run_twice_is_not_two_seeds(tmp_path: Path) -> None:
    shutil.copytree(runs_of("fpn")[0], tmp_path / "again")
    with pytest.raises(UserError, match="same settings and seed 0: leave one of them out"):
        beside.beside([runs_of("fpn")[0], tmp_path / "again"])


def test_a_damaged_record_in_a_folder_is_named(tmp_path: Path) -> None:
    shutil.copytree(runs_of("fpn")[0], tmp_path / "cut")
    (tmp_path / "cut" / "settings.json").write_text("{")
    with pytest.raises(UserError, match="cut is not a complete record"):
        beside.beside([tmp_path])


def test_a_comparison_says_how_much_pairs_and_images_vary() -> None:
    """The deviation is that of the differences by seed, as numpy computes it."""
    with_part, without = runs_of("cs+srs"), runs_of("fpn")
    deviation = 100 * np.std(ap_of(with_part) - ap_of(without), ddof=1)
    said = beside.beside_text(beside.beside([*with_part, *without]))
    assert f"Pairs deviate by {deviation:.2f} AP, and the error over test images is" in said
    measured = Interval(0.0, -1.0, 1.0, 4, 0.01, float("nan"))  # not on draws of images
    assert planning.varying(measured) == "Pairs deviate by 2.00 AP."
    none = planning.varying(measured._replace(of_pictures=0.00001))
    assert none == "Pairs deviate by 2.00 AP; test images add no error that shows beside that."


@pytest.mark.parametrize(
    ("of_pictures", "said"),
    [
        (0.002, "of 1 AP would be shown by some "),
        (
            0.005,
            "No number of pairs shows a difference of 1 AP on 72 test images: it takes more than ",
        ),
        (0.010, "and more than 142 for 2 AP."),  # (2.8 * 1 / 2)² times as many, by hand
    ],
)
def test_a_comparison_says_what_would_show_one_point_and_two(of_pictures: float, said: str) -> None:
    """Where the test images are too few for one of them, or both, it says how many it takes."""
    compared = beside.beside([*runs_of("cs+srs"), *runs_of("fpn")])
    ap = Interval(0.03, 0.01, 0.05, 9, 0.002, of_pictures)
    of = compared._replace(test_images=72, differences=compared.differences | {"AP": ap})
    plan = beside.said_of_ap(of).splitlines()[-1]
    assert said in plan
    assert "2 AP" in plan
