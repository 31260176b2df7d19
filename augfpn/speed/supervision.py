"""Consistent Supervision whose head reads all levels of one image before it takes the next."""

from augfpn.pyramid import ConsistentSupervision, Levels, Losses, Samples
from augfpn.speed.heads import LeanHead


class LeanSupervision(ConsistentSupervision):
    """`ConsistentSupervision`, whose predictions of all terms are made together."""

    def forward(self, m: Levels, samples: Samples) -> Losses:
        layers, predictor = self.head
        if not (isinstance(layers, LeanHead) and layers.suits(self.selections, m, samples.boxes)):
            return super().forward(m, samples)
        hidden = layers.of_rois(self.selections, m, samples.boxes)
        rois = sum(map(len, samples.boxes))
        logits, deltas = (x.split(rois) for x in predictor(hidden))
        return self.losses(zip(logits, deltas, strict=True), samples)
