"""A trained record at the smoke budget, and evidence that is made from it."""

import pytest
from made_records import made_up

from augfpn import records
from augfpn.study.evidence import Evidence
from augfpn.study.running import grid, recorded
from augfpn.study.uncertainty.truth import truth_of
from augfpn.training import train


@pytest.fixture(scope="session")
def smoke(tmp_path_factory) -> records.Record:
    """FPN on scenes at the smoke budget, as the grid has it."""
    run = grid.Run("fpn", "scenes", "smoke", 0)
    return train.train(run.experiment, tmp_path_factory.mktemp("records"))


@pytest.fixture(scope="session")
def coco(smoke: records.Record) -> dict:
    return truth_of(smoke)


@pytest.fixture(scope="session")
def evidence(smoke: records.Record, coco: dict) -> Evidence:
    """Three seeds: FPN and RFA detect half of the objects, CS all; SRS, with one seed, all."""
    shares = {"fpn": 0.5, "cs": 1.0, "rfa": 0.5, "srs": 1.0}
    runs = [grid.Run(v, "scenes", "smoke", s) for v in shares for s in range(3)]
    runs = [run for run in runs if run.variant != "srs" or run.seed == 0]
    made = [made_up(smoke, coco, run, shares[run.variant]) for run in runs]
    by_key = {grid.key_of(each.experiment): each for each in made}
    return Evidence("scenes", "smoke", recorded.Found(by_key, ()), number_of_draws=50)
