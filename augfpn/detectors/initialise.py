"""How weights are drawn where sources differ. Convolutions of `augfpn.pyramid` draw their own."""

from torch import nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor

from augfpn.pyramid import FPN


def box_head_as_authors(head: nn.Module, predictor: FastRCNNPredictor) -> None:
    """Draw the main box head's weights as the authors' code does; biases zero.

    torchvision keeps PyTorch's default for linear layers, from which classes are learned far more
    slowly. The head of Consistent Supervision keeps that default, here as in the authors' code.
    """
    for layer in head.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    for layer, spread in ((predictor.cls_score, 0.01), (predictor.bbox_pred, 0.001)):
        nn.init.normal_(layer.weight, std=spread)
        nn.init.zeros_(layer.bias)


def as_torchvision(fpn: FPN) -> None:
    """Draw the pyramid's own convolutions as torchvision's FPN does (He, for a linear layer).

    What AugFPN adds to them, `ResidualFeatureAugmentation`, stays as it is.
    """
    for part in (fpn.lateral, fpn.output, fpn.extra):
        for layer in part.modules() if part is not None else ():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_uniform_(layer.weight, a=1)
                nn.init.zeros_(layer.bias)
