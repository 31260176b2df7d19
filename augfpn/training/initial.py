"""The detector before its first step."""

import torch

from augfpn import config
from augfpn.detectors.build import build_detector
from augfpn.detectors.one_stage import OneStage
from augfpn.detectors.two_stage import TwoStage
from augfpn.settings.components import without_components


def initial_detector(experiment: config.Experiment) -> TwoStage | OneStage:
    """The experiment's detector with its initial weights, which are a function of the seed.

    A component that draws random numbers changes the numbers of all that is built after it. With
    ``fpn_start``, whatever plain FPN has too gets the numbers that plain FPN starts from with this
    seed: then a variant and FPN differ by the component alone.
    """
    torch.manual_seed(experiment.seed)
    detector = build_detector(experiment.model)
    if experiment.train.fpn_start:
        torch.manual_seed(experiment.seed)
        plain = build_detector(without_components(experiment.model)).state_dict()
        own = detector.state_dict()
        shared = {n: x for n, x in plain.items() if n in own and own[n].shape == x.shape}
        detector.load_state_dict(shared, strict=False)
    return detector
