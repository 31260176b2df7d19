"""The detector before its first step."""

import hashlib

import torch

from augfpn import config
from augfpn.detectors.build import build_detector, pretrained_weights
from augfpn.detectors.one_stage import OneStage
from augfpn.detectors.two_stage import TwoStage
from augfpn.settings.components import without_components
from augfpn.training.weights_file import weights_bytes


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


def origin_of(detector: TwoStage | OneStage, model: config.Model) -> dict[str, str]:
    """What tells the initial weights of two runs apart: SHA-256 of the backbone's, and their file.

    ``backbone_sha256`` is of all its parameters and buffers as a safetensors file. Pretrained
    weights have the name of the file that they were read from, too, its SHA-256, and its revision
    if it is of a repository.
    """
    found = {"backbone_sha256": hashlib.sha256(weights_bytes(detector.backbone)).hexdigest()}
    return found if model.weights == "scratch" else found | pretrained_weights(model).origin()
