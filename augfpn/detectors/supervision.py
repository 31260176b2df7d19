"""A control of Consistent Supervision: the same losses, without the head that levels share."""

from collections.abc import Sequence

from torch import nn

from augfpn.pyramid import ConsistentSupervision, Levels, Losses, Samples


class SeparateSupervision(nn.Module):
    """Consistent Supervision with a head of its own for each level.

    The paper (3.1) says that one head for all levels makes them more alike; it shows no comparison.
    Shapes: as `ConsistentSupervision`, one of which, for one level, is each of ``parts``.
    """

    def __init__(self, parts: Sequence[ConsistentSupervision]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, m: Levels, samples: Samples) -> Losses:
        each = [part(m, samples) for part in self.parts]
        return {name: sum(losses[name] for losses in each) for name in each[0]}
