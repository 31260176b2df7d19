"""AugFPN: a feature pyramid for object detection, and everything to study it.

Read `pyramid` (the paper), `detectors.two_stage` (the forward), `config` and `detectors.build`
(settings to detector), `training.train`, `records`; the README has a map of all rooms. Names here
are imported when they are first used.
"""

from importlib import import_module
from importlib.metadata import version
from typing import Any

__version__ = version("augfpn")
_HOME = {
    "AUGFPN": "config",
    "FPN": "config",
    "Experiment": "config",
    "Model": "config",
    "OneStage": "detectors.one_stage",
    "Pictures": "data.pictures",
    "Record": "records",
    "TwoStage": "detectors.two_stage",
    "UserError": "errors",
    "build_detector": "detectors.build",
    "coco_weights": "detectors.from_torchvision",
    "in_dialect": "settings.dialects",
    "load_torchvision": "detectors.from_torchvision",
    "new_parts_only": "detectors.from_torchvision",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'augfpn' has no attribute {name!r}")
    return getattr(import_module(f"augfpn.{_HOME[name]}"), name)
