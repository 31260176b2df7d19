"""What a run of the study is made on: its pictures, dials of scenes and of the detector, its seed.

Nothing here needs torch.
"""

from typing import Any

from augfpn.config import DATA_SETS, DIALS
from augfpn.settings.budgets import BUDGETS

PILOT_SEEDS = 3  # seeds 0 to 2: their runs were seen while claims and tests were still mended
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
    "canonical_x0.5": ("canonical_size", 0.5),  # FPN's rule sends all boxes one level up ...
    "canonical_x2": ("canonical_size", 2.0),  # ... or one level down
    "canonical_x4": ("canonical_size", 4.0),
    "channels_x0.5": ("channels", 0.5),  # the pyramid's channels, which C5 is reduced to
    "channels_x0.25": ("channels", 0.25),
    "channels_x0.125": ("channels", 0.125),
    "channels_x4": ("channels", 4.0),  # a control: hardly reduced
}
SETTINGS_OF_SETS = {  # other sets with settings that have no parameter of their own
    "arrangement": ("data.arrangement=0.3",),
    "far_context": ("data.scene_size=[640,512]",),
}
SETS |= {name: {"data": "scenes"} for name in (*DIALS_OF_DETECTOR, *SETTINGS_OF_SETS)}
# A strip that C5 cannot see from the middle of the picture: it sees 191 px.
SETS["far_context"] |= {"context": 0.5, "short_side": 512}


def dialled_settings(pictures: str, budget: str) -> tuple[str, ...]:
    """The parameter ``settings`` that a picture set gives."""
    if pictures not in DIALS_OF_DETECTOR:
        return SETTINGS_OF_SETS.get(pictures, ())
    field, factor = DIALS_OF_DETECTOR[pictures]
    return (f"model.{field}={factor * getattr(BUDGETS[budget].model, field):g}",)


def settings_that_vary(words: dict[str, Any]) -> tuple[str, ...]:
    """The parameter ``settings`` of a run, by which all that is random varies with its seed.

    The pilot's seeds share their training scenes. A seed that confirms draws its own; its test
    scenes are 1,000, and what a variant has in common with FPN starts from FPN's numbers. Runs of
    the paper's budget are left as the paper has them, and smoke runs stay short.
    """
    if words["seed"] < PILOT_SEEDS or words["budget"] in ("smoke", "paper"):
        return ()
    return tuple(each.format(words["seed"]) for each in CONFIRMING[words["data"]])
