"""A worked example in both directions for each option of `augfpn.settings.dialects`.

    @worked("FCOS", "rank", torchvision=0.4, authors=0.16)
    def test_...(value, expected): ...

runs the test with each source's value as the dialects have it; `test_dialects` holds the list of
examples against the list of options.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from augfpn.config import Model
from augfpn.settings import dialects
from augfpn.settings.budgets import BUDGETS

GROUPS = {
    name: getattr(dialects, f"OF_{name}") for name in ("EVERY", "PROPOSALS", "RETINANET", "FCOS")
}
EXAMPLES: dict[tuple[str, str], str] = {}  # (group, field) -> the test

# A detector of every kind that takes a fraction of a second; FCOS wants groups of 32 channels.
TINY = replace(
    BUDGETS["smoke"].model,
    classes=4,
    channels=32,
    head_width=64,
    short_side=96,
    long_side=128,
    rois=32,
)


def option(group: str, field: str) -> dialects.Option:
    """One difference, by the name of its tuple in `augfpn.settings.dialects` and of its field."""
    (found,) = [each for each in GROUPS[group] if each.field == field]
    return found


def worked(groups: str, field: str, torchvision: Any, authors: Any) -> Callable:
    """Run a test with (value, expected) of both sources; ``groups`` by name, apart by spaces."""
    assert torchvision != authors, "an example that cannot tell the two apart"

    def mark(test: Callable) -> Callable:
        cases = []
        for group in groups.split():
            EXAMPLES[group, field] = test.__name__
            of = option(group, field)
            cases += [
                pytest.param(of.torchvision, torchvision, id=f"{group}-torchvision"),
                pytest.param(of.authors, authors, id=f"{group}-authors"),
            ]
        return pytest.mark.parametrize(("value", "expected"), cases)(test)

    return mark


def with_option(group: str, field: str, value: Any, model: Model = TINY) -> Model:
    """A small detector that knows the option, with one value of it."""
    detector = {"RETINANET": "retinanet", "FCOS": "fcos"}.get(group, "faster_rcnn")
    model = replace(model, detector=detector)
    if group in ("RETINANET", "FCOS"):
        own = getattr(model, detector)
        return replace(model, **{detector: replace(own, **{field: value})})
    return replace(model, **{field: value})
