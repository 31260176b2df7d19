"""The control of a dial: colour tells the classes that it adds, and nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from augfpn.data.scenes.scene import scene, scenes
from augfpn.data.scenes.settings import ARRANGED, LINED, PILLS, SceneSettings

PLAIN = SceneSettings(
    fewest=4, most=10, classes=("disk", "triangle", "cross"), tilt=0.25, own_colours=0.8
)


def redness(settings: SceneSettings, own: tuple[str, str]) -> list[NDArray[np.float64]]:
    """For each of two classes, mean red minus mean blue of its visible objects."""
    found: list[list[float]] = [[], []]
    for each in (scene(settings, "val", index) for index in range(40)):
        for thing in each.objects:
            name = settings.all_classes[thing.category]
            if name in own:
                red, _, blue = each.image[thing.mask].mean(0) / 255
                found[own.index(name)].append(red - blue)
    return [np.array(some) for some in found]


def right_more_often(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """In which share of pairs the object of the first class has the larger number."""
    return float((first[:, None] > second).mean())


@pytest.mark.parametrize(
    ("dial", "own"), [("detail", LINED), ("context", PILLS), ("arrangement", ARRANGED)]
)
def test_the_control_changes_colours_only_and_they_tell_the_classes_apart(dial, own) -> None:
    turned = replace(PLAIN, **{dial: 0.5})
    control = replace(turned, told_by_colour=True)
    for index in range(3):
        before, after = (scene(each, "val", index) for each in (turned, control))
        assert [x.category for x in before.objects] == [x.category for x in after.objects]
        for a, b in zip(before.objects, after.objects, strict=True):
            assert (a.mask == b.mask).all()
    assert 0.35 < right_more_often(*redness(turned, own)) < 0.65
    assert right_more_often(*redness(control, own)) > 0.85
    assert scenes(control, "val", 1).fingerprint != scenes(turned, "val", 1).fingerprint
