"""The box head on RoI features that lie channels-last, as the sparse RoIAlign leaves them."""

import torch.nn.functional as F
from torch import Tensor
from torchvision.models.detection.faster_rcnn import TwoMLPHead


class ChannelsLastHead(TwoMLPHead):
    """torchvision's head, whose first layer takes numbers as they lie in memory.

    That layer flattens RoI features (R, C, S, S) channel by channel. To lay out features of
    thousands of RoIs anew, and their gradients, takes longer than to reorder the columns of the
    weights (width, C S S).
    """

    def forward(self, x: Tensor) -> Tensor:
        last = x.permute(0, 2, 3, 1)  # (R, S, S, C)
        if x.is_contiguous() or not last.is_contiguous():
            return super().forward(x)
        weight = self.fc6.weight.unflatten(1, x.shape[1:]).permute(0, 2, 3, 1)
        first = F.linear(last.flatten(1), weight.flatten(1), self.fc6.bias)
        return F.relu(self.fc7(F.relu(first)))
