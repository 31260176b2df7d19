"""Figures show the numbers they are given, in one theme, and leave matplotlib's settings alone."""

import itertools
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from augfpn.figures import context, costs, gates, plots, reported_gains, shapes, theme
from augfpn.figures.colours import LEVEL_COLOURS

CURVE = [
    {"step": i, "lr": 0.1, "loss_classifier": 2 / i, "loss_supervision_class": 1.0}
    for i in range(1, 81)
]
EFFECTS = [("CS", 0.5, -0.5, 1.5, 0.9), ("RFA", 1.0, 0.7, 1.3, None)]
CONFIRMED = [*EFFECTS, ("CS, confirmation", 0.8, 0.4, 1.2, None)]
RUNS = pd.DataFrame({
    "label": ["FPN", "FPN", "CS", "RFA"],
    "seed": [0, 1, 0, 1],
    "AP": [30.0, 31.0, 32.0, 30.5],
    "minus FPN": [0.0, 0.0, 2.0, -0.5],
})  # fmt: skip
PILOTS = pd.DataFrame(
    [
        ["passes", True, "lost", 10.0, 9.0, 11.0],
        ["passes", True, "regained", 95.0, 90.0, 99.0],
        ["fails", False, "lost", 4.0, np.nan, np.nan],
    ],
    columns=["dial", "passes", "number", "mean", "low", "high"],
)
LENGTHS = pd.DataFrame({
    "detector": ["FPN", "FPN", "FPN", "AugFPN"],
    "seed": [3, 4, 3, 3],
    "time": [1.0, 1.0, 2.0, 1.8],
    "AP": [48.0, 50.0, 60.0, 51.0],
})  # fmt: skip
WEIGHTS = np.linspace(0, 1, 20).reshape(4, 5)
SHADES = {"4 × 5": WEIGHTS / 2, "4 × 2": WEIGHTS[:, :2]}
ABLATIONS = [
    ("Table 2", "CS", 0.9),
    ("Table 2", "AugFPN", 2.4),
    ("Table 3", "all, 0.25", 0.9),
    ("Table 4", "GMP, sum", -1.8),
    ("Table 4", "GAP, sum", 0.5),
    ("Table 5", "ASF", 0.8),
]
PICTURE = np.zeros((32, 48, 3), np.uint8)
FIGURES: dict[str, Callable[[], Figure]] = {
    "loss_curves": lambda: plots.loss_curves({"AugFPN": CURVE, "FPN": CURVE[:40]}),
    "one step": lambda: plots.loss_curves({"not run": [{"step": 0, "lr": 0.0, "loss_none": 1.0}]}),
    "schedules": lambda: plots.schedules({"a": [0.0, 1.0, 0.1], "b": [1.0, 0.0]}),
    "effects": lambda: plots.effects(EFFECTS),
    "effects of one seed": lambda: plots.effects([("CS", 0.5, np.nan, np.nan, None)]),
    "effects with their pairs": lambda: plots.effects(EFFECTS, RUNS),
    "effects under headings": lambda: plots.effects(
        [(f"cells, {label}", *row) for label, *row in EFFECTS], None, ["cells"]
    ),
    "effects, confirmed": lambda: plots.effects(CONFIRMED),
    "dots": lambda: plots.dots(RUNS),
    "dots with a seed marked": lambda: plots.dots(RUNS, marked=1),
    "verdicts": lambda: plots.verdicts(
        {"headline": ["holds", "not run"], "run time": []},
        ("holds", "does not hold", "smaller", "undecided", "not run"),
    ),
    "cost_by_part": lambda: costs.cost_by_part(
        {"backbone": (23e6, 80e9), "gates": (3e5, 13e9), "supervision": (14e6, 29e9)},
        ["gates", "supervision"],
        ["supervision"],
    ),
    "mixtures": lambda: plots.mixtures(np.full((2, 4, 4), 0.4)),
    "level_weights": lambda: plots.level_weights({"": WEIGHTS}, np.geomspace(16, 256, 5), (64,)),
    "matrices": lambda: plots.matrices(
        {"": np.array([[1.0, 2.0], [np.nan, np.nan]])}, ["M2", "M3"], "tested on", "fitted on", ""
    ),
    "pilots": lambda: gates.pilots(PILOTS, {"lost": 8.0, "regained": 80.0}),
    "ap_against_time": lambda: costs.ap_against_time(LENGTHS),
    "fields": lambda: plots.fields({"M5": WEIGHTS, "P5": WEIGHTS, "C5": WEIGHTS}, columns=2),
    "fields on one scale": lambda: plots.fields({"scene": PICTURE, "P5": WEIGHTS}, 1, 1, "weight"),
    "maps_figure": lambda: shapes.maps_figure(
        {"fractions": {"4 × 5": WEIGHTS, "4 × 2": WEIGHTS[:, :2]}, "bins": SHADES}
    ),
    "pairs of the paper": lambda: reported_gains.pairs_figure([("A", "small", 30.0, 31.5)]),
    "context": lambda: context.context_figure(
        np.array([[0.5, 0.1], [0.1, 0.2]]), np.array([30.0, 70.0]), (0.1, 0.2)
    ),
    "ablations": lambda: reported_gains.ablations_figure(ABLATIONS, 0.15),
    "gallery": lambda: plots.gallery({"annotated": [PICTURE, PICTURE], "found": [PICTURE]}),
}  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_white_closed_and_the_same_bytes_twice(name: str, tmp_path: Path) -> None:
    before = dict(plt.rcParams)
    files = [tmp_path / f"{i}.svg" for i in range(2)]
    for file in files:
        figure = FIGURES[name]()
        theme.write_svg(figure, file)
        assert to_hex(figure.get_facecolor()) == "#ffffff"
    assert files[0].read_bytes() == files[1].read_bytes()
    assert not plt.get_fignums()
    assert dict(plt.rcParams) == before


