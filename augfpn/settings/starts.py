"""What the usual commands of training come to, side by side. Nothing here needs torch."""

from typing import NamedTuple

from augfpn import config
from augfpn.settings import parameters
from augfpn.settings.experiment import experiment


class Start(NamedTuple):
    """A command of training, as one would type it behind ``augfpn train --data-root pictures``."""

    words: dict[str, str | int]
    device: config.Device
    weights: config.InitialWeights  # that "auto" finds

    @property
    def title(self) -> str:
        """The machine that it is for, and whether it has options; short, for a narrow page."""
        machine = "GPU" if self.device == "cuda" else "CPU"
        return machine if self.words else f"{machine}, no option"

    @property
    def options(self) -> str:
        """Its options as they are typed."""
        return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in self.words.items())

    @property
    def experiment(self) -> config.Experiment:
        """All settings of the run."""
        return experiment(parameters.parse(self.words), self.device, self.weights)


STARTS = (
    Start(
        {"weights": "coco", "batch": "auto", "short_side": 800, "long_side": 1333}, "cuda", "coco"
    ),
    Start({"budget": "transfer", "steps": 900}, "cpu", "imagenet"),
    Start({}, "cuda", "imagenet"),
    Start({}, "cpu", "scratch"),
)
WHOSE = {"scratch": "nothing", "imagenet": "ImageNet's weights", "coco": "COCO's weights"}
NORMALISED = {
    "frozen": "frozen",
    "frozen_statistics": "statistics frozen",
    "batch": "over the batch",
    "group": "over groups of channels",
}


def starts_table(images: int = 500) -> str:
    """A table in Markdown: a column for each command, a row for what is set.

    The passes over the images are for a folder with so many images to train on.
    """
    found = [start.experiment for start in STARTS]
    rows = {
        "options": [f"`{start.options}`" if start.options else "none" for start in STARTS],
        "backbone": [f"`{each.model.backbone}`" for each in found],
        "backbone: initial weights": [WHOSE[each.model.weights] for each in found],
        "backbone: layers that learn": [what_learns(each.model) for each in found],
        "backbone: normalisation": [NORMALISED[each.model.norm] for each in found],
        "an image is at most, longer × shorter side": [
            f"{each.model.long_side} × {each.model.short_side} px" for each in found
        ],
        "shapes of anchors, height by width": [
            ", ".join(f"{ratio:g}" for ratio in each.model.anchor_ratios) for each in found
        ],
        "images a step": [str(each.train.batch) for each in found],
        "steps": [str(each.train.steps) for each in found],
        f"passes over {images} images": [
            f"{each.train.steps * each.train.batch / images:.0f}" for each in found
        ],
        "learning rate of AdamW": [f"{each.train.lr:g}" for each in found],
    }
    lines = [["", *(start.title for start in STARTS)], ["---"] * (1 + len(STARTS))]
    lines += [[name, *cells] for name, cells in rows.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def what_learns(model: config.Model) -> str:
    """Which layers of the backbone learn, in words."""
    if model.weights == "scratch":
        return "all"
    return "nothing" if model.frozen == 5 else f"all behind C{model.frozen}"
