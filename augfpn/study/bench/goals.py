"""The goals of AugFPN's price, each with the bench that measures it: `augfpn bench --goals`.

A goal is a largest ratio to torchvision's detector with plain FPN. The last one is the ratio of two
whole runs of the laptop budget, which `augfpn.study.timing` measures.

The floor of a goal says how small the ratio could be: the seconds of the multiplications alone, as
the paper writes the network, at this machine's highest rate, divided by the measured seconds of
what it is compared with. That of the last goal is the ratio of the two detectors' multiplications.
Winograd's algorithm multiplies less and can be below a floor. A goal of memory has none.
"""

from dataclasses import replace
from typing import Any, Literal, NamedTuple

from augfpn.settings.budgets import BUDGETS
from augfpn.study import timing
from augfpn.study.bench import floor, measure
from augfpn.study.bench.contestants import contestants
from augfpn.study.bench.settings import BenchSettings
from augfpn.study.bench.work import make_work
from augfpn.study.timed import TIMED_VARIANTS
from augfpn.support.text import columns

COMPARED = ("torchvision", "fpn", "augfpn")
LAPTOP, LAPTOP_BATCH = "laptop", 4  # the run of the last goal, and pictures of its steps
RUNS = {  # the benches that the goals need
    "testing": BenchSettings(variants=COMPARED, uses=("testing",), size=(800, 1216), batch=1),
    "mobilenet": BenchSettings(
        variants=COMPARED, uses=("testing",), size=(800, 1216), batch=1, backbone="mobilenet_v2"
    ),
    "small": BenchSettings(variants=COMPARED, uses=("training",), size=(320, 416), batch=4),
    "large": BenchSettings(variants=COMPARED, uses=("training",), size=(800, 1216), batch=2),
}


class Goal(NamedTuple):
    """A measure, the run of `RUNS` that it is taken from, and its largest value."""

    what: str
    run: str
    variant: str
    number: Literal["time", "memory"]
    most: float


GOALS = (
    Goal("our FPN, testing 800x1216, ResNet-50", "testing", "fpn", "time", 0.80),
    Goal("our AugFPN, testing 800x1216, ResNet-50", "testing", "augfpn", "time", 0.95),
    Goal("our AugFPN, testing 800x1216, MobileNet-V2", "mobilenet", "augfpn", "time", 0.80),
    Goal("our FPN, training 320x416, batch 4", "small", "fpn", "time", 0.60),
    Goal("our AugFPN, training 320x416, batch 4", "small", "augfpn", "time", 1.15),
    Goal("our AugFPN, training 800x1216, batch 2", "large", "augfpn", "time", 1.00),
    Goal("peak memory, AugFPN, training 320x416, batch 4", "small", "augfpn", "memory", 1.20),
    Goal("peak memory, AugFPN, training 800x1216, batch 2", "large", "augfpn", "memory", 1.20),
    Goal("AugFPN / our FPN, a whole run of the laptop budget", LAPTOP, "augfpn", "time", 1.40),
)


def measure_goals(asked: BenchSettings) -> dict[str, Any]:
    """Measure all goals with the device, threads, rounds and seconds that are asked for.

    The seconds are shared by the benches. A large one takes longer: it has its fewest rounds.
    """
    common = {
        "device": asked.device,
        "threads": asked.threads,
        "rounds": asked.rounds,
        "seconds": asked.seconds / (len(RUNS) + 1),
    }
    benches = {name: measure.bench(replace(run, **common)) for name, run in RUNS.items()}
    with measure.threads(asked.threads):
        timed = timing.time_in_turns(
            LAPTOP, asked.rounds, LAPTOP_BATCH, asked.device, TIMED_VARIANTS
        )
        timed["macs"] = laptop_macs()
    return {
        "goals": [goal_row(goal, benches, timed) for goal in GOALS],
        "benches": benches,
        "laptop": timed,
    }


def goal_row(goal: Goal, benches: dict[str, Any], timed: dict[str, Any]) -> dict[str, Any]:
    """A goal with what was measured: the median ratio over rounds, lowest, highest, and floor."""
    if goal.run == LAPTOP:
        floors = {"floor": whole_run_ratio({"seconds": timed["macs"]})["median"]}
        found = whole_run_ratio(timed) | floors | {"at_their_rate": None}
    else:
        (result,) = benches[goal.run]["uses"].values()
        each, base = (result["variants"][name] for name in (goal.variant, result["base"]))
        least = floor.least_seconds(each["floor"]["macs"], benches)
        floors = {"floor": least / base["median"], "at_their_rate": at_their_rate(each, base)}
        found = each["ratio"] | floors
        if goal.number == "memory":
            found = dict.fromkeys(("median", "low", "high"), each["peak_ratio"])
            found |= dict.fromkeys(floors)
    return {"what": goal.what, "most": goal.most, **found, "reached": found["median"] <= goal.most}


def at_their_rate(each: dict[str, Any], base: dict[str, Any]) -> float:
    """A detector's ratio to ``base``, if it multiplied as fast and its RoI features cost nothing.

    What is below this needs quicker multiplications than those of the libraries behind ``base``.
    """
    parts = base["parts"]
    pooling = parts["RoI features"] + base["backward_parts"].get("RoI features", 0.0)
    return (1 - pooling / sum(parts.values())) * each["floor"]["macs"] / base["floor"]["macs"]


def laptop_macs() -> dict[str, dict[str, list[int]]]:
    """Multiply-accumulates of a training step and of a test picture, as seconds are timed."""
    found: dict[str, dict[str, list[int]]] = {}
    for use, batch in (("training", LAPTOP_BATCH), ("testing", 1)):
        settings = BenchSettings(budget=LAPTOP, variants=TIMED_VARIANTS, batch=batch)
        settings = settings.for_use(use)
        work = make_work(settings, use)
        every = contestants(settings, use, work, TIMED_VARIANTS, lambda: None)
        found[use] = {e.variant: [sum(w.passes * w.macs for w in e.work)] for e in every}
    return found


def whole_run_ratio(timed: dict[str, Any]) -> dict[str, float]:
    """AugFPN's time of a whole run of the laptop budget, divided by FPN's, over rounds.

    A run has as many steps and test pictures as the budget says.
    """
    run, seconds = BUDGETS["laptop"], timed["seconds"]
    whole = {
        variant: [
            run.train.steps * step + run.data.test_scenes * picture
            for step, picture in zip(
                seconds["training"][variant], seconds["testing"][variant], strict=True
            )
        ]
        for variant in TIMED_VARIANTS
    }
    base, augmented = (whole[variant] for variant in TIMED_VARIANTS)
    return measure.ratio_of_rounds(augmented, base)


def floor_cell(ratio: float | None) -> str:
    """A floor as a table has it."""
    return "–" if ratio is None else f"{ratio:.2f}"


def goals_text(found: dict[str, Any]) -> str:
    """The goals as a table, and how many are reached."""
    header = ("ratio to torchvision's FPN", "goal", "median", "range", "at their rate", "floor", "")
    rows = [
        (
            row["what"],
            f"{row['most']:.2f}",
            f"{row['median']:.2f}",
            f"{row['low']:.2f} {row['high']:.2f}",
            floor_cell(row["at_their_rate"]),
            floor_cell(row["floor"]),
            "reached" if row["reached"] else "not reached",
        )
        for row in found["goals"]
    ]
    reached = sum(row["reached"] for row in found["goals"])
    return f"{columns(header, rows, left=(0, 6))}\n\n{reached} of {len(rows)} goals are reached."
