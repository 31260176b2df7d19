"""The committed bench as the book shows it."""

import pytest

from augfpn.study.bench import goals, pages, prices, report
from augfpn.study.bench.goals import GOALS


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_the_floor_stands_beside_what_was_measured() -> None:
    """At the highest rate: 30 at 20 a second, though one bench measured 10 a second."""
    each = {"median": 3.0, "floor": {"macs": 30}}
    result = {"size": (64, 96), "batch": 2, "variants": {"augfpn": each}}
    benches = {
        name: {
            "uses": {"training": result},
            "rates": {"macs_per_second": rate},
            "settings": {"backbone": backbone, "budget": "paper"},
        }
        for name, rate, backbone in (("small", 10, None), ("other", 20, "mobilenet_v2"))
    }
    small, other = cells(pages.floor_table({"benches": benches}))[2:]
    step = "training, 2 images of 64 x 96"
    assert small == [f"{step}, resnet50", "ours, AugFPN", "3.00", "1.50", "2.0"]
    assert other == [f"{step}, mobilenet_v2", "ours, AugFPN", "3.00", "1.50", "2.0"]


def bench_of(use: str, size: list[int], seconds: dict[str, list[float]]) -> dict:
    """A bench with one use, and of each detector as many hundred MB as its name has letters."""
    variants = {
        name: {"seconds": each, "peak_bytes": 10**8 * len(name)} for name, each in seconds.items()
    }
    result = {"size": size, "batch": 1, "variants": variants}
    return {"uses": {use: result}, "settings": {"backbone": None, "budget": "paper"}}


MACHINE = {"device_name": "Some(R) Maker(R) Processor, 2 cores", "threads": 2}
SECONDS = {"torchvision": [3.0, 3.0], "fpn": [1.0, 0.5], "augfpn": [2.0, 2.0]}


def measured() -> tuple[dict, dict, dict]:
    """A bench of training steps, one of operators, and a timing of small detectors."""
    large = bench_of("training", [800, 1216], SECONDS) | {"environment": MACHINE}
    ours = {use: {"fpn": [1.0, 1.0], "augfpn": [2.0, 3.0]} for use in ("training", "testing")}
    timing = {"seconds": ours, "environment": MACHINE}
    kinds = {
        kind: {"fpn": {"cpu_seconds": [1.0]}, "augfpn": {"cpu_seconds": [x]}}
        for kind, x in (("fast", 1.1), ("torchvision", 1.2))
    }
    bench = {"backbone": None, "budget": "paper", "uses": ["testing"], "size": [80, 96], "batch": 1}
    operators = {"settings": bench, "operators": kinds}
    operators["environment"] = MACHINE | {"threads": 1}
    return {"benches": {"large": large}}, operators, timing


def test_every_ratio_names_what_it_was_measured_on_and_its_rounds() -> None:
    """The ratio is the median of those of rounds, 2 and 4, and not that of medians, 2.7."""
    found, operators, timing = measured()
    rows = cells(prices.price_table(found, operators, timing))[2:]
    training, testing = rows[:3], rows[3:]
    assert training[0][:4] == ["training, 800 px, resnet50", "1.22", "–", "Tesla V100, the paper"]
    assert training[1] == [
        *("training, 1 image of 800 x 1216, resnet50", "3.00<br>(2.00 to 4.00)"),
        *("0.67<br>(0.67 to 0.67)", "Some Maker, 2 threads", "2"),
    ]
    assert training[2][:2] == ["training, small detectors", "2.50<br>(2.00 to 3.00)"]
    assert [row[1][:4] for row in testing] == ["1.21", "2.50", "1.10", "1.20"]
    assert testing[-1][0].endswith("resnet50, word by word")
    assert testing[-1][3] == "Some Maker, 1 thread, processor time"


def test_the_four_ratios_that_matter_stand_by_themselves() -> None:
    found, operators, timing = measured()
    one = bench_of("testing", [800, 1216], SECONDS)
    found["benches"]["one"] = one
    rows = cells(prices.price_glance(found, operators, timing))[2:]
    large = "3.00 (2.00 to 4.00)"
    assert rows[0][:3] == ["training / our FPN", "1.22", large]
    assert rows[0][3].startswith("2.50 [")
    assert rows[1][:3] == [
        *("inference / our FPN", "1.21"),
        f"{large}<br>1.10 (1.10 to 1.10): another CPU",
    ]
    assert rows[2] == ["training / torchvision's FPN", "–", "0.67 (0.67 to 0.67)", "–"]
    assert rows[-1][0].startswith("inference / FPN, both word by word")
    assert rows[-1][1:] == ["–", "1.20 (1.20 to 1.20): another CPU", "–"]


def test_what_does_not_grow_with_the_batch_is_taken_off_before_memory_is_extended() -> None:
    """Of two images that take 3 GB with plain FPN, all but 12 bytes of a parameter is doubled."""
    step = {"variants": {"fpn": {"peak_bytes": 3 * 10**9}}, "batch": 2, "size": [800, 1216]}
    found = {"uses": {"training": step}, "settings": {"variants": ["fpn"]}}
    header, _, row = cells(prices.memory_of_batches(found))
    assert header[-3:] == ["1 image", "2 images, measured", "4 images"]
    assert row[1] == "42 M"
    held = 12 * 41_704_036 / 1e9
    numbers = [held, held + (3 - held) / 2, 3, held + 2 * (3 - held)]
    assert row[2:] == [f"{x:.1f}" for x in numbers]


def test_memory_is_of_three_detectors_and_the_ratios_come_first() -> None:
    row = cells(pages.memory_table({"benches": {"x": bench_of("training", [64, 96], SECONDS)}}))[2]
    assert row[1:] == ["0.55", "2.00", "1100", "300", "600"]


def test_both_kinds_of_operators_have_their_price() -> None:
    """In processor time: what else the machine did is not in it."""
    kinds = {"torchvision": [6.0, 8.0], "fast": [3.0, 3.0]}
    every = {
        kind: {"fpn": {"cpu_seconds": [2.0, 2.0]}, "augfpn": {"cpu_seconds": each}}
        for kind, each in kinds.items()
    }
    theirs, ours = cells(pages.operators_table({"operators": every}))[2:]
    assert theirs == ["torchvision's", "2.00", "7.00", "3.50 (3.00 to 4.00)"]
    assert ours == ["ours", "2.00", "3.00", "1.50 (1.50 to 1.50)"]


def test_waits_of_two_batches_stand_side_by_side() -> None:
    each = {"training": [6, 7], "testing": [3, 3], "operators": 11.0}
    row = cells(pages.waits_table({"fcos": {"torchvision": each}}))[2]
    assert row == ["fcos", "torchvision, FPN", "6 and 7", "3 and 3", "11"]


def test_the_committed_goals_are_all_goals_with_their_benches() -> None:
    """Each row can be computed again from the benches beside it."""
    found = pages.committed_bench("goals")
    assert [row["what"] for row in found["goals"]] == [goal.what for goal in GOALS]
    again = [goals.goal_row(goal, found["benches"], found["laptop"]) for goal in GOALS]
    assert again == found["goals"]


def test_the_committed_bench_is_drawn() -> None:
    found = pages.committed_bench("goals")
    for bench in found["benches"].values():
        assert len(report.figure_of(bench).axes) == len(bench["uses"])


@pytest.mark.parametrize("name", ["engines", "engines_laptop"])
def test_the_committed_engines_found_the_same_objects(name: str) -> None:
    """As the chapter says of them."""
    for result in pages.committed_bench(name)["engines"].values():
        assert all(x["same"] > 0 and not x["apart"] for x in result["detections"].values())
