"""What happens before the first step: what parameters leave to the machine is found out."""

import torch

from augfpn import config
from augfpn.detectors.backbones import has_imagenet
from augfpn.errors import UserError
from augfpn.settings import experiment as settings
from augfpn.settings.parameters import Parameters


def experiment_here(chosen: Parameters) -> config.Experiment:
    """The experiment that parameters describe on this machine.

    ``device="auto"`` becomes the GPU where there is one, ``weights="auto"`` ImageNet's where they
    are on this machine or their server answers. Raises ``UserError`` for a GPU that is not there
    and for data that need a folder and have none.
    """
    device = the_device(chosen.device)
    return settings.experiment(chosen, device, the_weights(chosen, device))


def the_device(wanted: str) -> config.Device:
    """The device that is there. Raises ``UserError`` if a GPU is asked for and there is none."""
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise UserError(
            "device = 'cuda': PyTorch finds no GPU on this machine; use device='cpu' or 'auto', "
            "or install a driver and a PyTorch build that fit."
        )
    return "cuda" if there and wanted != "cpu" else "cpu"


def the_weights(chosen: Parameters, device: config.Device) -> config.InitialWeights:
    """The weights that were asked for; if "auto", ImageNet's where they are available."""
    if chosen.weights != "auto":
        return chosen.weights
    return "imagenet" if has_imagenet(settings.backbone_of(chosen, device)) else "scratch"
