"""Consistent Supervision that keeps no pooled features for its backward pass."""

from torch import Tensor, nn

from augfpn.pyramid import Boxes, ConsistentSupervision, Levels
from augfpn.speed.memory import used_once


class LeanSupervision(ConsistentSupervision):
    """`ConsistentSupervision`, of which the backward pass pools each level's RoIs again."""

    def predict(self, select: nn.Module, m: Levels, boxes: Boxes) -> tuple[Tensor, Tensor]:
        layers, predictor = self.head
        # The layers would flatten by themselves, and keep the copy that flattening makes.
        return predictor(used_once(lambda: select(m, boxes).flatten(start_dim=1), layers))
