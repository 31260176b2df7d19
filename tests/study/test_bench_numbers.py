"""`augfpn bench`: memory, floors, goals and scaling."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from small_bench import SMALL_BENCH, ready
from torch import nn

from augfpn.detectors import cost
from augfpn.study.bench import detectors, floor, goals, measure, memory, scaling
from augfpn.study.bench.settings import model_of


@pytest.fixture(scope="module")
def found() -> dict:
    return measure.bench(replace(SMALL_BENCH, variants=("torchvision", "fpn", "augfpn")))


# --- memory and floor -----------------------------------------------------------------------------


def test_peak_memory_by_hand() -> None:
    """Two blocks of 4 MB live at the same time, a third only after one of them was freed."""
    x = torch.rand(1000, 1000)

    def step() -> None:
        a = x + x
        b = a + a
        del a
        b + b

    assert memory.peak_bytes(step, 100, "cpu") == 100 + 2 * 4_000_000


def test_what_is_held_are_weights_and_momentum() -> None:
    layer = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(layer.parameters(), 0.1, 0.9)
    assert memory.held_bytes(layer, optimizer) == 4 * 8
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    assert memory.held_bytes(layer, optimizer) == 2 * 4 * 8


def test_training_keeps_more_than_inference_and_soft_selection_more_than_hard(found: dict) -> None:
    peak = {
        use: {name: each["peak_bytes"] for name, each in result["variants"].items()}
        for use, result in found["uses"].items()
    }
    assert peak["training"]["fpn"] > peak["testing"]["fpn"]
    assert peak["training"]["augfpn"] > peak["training"]["fpn"]


@pytest.mark.parametrize("variant", ["fpn", "augfpn"])
def test_the_floor_counts_what_augfpn_cost_counts(variant: str) -> None:
    """`augfpn.detectors.cost` counts on the meta device, part by part."""
    settings = replace(SMALL_BENCH, batch=1, variants=("torchvision", variant))
    model = model_of(variant, settings, "testing")
    wanted = cost.at_inference(cost.part_costs(model, settings.size, settings.rois))[1]
    counted = ready(settings, "testing")
    assert sum(each.macs for each in counted[variant].work) == wanted
    if variant == "fpn":
        assert sum(each.macs for each in counted["torchvision"].work) == wanted


def test_counting_leaves_quick_layers_quick() -> None:
    """A quick layer is counted as it is written in the paper, and is quick again afterwards."""
    built = detectors.build_variants(SMALL_BENCH, "testing", ("augfpn",))["augfpn"]
    before = [type(layer) for layer in built.modules()]
    assert any(kind.__module__.startswith(floor.SPEED) for kind in before)
    with floor.counted_work(built):
        inside = [type(layer) for layer in built.modules()]
    assert not any(kind.__module__.startswith(floor.SPEED) for kind in inside)
    assert [type(layer) for layer in built.modules()] == before


def test_a_floor_by_hand() -> None:
    """A frozen layer, one that needs two gradients, and what arithmetic and traffic allow."""
    net = nn.Sequential(nn.Linear(4, 3, bias=False), nn.Linear(3, 2, bias=False))
    net[0].requires_grad_(False)
    with floor.counted_work(net) as work_of:
        net(torch.ones(5, 4))
        net[1](torch.ones(5, 3).requires_grad_())
    rates = floor.Rates(macs=10.0, bytes=1000.0)
    assert [(w.macs, w.passes) for w in work_of] == [(60, 1), (30, 2), (30, 3)]
    assert work_of[0].bytes == 4 * (20 + 12 + 15)
    assert floor.floor_seconds(work_of, rates) == pytest.approx(6.0 + 2 * 3.0 + 3 * 3.0)
    slow = floor.Rates(macs=1e9, bytes=1.0)
    assert floor.floor_seconds(work_of[:1], slow) == 4 * (20 + 12 + 15)


# --- goals and scaling ----------------------------------------------------------------------------


def test_a_whole_run_s_ratio_by_hand() -> None:
    """400 steps and 100 pictures of the laptop budget: 400 x 2 + 100 x 1 over 400 x 1 + 100 x 1."""
    seconds = {
        "training": {"fpn": [1.0, 10.0], "augfpn": [2.0, 20.0]},
        "testing": {"fpn": [1.0, 10.0], "augfpn": [1.0, 10.0]},
    }
    assert goals.whole_run_ratio({"seconds": seconds})["median"] == pytest.approx(900 / 500)


def test_a_ratio_at_their_rate_by_hand() -> None:
    """A quarter of 8 s are RoI features; with three times the multiplications 6 s become 18 s."""
    parts = {"RoI features": 0.5, "backbone": 1.5, "backward": 6.0}
    theirs = {"parts": parts, "backward_parts": {"RoI features": 1.5}, "floor": {"macs": 10}}
    assert goals.at_their_rate({"floor": {"macs": 30}}, theirs) == pytest.approx(18 / 8)


def test_goals_are_read_from_their_benches(found: dict) -> None:
    """A goal that is just reached, one that is not, and one of memory."""
    training = {**found, "uses": {"training": found["uses"]["training"]}}
    variants = training["uses"]["training"]["variants"]
    each, theirs = variants["augfpn"], variants["torchvision"]
    least = each["floor"]["macs"] / found["rates"]["macs_per_second"] / theirs["median"]
    low = goals.Goal("low", "small", "augfpn", "time", each["ratio"]["median"])
    row = goals.goal_row(low, {"small": training}, {})
    assert row == {
        "what": "low",
        "most": low.most,
        **each["ratio"],
        "floor": least,
        "at_their_rate": goals.at_their_rate(each, theirs),
        "reached": True,
    }
    assert not goals.goal_row(low._replace(most=0.01), {"small": training}, {})["reached"]
    memory_row = goals.goal_row(low._replace(number="memory"), {"small": training}, {})
    assert memory_row["median"] == each["peak_ratio"]
    assert memory_row["floor"] is memory_row["at_their_rate"] is None
    text = goals.goals_text({"goals": [row, row | {"reached": False}]})
    assert "1 of 2 goals are reached" in text
    assert {goal.run for goal in goals.GOALS} == {*goals.RUNS, goals.LAPTOP}


def test_axes_change_one_number_each() -> None:
    axes = scaling.axes_of(replace(SMALL_BENCH, size=(800, 1216)), "testing")
    assert list(axes["size"]) == ["384x608", "576x864", "800x1216"]
    for axis, points in axes.items():
        changed = [vars(point) for point in points.values()]
        differ = {k for k in changed[0] if len({str(each[k]) for each in changed}) > 1}
        assert len(differ) == 1, axis
    assert [p.roi_levels for p in axes["levels of srs"].values()] == [1, 2, 4]
    assert "RoIs" not in scaling.axes_of(replace(SMALL_BENCH, detector="fcos"), "testing")


def test_soft_selection_from_fewer_levels_does_less_work() -> None:
    settings = replace(SMALL_BENCH, variants=("srs",), batch=1)
    work_of = [
        sum(w.macs for w in ready(replace(settings, roi_levels=n), "testing")["srs"].work)
        for n in (1, 2, 4)
    ]
    # 1x1 and 3x3 convolutions of the fusion, of n times 64 channels, on 60 RoIs of 7 x 7 bins
    step = 60 * 49 * (64 * 64 + 64 * 9)
    assert [b - a for a, b in pairwise(work_of)] == [step, 2 * step]


def test_scaling_measures_every_point(monkeypatch: pytest.MonkeyPatch) -> None:
    points = {"batch": {"1": replace(SMALL_BENCH, batch=1, variants=("fpn", "augfpn"))}}
    monkeypatch.setattr(scaling, "axes_of", lambda settings, use: points)
    found = scaling.measure_scaling(replace(SMALL_BENCH, uses=("testing",)))
    (at,) = found["scaling"]["testing"]["batch"].values()
    assert at["fpn"]["ratio"] == 1.0
    assert at["augfpn"]["median"] > 0
    assert "testing: batch" in scaling.scaling_text(found)