def test_contrast_is_that_of_the_standard() -> None:
    assert theme.wcag_contrast("black", "white") == pytest.approx(21)
    assert theme.wcag_contrast("#767676", "white") == pytest.approx(4.54, abs=0.01)


def test_numbers_on_cells_have_the_ink_that_is_easier_to_read() -> None:
    values = np.arange(0.0, 64.0, 4.0).reshape(4, 4)
    values[0, 1] = np.nan
    (axis,) = plots.matrices({"": values}, ["a", "b", "c", "d"], "", "", "").axes
    cells = axis.collections[0].get_facecolors().reshape(4, 4, 4)
    assert len(axis.texts) == 15
    for text in axis.texts:
        x, y = map(int, text.get_position())
        assert int(text.get_text()) == values[y, x]
        assert theme.wcag_contrast(text.get_color(), cells[y, x]) > 4.4
    assert len({text.get_color() for text in axis.texts}) == 2


def test_what_is_added_has_a_colour_and_what_is_for_training_is_hatched() -> None:
    for axis in FIGURES["cost_by_part"]().axes:
        (bars,) = axis.containers
        shared, gates, supervision = bars
        assert shared.get_facecolor() != gates.get_facecolor() == supervision.get_facecolor()
        assert [bar.get_hatch() for bar in bars] == [None, None, "////"]
    assert [text.get_text() for text in axis.texts] == ["80", "13", "29"]


def test_intervals_are_drawn_as_given() -> None:
    (axis,) = FIGURES["effects"]().axes
    paper, lines = axis.collections
    ends = [(low, high) for (low, _), (high, _) in lines.get_segments()]
    assert ends == [(low, high) for _, _, low, high, _ in EFFECTS]
    low, high = axis.get_xlim()
    assert low < -0.5 < 1.5 < high
    here = axis.lines[1]
    assert list(here.get_xdata()) == [0.5, 1.0]
    assert here.get_ydata()[1] > here.get_ydata()[0]
    assert paper.get_offsets()[0].tolist() == [0.9, 0.0]
    assert len(paper.get_facecolor()) == 0


def test_what_confirms_shares_its_pilots_place_in_another_colour() -> None:
    (axis,) = plots.effects(CONFIRMED).axes
    assert [text.get_text() for text in axis.get_yticklabels()] == ["CS", "RFA"]
    _, lines = axis.collections
    assert [low for (low, _), _ in lines.get_segments()] == [-0.5, 0.7, 0.4]
    first, other, below = (y for (_, y), _ in lines.get_segments())
    assert -0.5 < first < 0 < below < 0.5 < other == 1
    pilot, again, later = map(to_hex, lines.get_colors())
    assert pilot == again != later
    said = [text.get_text() for text in axis.get_legend().get_texts()]
    assert said == ["pilot", "confirmation", "the paper, on COCO"]
    (alone,) = plots.effects(CONFIRMED[2:]).axes
    assert [text.get_text() for text in alone.get_yticklabels()] == ["CS, confirmation"]


def test_each_ablation_has_its_name_and_a_line_of_its_own() -> None:
    (axis,) = reported_gains.ablations_figure(ABLATIONS, 0.15).axes
    names = {label for _, label, _ in ABLATIONS}
    assert names <= {text.get_text() for text in axis.get_yticklabels()}
    bars = [line.get_xydata() for line in axis.lines if line.get_lw() == 7]
    inside = sorted(gain for *_, gain in ABLATIONS if gain > -0.75)
    assert np.allclose(sorted(bar[:, 0].mean() for bar in bars), inside)
    lines = [bar[0, 1] for bar in bars]
    assert len({*lines}) == len(lines)
    said = [text.get_text() for text in axis.texts]
    assert "\N{MINUS SIGN}1.8" in said, "what would lie outside has its number"


