"""Pilots: short runs that choose the settings of a budget, on pictures that no table is made of.

Each data set has a split for that (`augfpn.config.DataSet`); the tries are in
`augfpn.study.running.tries`. What came out is kept in ``pilots/`` beside the records: the settings
of each try and its AP.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from augfpn.config import DATA_SETS
from augfpn.errors import UserError
from augfpn.settings import parameters
from augfpn.settings.budgets import BUDGETS
from augfpn.study.running.grid import DEVICES, SETS, words_of_variant
from augfpn.study.running.processes import Say
from augfpn.study.running.tries import OF_TUNING, PILOT_TRIES, PILOTS, TRIED_ON, Try, Tuning
from augfpn.support.files import write_json
from augfpn.training.prepare import experiment_here
from augfpn.training.train import train

KEPT_NUMBERS = ("AP", "AP50", "AP75", "APs", "APm", "APl", "seconds")  # of a result


def pilot(
    budget: str, sets: Sequence[str] | None, folder: Path, data_root: str | None, say: Say
) -> Path:
    """Make the missing runs of a pilot, one after the other, and write what all tries gave.

    A run that was stopped goes on. Returns the file, which is written anew after each run; what it
    has on other picture sets is kept. Raises ``UserError`` for a budget or set that has no pilot.
    """
    if budget not in PILOT_TRIES:
        raise UserError(
            f"budget = {budget!r} has no pilot: choose one of {', '.join(PILOT_TRIES)}."
        )
    own = TRIED_ON[budget]
    wanted = [name for name in own if sets is None or name in sets]
    if not wanted:
        raise UserError(
            f"the pilot of {budget} has no pictures {' '.join(sets)}: choose from {', '.join(own)}."
        )
    torch.set_num_threads(1)  # as each run of the study has on a CPU
    file = folder / PILOTS / f"{budget}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    before = json.loads(file.read_bytes()) if file.is_file() else []
    rows = [row for row in before if row["pictures"] not in wanted]
    for number, tried in enumerate(PILOT_TRIES[budget], start=1):
        for pictures in (each for each in wanted if each in tried.sets):
            for variant in tried.variants:
                say(f"try {number} of {len(PILOT_TRIES[budget])}: {variant} on {pictures}, {tried}")
                words = words_of_try(tried, budget, pictures, variant)
                if data_root is not None:
                    words["data_root"] = data_root
                record = train(experiment_here(parameters.parse(words)), folder)
                found = {name: record.result[name] for name in KEPT_NUMBERS}
                where = {"pictures": pictures, "split": words["test_split"], "variant": variant}
                rows.append(where | tried._asdict() | found | commit_of(record.environment))
                write_json(file, rows)
    return file


def words_of_try(tried: Try | Tuning, budget: str, pictures: str, variant: str) -> dict[str, Any]:
    """The parameters of a try's run, except the folder of the pictures."""
    words = tried.words
    common = OF_TUNING if isinstance(tried, Tuning) else ()
    return (
        words_of_variant(variant)
        | SETS[pictures]
        | {"budget": budget, "weights": BUDGETS[budget].model.weights, "device": DEVICES[budget]}
        | {"test_split": DATA_SETS[SETS[pictures]["data"]].tune}
        | words
        | {"settings": (*words.get("settings", ()), *common)}
    )


def commit_of(environment: dict) -> dict[str, str]:
    """Where a run was made: its commit and its processor."""
    return {"commit": environment["commit"], "device_name": environment["device_name"]}
