"""Where the gates of Adaptive Spatial Fusion begin: at random, or even (`Model.gates`)."""

from torch import nn

from augfpn.pyramid import AdaptiveSpatialFusion


def begin_even(detector: nn.Module) -> None:
    """Let every gate of each `AdaptiveSpatialFusion` be 0.5 at every place before training.

    Those of a softmax over n maps are 1 / n. Where maps have large values, random gates begin
    near 0 or 1, where they hardly learn.
    Differs: the authors draw the gates' last convolutions at random, like all others.
    """
    for fusion in detector.modules():
        if isinstance(fusion, AdaptiveSpatialFusion):
            nn.init.zeros_(fusion.score.weight)
