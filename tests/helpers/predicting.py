"""What tests of `augfpn.deploy.predict` share: pictures to be read, and what is written on them."""

import json
from pathlib import Path

import numpy as np
from PIL import Image
from torch import nn

from augfpn.deploy import predict

IDS = {3: "a", 7: "b", 9: "c", 20: "d", 21: "e"}  # ids of a data set that are not its labels


def save(pixels: np.ndarray, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def predicted(
    detector: nn.Module, given: Path, out: Path, threshold: float = 0.99
) -> tuple[dict, list[str]]:
    """What the file says, and which sentences were said."""
    said = predict.draw_detections(detector, IDS, predict.places([given], out), out, threshold)
    return json.loads((out / predict.RESULTS).read_text()), said
