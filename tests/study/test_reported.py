"""What the paper reports: its numbers, paired and counted."""

import numpy as np
import pytest

from augfpn.study.results import reported


def test_each_detector_of_table_1_has_an_fpn_beside_it() -> None:
    gains = {each.label: each.gain() for each in reported.pairs()}
    assert len(gains) == 12
    assert gains["Faster R-CNN, ResNet-50"] == 2.3, "the paper's own difference"
    assert gains["Mask R-CNN, ResNet-101, 24 epochs"] == 1.6
    masks = {each.label: each.gain() for each in reported.pairs(masks=True)}
    assert masks == {
        "Mask R-CNN, ResNet-50": 1.9,
        "Mask R-CNN, ResNet-101": 1.5,
        "Mask R-CNN, ResNet-101, 24 epochs": 1.7,
    }


def test_gains_are_those_that_the_paper_prints() -> None:
    for each in (*reported.pairs(), *reported.pairs(masks=True)):
        assert each.gain() == each.augfpn["delta_AP"]


def test_rows_of_the_ablations_are_minus_the_fpn_of_their_table() -> None:
    rows = {(each.table, each.label): each.gain for each in reported.ablations()}
    assert len(rows) == 7 + 7 + 10 + 4
    assert rows["Table 2", "AugFPN"] == 2.4
    assert rows["Table 3", "all, λ = 0.25"] == rows["Table 2", "CS"] == 0.9
    assert rows["Table 4", "RA-AP 0.1, 0.2, 0.3, sum"] == 0.8
    assert rows["Table 4", "RA-AP 0.1, 0.2, 0.3"] == rows["Table 2", "RFA"] == 1.0
    assert rows["Table 5", "ASF"] == rows["Table 2", "SRS"] == 0.8


@pytest.mark.parametrize(
    ("part", "number", "gains"),
    [  # with the part minus without: FPN, then with each of the other two, then with both
        ("srs", "APs", (21.8 - 21.4, 22.9 - 21.8, 23.6 - 22.5, 24.1 - 22.8)),
        ("cs", "AP", (37.2 - 36.3, 37.7 - 37.3, 38.0 - 37.1, 38.7 - 37.9)),
    ],
)
def test_the_papers_main_effect_is_the_mean_of_four_gains(
    part: str, number: str, gains: tuple[float, ...]
) -> None:
    """Soft RoI Selection on small objects gains 0.4 alone, and 1.0 on average."""
    found = reported.printed_main_effect(part, number)
    assert found == pytest.approx(sum(gains) / 4)
    assert f"{found:.1f}" == {"srs": "1.0", "cs": "0.8"}[part]


def test_pairs_within_the_noise_are_counted() -> None:
    assert reported.pairs_within([36.3, 36.4, 36.6, 37.0], 0.3) == (3, 6)


def test_the_best_row_stays_best_as_often_as_the_normal_distribution_says() -> None:
    """Two rows a distance d apart, each with deviation s: the better one wins in Phi(d / s√2)."""
    assert reported.best_again([36.0, 36.15], 0.3) == pytest.approx(0.7602, abs=0.015)
    assert reported.best_again([36.0, 40.0], 0.3) == 1
    assert reported.best_again([36.0, 36.0], 0.3) == 1, "either of equal rows may win"


def test_no_share_of_draws_is_told_as_certain() -> None:
    assert [reported.share_text(x) for x in (1.0, 0.9996, 0.98)] == [
        *("more than 99.9 %", "more than 99.9 %", "98 %")
    ]
    rows = reported.noise_table().splitlines()
    assert [cell.replace("\u00a0", " ").strip() for cell in rows[2].split("|")[4:6]] == [
        *("more than 99.9 %", "92 %")
    ]


def test_an_interaction_is_what_is_beyond_the_sum() -> None:
    gains = {"a": 1.0, "b": 0.5, "a + b": 1.2}
    assert reported.beyond(gains, {"a + b": ["a", "b"]}) == {"a + b": -0.3}
    assert {name: each.beyond for name, each in reported.interactions().items()} == {
        "CS + RFA": -0.5,
        "CS + SRS": 0.0,
        "RFA + SRS": -0.2,
        "AugFPN": -0.3,
    }


def test_two_runs_differ_by_less_than_the_noise_in_84_of_100_cases() -> None:
    draws = np.random.default_rng(2).normal(0, reported.of_one_run(0.3), (2, 200_000))
    assert np.mean(abs(draws[0] - draws[1]) < 0.3) == pytest.approx(0.843, abs=0.004)


def test_an_interaction_deviates_as_rows_of_one_run_each_make_it() -> None:
    """Rows are drawn anew; FPN's is in every gain, so it counts more than once with three parts."""
    fpn, a, b, c, two, three = np.random.default_rng(3).normal(0, 0.15, (6, 200_000))
    pair = (two - fpn) - (a - fpn) - (b - fpn)
    of_all = (three - fpn) - (a - fpn) - (b - fpn) - (c - fpn)
    found = reported.interactions(noise=0.3)
    assert found["CS + RFA"].deviation == pytest.approx(pair.std(), rel=0.01)
    assert found["AugFPN"].deviation == pytest.approx(of_all.std(), rel=0.01)


def test_components_are_those_of_the_papers_table_2() -> None:
    """Typed from the paper: 36.3 without a part, 38.7 with all; two rows have a star."""
    header, _, fpn, *rows = reported.components_table().splitlines()
    assert [cell.strip() for cell in header.strip("|").split("|")][1:] == [
        *("AP", "small", "medium", "large")
    ]
    assert "36.3" in fpn
    assert "38.7 (+2.4)" in rows[-1]
    assert "24.1 (+2.7)" in rows[-1]
    assert [row.split("|")[1].strip() for row in rows if "*" in row] == [
        "CS + RFA *",
        "RFA + SRS *",
    ]
