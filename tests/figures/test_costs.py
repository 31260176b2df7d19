"""The figure of what detectors cost."""

from augfpn.figures import costs

FORWARD = {
    "torchvision": {"backbone": 2.0, "heads": 1.0, "transform": 0.25, "other": 0.25},
    "augfpn": {"backbone": 2.0, "fusion": 1.0},
}
BACKWARD = {"torchvision": {"heads": 1.5}, "augfpn": {}}


def test_bars_are_as_long_as_their_parts_and_say_the_ratio() -> None:
    """3.5 s forward (of which the rest is 0.5) and 1.5 s backward; 3 s forward."""
    panels = {"training": (FORWARD, BACKWARD)}
    figure = costs.time_by_part(panels, {"training": {"torchvision": 1.0, "augfpn": 0.6}}, "x")
    (axis,) = figure.axes
    ends: dict[int, float] = {}
    for bar in axis.patches:
        place = round(bar.get_y() + bar.get_height() / 2)
        assert bar.get_x() == ends.get(place, 0.0)  # each begins where the last one ends
        ends[place] = bar.get_x() + bar.get_width()
    assert ends == {0: 5.0, 1: 3.0}
    assert [text.get_text() for text in axis.texts] == ["1.00", "0.60"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["torchvision", "augfpn"]
    (legend,) = figure.legends
    shown = [text.get_text() for text in legend.get_texts()]
    assert shown == ["backbone", "fusion", "heads", "the rest", "pale: backward"]


def test_backward_is_paler_than_forward() -> None:
    figure = costs.time_by_part(
        {"training": (FORWARD, BACKWARD)}, {"training": dict.fromkeys(FORWARD, 1.0)}, "x"
    )
    colours = {bar.get_facecolor()[:3] for bar in figure.axes[0].patches}
    assert costs.pale(costs.PART_COLOURS["heads"]) in {tuple(c) for c in colours}


def test_a_use_without_backward_has_no_line_for_it() -> None:
    figure = costs.time_by_part(
        {"testing": (FORWARD, {})}, {"testing": dict.fromkeys(FORWARD, 1.0)}, "torchvision"
    )
    (legend,) = figure.legends
    assert "pale: backward" not in [text.get_text() for text in legend.get_texts()]
    assert figure.axes[0].get_xlabel().endswith("ratio to torchvision")
