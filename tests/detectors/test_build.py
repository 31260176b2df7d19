"""A new part that the settings name but nothing builds: the error names the file to change."""

from dataclasses import replace
from typing import Any, get_args

import pytest
import torch
from small import SMALL

from augfpn import config, pyramid
from augfpn.config import Model
from augfpn.detectors import build, pretrained
from augfpn.detectors.build import build_detector
from augfpn.errors import UserError


def half_done(base: Model, **change: Any) -> Model:
    """Settings with a value that `augfpn.config` would allow once it is written there."""
    model = replace(base)
    for name, value in change.items():
        object.__setattr__(model, name, value)  # bypasses the validation of frozen settings
    return model


@pytest.mark.parametrize(
    ("setting", "on"),
    [
        ("detector", {}),
        ("neck", {}),
        ("roi_selection", {}),
        ("context_pooling", {"ratios": (0.1,)}),
        ("context_fusion", {"ratios": (0.1,)}),
        ("roi_align", {}),
    ],
)
def test_a_value_that_nothing_builds_names_its_place(setting: str, on: dict) -> None:
    with pytest.raises(UserError) as caught:
        build_detector(half_done(replace(SMALL, **on), **{setting: "mine"}))
    assert str(caught.value) == (
        f"{setting}='mine' is allowed by augfpn/config.py, but nothing builds it: add it to "
        f"BUILDERS['{setting}'] in augfpn/detectors/build.py."
    )


def test_a_backbone_that_nothing_builds_names_its_place(monkeypatch) -> None:
    monkeypatch.setattr(pretrained, "SETTINGS", (*pretrained.SETTINGS, "resnet34"))
    with pytest.raises(UserError, match=r"='resnet34' is allowed by augfpn/config.py, but nothing"):
        build_detector(half_done(SMALL, backbone="resnet34"))


def test_every_name_of_the_settings_is_built() -> None:
    named = {
        "detector": get_args(config.Detector),
        "neck": get_args(config.Neck),
        "context_pooling": get_args(config.ContextPooling),
        "context_fusion": get_args(config.ContextFusion),
        "roi_selection": set(get_args(config.RoISelection)) - {"hard", "panet"},  # no fusions
    }
    missing = {
        setting: set(names) - build.BUILDERS[setting].keys() for setting, names in named.items()
    }
    assert not any(missing.values()), missing
    assert set(pretrained.SETTINGS) == set(pretrained.BUILT)


def test_a_detectors_parts_are_given_by_name() -> None:
    """Of ten positional arguments, two of the same type are easily swapped."""
    detector = build_detector(SMALL)
    with pytest.raises(TypeError, match="takes 1 positional argument"):
        type(detector)(detector.transform, detector.backbone, detector.fpn)


class Forgetful(pyramid.FPN):
    """A neck that does not use the augmentation that it is given."""

    def __init__(self, in_channels: dict[int, int], channels: int, augment, extra) -> None:
        super().__init__(in_channels, channels, None, extra)


def test_a_neck_that_drops_the_augmentation_is_refused(monkeypatch) -> None:
    """Its run would be recorded as one with Residual Feature Augmentation."""
    monkeypatch.setitem(build.BUILDERS["neck"], "fpn", Forgetful)
    with pytest.raises(UserError, match="does not keep the augment that it is given"):
        build_detector(replace(SMALL, ratios=(0.1,)))
    build_detector(replace(SMALL, ratios=()))


def test_even_gates_are_half_everywhere_and_change_nothing_else() -> None:
    """The gates of Residual Feature Augmentation and of Soft RoI Selection, and these alone."""
    model = replace(SMALL, ratios=(0.1, 0.2), roi_selection="soft")
    torch.manual_seed(0)
    random = build_detector(model)
    torch.manual_seed(0)
    even = build_detector(replace(model, gates="even"))
    drawn, begun = random.state_dict(), even.state_dict()
    changed = {name for name in drawn if not drawn[name].equal(begun[name])}
    assert changed == {"fpn.augment.fusion.score.weight", "select.fusion.score.weight"}
    maps = [torch.randn(2, model.channels, 7, 7) for _ in even.select.levels]
    assert even.select.fusion.weights(maps).eq(0.5).all()
    assert not random.select.fusion.weights(maps).eq(0.5).any()