def test_a_gain_lies_above_the_ap_that_it_is_added_to() -> None:
    pairs = [("A", "small", 30.0, 31.5), ("A", "large", 40.0, 41.0), ("B", "small", 30.1, 31.5)]
    (axis,) = reported_gains.pairs_figure(pairs).axes
    dots = np.vstack([each.get_offsets() for each in axis.collections])
    assert np.allclose(dots, [[30, 1.5], [40, 1.0], [30.1, 1.4]])
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["A", "B"]
    assert [text.xy for text in axis.texts] == [(x, y - x) for *_, x, y in pairs]
    boxes = [text.get_window_extent() for text in axis.texts]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_maps_of_all_shapes_share_a_scale_and_the_size_of_a_place() -> None:
    *axes, bar = FIGURES["maps_figure"]().axes
    assert [axis.get_ylabel() for axis in axes] == ["fractions", "", "bins", ""]
    assert [axis.get_title() for axis in axes] == ["4 × 5", "4 × 2", "", ""]
    assert {image.get_clim() for axis in axes for image in axis.images} == {(0, 1)}
    heights = {round(axis.get_position().height, 3) for axis in axes}
    assert len(heights) == 1
    assert bar.get_position().y1 < min(axis.get_position().y0 for axis in axes)


def test_a_level_has_its_colour_in_every_panel() -> None:
    for axis in FIGURES["mixtures"]().axes:
        colours = [to_hex(line.get_color()).upper() for line in axis.lines]
        assert colours == [LEVEL_COLOURS[k] for k in (2, 3, 4, 5)]
    for axis in FIGURES["level_weights"]().axes:  # the panel, and its scale
        bands = [band for band in axis.collections if band.get_array() is not None]
        full = [to_hex(band.cmap(1.0)).upper() for band in bands]
        assert full == [LEVEL_COLOURS[k] for k in (2, 3, 4, 5)]


@pytest.mark.parametrize("runs", [1, 3, 4])
def test_each_seed_has_a_panel_with_the_weights_of_its_run(runs: int) -> None:
    seeds = np.random.default_rng(0).random((runs, 4, 4))
    panels = [axis for axis in plots.mixtures(seeds).axes if axis.lines]
    for axis, weights in zip(panels, seeds, strict=True):
        assert np.allclose([line.get_ydata() for line in axis.lines], weights.T)


def test_levels_with_too_few_rois_say_so() -> None:
    seeds = np.full((1, 4, 4), 0.5)
    seeds[0, 3] = np.nan
    figure = plots.mixtures(seeds)
    said = [[text.get_text() for text in axis.texts] for axis in figure.axes]
    assert said == [["too few RoIs"]]


def test_terms_are_smoothed_and_supervision_is_left_out_of_the_sum() -> None:
    smooth = plots.smoothed(CURVE)  # 80 steps: the mean of two
    assert smooth.index[0] == 2
    assert smooth["loss_classifier"].iloc[0] == pytest.approx((2 + 1) / 2)
    _, right = FIGURES["loss_curves"]().axes
    assert right.lines[0].get_ydata()[0] == pytest.approx(1.5)


def test_bars_of_verdicts_hold_their_counts() -> None:
    (axis,) = plots.verdicts({"a": ["x", "x", "z"], "b": ["y"]}, ("x", "y", "z", "w")).axes
    assert sorted(text.get_text() for text in axis.texts if text.get_text()) == ["1", "1", "2"]


@pytest.mark.parametrize(("rows", "said"), [(EFFECTS, True), (EFFECTS[1:], False)])
def test_a_legend_is_drawn_only_if_it_tells_two_things_apart(rows: list, said: bool) -> None:
    (axis,) = plots.effects(rows).axes
    assert (axis.get_legend() is not None) == said


def test_a_line_of_ap_against_time_runs_through_the_means() -> None:
    (axis,) = costs.ap_against_time(LENGTHS).axes
    lines = [line.get_xydata().tolist() for line in axis.lines if len(line.get_xydata())]
    assert lines == [[[1, 49], [2, 60]], [[1.8, 51]]]
    assert axis.get_xscale() == "log"


def test_a_gallery_has_two_pictures_side_by_side_and_the_rest_of_its_rows_below() -> None:
    three, one = [PICTURE] * 3, [PICTURE] * 3
    figure = plots.gallery({"annotated": three, "found": one}, titles=list("abcdef"))
    drawn = [axis for axis in figure.axes if axis.images]
    assert len(figure.axes) == 8
    assert [axis.get_title() for axis in drawn] == list("abdecf")
    assert [axis.get_ylabel() for axis in drawn] == [
        "annotated",
        "",
        "found",
        "",
        "annotated",
        "found",
    ]


def test_rows_without_labels_are_one_row_of_a_gallery() -> None:
    figure = plots.gallery({"": [PICTURE] * 3, " ": [PICTURE]}, titles=list("abcd"))
    assert [axis.get_title() for axis in figure.axes] == list("abcd")
