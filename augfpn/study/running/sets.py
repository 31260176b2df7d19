"""What a run of the study is made on: its pictures, dials of scenes and of the detector, its seed.

Nothing here needs torch.
"""

from typing import Any, NamedTuple

from augfpn.config import DATA_SETS, DIALS
from augfpn.settings.budgets import BUDGETS

PILOT_SEEDS = 3  # seeds 0 to 2: their runs were seen while claims and tests were still mended
NO_PHASES = ("smoke", "transfer", "paper")  # budgets at which all seeds have the same settings
SEEDS = {"smoke": 1, "laptop": 3, "transfer": 8, "gpu": 5, "paper": 3}  # planned, from 0 on
CONFIRMING = {  # settings of all later seeds, which confirm; by data set, {} is the seed
    "scenes": ("data.scene_seed={}", "data.test_scenes=1000", "train.fpn_start=true"),
    **{name: ("train.fpn_start=true",) for name in DATA_SETS if name != "scenes"},
}
TURNED_UP = {"scale": 1.0}  # a dial's value in its picture set, unless it is 0.5
SETS: dict[str, dict[str, Any]] = {  # picture sets, as parameters; each dial of scenes has its own
    "scenes": {"data": "scenes"},
    **{dial: {"data": "scenes", dial: TURNED_UP.get(dial, 0.5)} for dial in DIALS},
    **{name: {"data": name} for name in DATA_SETS if name != "scenes"},
}
DIALS_OF_DETECTOR = {  # the same scenes; a set's name: a field of `Model`, times its budget's value
    "canonical_x0.25": ("canonical_size", 0.25),  # FPN's rule sends all boxes two levels up, ...
    "canonical_x0.5": ("canonical_size", 0.5),  # ... one level up ...
    "canonical_x2": ("canonical_size", 2.0),  # ... or one level down
    "canonical_x4": ("canonical_size", 4.0),
    "channels_x0.5": ("channels", 0.5),  # the pyramid's channels, which C5 is reduced to
    "channels_x0.25": ("channels", 0.25),
    "channels_x0.125": ("channels", 0.125),
    "channels_x0.0625": ("channels", 0.0625),
    "channels_x0.03125": ("channels", 0.03125),
    "channels_x4": ("channels", 4.0),  # a control: hardly reduced
}
LARGE = "data.scene_size=[640,512]"  # C5: 20 x 16 places that see 191 px, from the middle no strip
TOLD = "data.told_by_colour=true"  # of a control: see `augfpn.study.gates`
SETTINGS_OF_SETS = {  # other sets: their settings that have no parameter of their own ...
    "arrangement": ("data.arrangement=0.3",),
    "arrangement_told": ("data.arrangement=0.3", TOLD),
    "detail_told": (TOLD,),
    "context_told": (TOLD,),
    "large_scenes": (LARGE,),
    "far_context": (LARGE,),
    "far_context_told": (LARGE, TOLD),
    "scale_jittered": (),
    "scale_0.9": (),
    "scale_0.9_jittered": (),
}
WORDS_OF_SETS: dict[str, dict[str, Any]] = {  # ... and their parameters
    "detail_told": SETS["detail"],
    "context_told": SETS["context"],
    "large_scenes": {"short_side": 512},
    "far_context": {"context": 0.5, "short_side": 512},
    "far_context_told": {"context": 0.5, "short_side": 512},
    "scale_jittered": SETS["scale"] | {"augment": "scale_jitter"},
    "scale_0.9": {"scale": 0.9},
    "scale_0.9_jittered": {"scale": 0.9, "augment": "scale_jitter"},
}
SETS |= {
    name: {"data": "scenes"} | WORDS_OF_SETS.get(name, {})
    for name in (*DIALS_OF_DETECTOR, *SETTINGS_OF_SETS)
}
LEARNING = {"bccd_learning": "bccd"}  # photographs on which the backbone learns above C2: of which
SETS |= {name: {"data": of} for name, of in LEARNING.items()}
STEPS_OF_SETS = {("aquarium", "transfer"): 900}  # a set that is far from learnt otherwise
AP_AWAY = "AP of objects away from their class's home"


class Gate(NamedTuple):
    """What the pilot of a dial compares it with, and by which number: see `augfpn.study.gates`."""

    home: str
    control: str
    number: str = "AP"


GATES: dict[str, Gate] = {  # by the picture set with the dial turned
    **{
        name: Gate("scenes", "channels_x4" if field == "channels" else "scenes")
        for name, (field, factor) in DIALS_OF_DETECTOR.items()
        if field == "canonical_size" or factor < 1
    },
    "arrangement": Gate("scenes", "arrangement_told"),
    "detail": Gate("scenes", "detail_told"),
    "context": Gate("scenes", "context_told"),
    "far_context": Gate("large_scenes", "far_context_told"),
    "scale": Gate("scenes", "scale_jittered", AP_AWAY),
    "scale_0.9": Gate("scenes", "scale_0.9_jittered", AP_AWAY),
}
PLAIN_SETS = ("scenes", "large_scenes", *DATA_SETS, *LEARNING)  # what the paper's claims are about


def dialled_settings(pictures: str, budget: str, words: dict[str, Any]) -> tuple[str, ...]:
    """The parameter ``settings`` that a picture set gives to a variant's parameters.

    A variant without FPN's rule is the same at every `canonical_size`: one run serves all.
    """
    if pictures in LEARNING:
        return ("model.frozen=2",)  # as the authors' backbones learn
    if pictures not in DIALS_OF_DETECTOR:
        return SETTINGS_OF_SETS.get(pictures, ())
    field, factor = DIALS_OF_DETECTOR[pictures]
    if field == "canonical_size" and not uses_rule(words):
        return ()
    return (f"model.{field}={factor * getattr(BUDGETS[budget].model, field):g}",)


def uses_rule(words: dict[str, Any]) -> bool:
    """Whether a variant, as parameters, reads some RoIs from the level that FPN's rule gives."""
    one_level = words.get("cs") and words.get("supervision") == "single"
    return bool(one_level) or words.get("roi_selection", "hard") == "hard"


def is_first(seed: int, budget: str) -> bool:
    """Whether a run is of the first phase: of the pilot, or of the seeds planned at its budget."""
    if budget == "transfer":
        return seed < SEEDS[budget]
    return seed < PILOT_SEEDS or budget in NO_PHASES


def settings_that_vary(words: dict[str, Any]) -> tuple[str, ...]:
    """The parameter ``settings`` of a run, by which all that is random varies with its seed.

    The pilot's seeds share their training scenes. A seed that confirms draws its own; its test
    scenes are 1,000, and what a variant has in common with FPN starts from FPN's numbers. Runs of
    the paper's budget are left as the paper has them, smoke runs stay short, and photographs at
    budget transfer are the same for all seeds.
    """
    if words["seed"] < PILOT_SEEDS or words["budget"] in NO_PHASES:
        return ()
    return tuple(each.format(words["seed"]) for each in CONFIRMING[words["data"]])
