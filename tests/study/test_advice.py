"""What to try: options that are what they are called, and gains with their pairs of runs."""

import re
from functools import cache

import pytest

from augfpn.settings import parameters
from augfpn.settings.components import variant_of
from augfpn.study import advice, claims, freeze, gather, spreads, tables, tries
from augfpn.study.cells import effect_text
from augfpn.study.evidence import Evidence
from augfpn.study.intervals import Interval
from augfpn.training.prepare import experiment_from


@pytest.mark.parametrize(
    ("options", "variant"),
    [
        (advice.PLAIN_FPN, "fpn"),
        (advice.CS_ONLY, "cs"),
        (advice.CS_SRS, "cs_srs"),
        ("--baseline train", "augfpn"),
        (advice.EVEN_GATES, "augfpn"),
    ],
)
def test_options_switch_off_what_the_table_says(options: str, variant: str) -> None:
    """Without options all three parts are on."""
    words = options.replace("`", "").split()
    given = {
        name.removeprefix("--").replace("-", "_"): value
        for name, value in zip(words[::2], words[1::2], strict=True)
    }
    chosen = parameters.parse({"data": "scenes", "budget": "smoke", "device": "cpu"} | given)
    assert variant_of(experiment_from(chosen, "scratch").model) == variant


@pytest.mark.parametrize("start", advice.LARGER)
def test_options_for_small_objects_have_larger_images_and_smaller_anchors(start: str) -> None:
    """Larger than those of the row above, and anchors smaller than these images alone bring."""
    given = {"data": "scenes", "device": "cpu", "budget": "transfer"}
    if start == advice.FROM_COCO:
        given |= {"budget": "gpu", "weights": "coco", "short_side": 800}
    anchors = advice.SMALLER_ANCHORS.strip("`").split()[1]
    larger_side = {"short_side": advice.LARGER[start]}
    plain, larger, both = (
        experiment_from(parameters.parse(given | more), "scratch").model
        for more in ({}, larger_side, larger_side | {"settings": (anchors,)})
    )
    assert larger.short_side == both.short_side == advice.LARGER[start] > plain.short_side
    assert all(a < b for a, b in zip(both.anchor_sizes, larger.anchor_sizes, strict=True))


@cache
def photographs() -> dict[str, Evidence]:
    return gather.committed_sets(("bccd", "bccd_learning", "aquarium"), "transfer")


@cache
def later() -> Evidence:
    return gather.committed("scenes", "laptop", "confirmation")


def rows_of(table: str) -> dict[str, str]:
    """The lines of a table by their situation."""
    return {line.split("|")[1].strip(): line for line in table.splitlines()[2:]}


def your_case() -> dict[str, str]:
    return rows_of(advice.your_case_table(later(), photographs()))


def other_cases() -> dict[str, str]:
    return rows_of(advice.other_cases_table(later(), photographs()))


def test_own_images_are_apart_from_other_cases() -> None:
    """COCO's weights come first; no row that starts from scratch is among them."""
    own, others = list(your_case()), list(other_cases())
    assert own[:2] == ["COCO's weights, a GPU", "small objects matter most"]
    assert not any("scratch" in situation for situation in own)
    assert all("scratch" in each or "like COCO" in each for each in others)


def test_gains_name_their_images_and_pairs_of_runs() -> None:
    first, learns, last = advice.gains_on(photographs(), "augfpn")
    assert first.startswith("blood cells, pretrained: −1.2 [")
    assert first.endswith("; 8 pairs")
    assert learns.startswith("blood cells, pretrained, backbone learns: ")
    assert last.startswith("aquarium, pretrained: ")
    assert advice.gains_on({"aquarium": photographs()["aquarium"]}, "augfpn_even") == ["not run"]


def test_augfpn_has_less_ap_than_fpn_on_all_photographs() -> None:
    """So the first row advises plain FPN."""
    assert all(of.effects("augfpn", "fpn")["AP"].mean < 0 for of in photographs().values())


def test_no_command_from_pretrained_weights_begins_with_random_gates() -> None:
    """Each leaves Soft RoI Selection out or lets its gates begin even."""
    for situation, line in your_case().items():
        if "weights" in situation:
            for command in line.split("|")[2].split(advice.BREAK):
                without = any(f"--parts {parts}`" in command for parts in ("none", "cs"))
                assert without or advice.EVEN_GATES in command


def test_seeds_are_as_many_as_the_table_says() -> None:
    seeds = {
        name: later().effects(name, "fpn")["AP"].seeds
        for name in ("cs", "srs", "cs_srs", "fpn_2x_steps", "fpn_tuned")
    }
    assert [*seeds.values()] == [9, 9, 9, 6, 6]


def test_nine_tries_are_typed() -> None:
    for said, tried in zip(advice.searched_text(), ("lr", "canonical_size"), strict=True):
        every = {getattr(each, tried) for each in tries.PILOT_TRIES["laptop"][:9]}
        assert len(every) == 3
        assert {float(x) for x in re.findall(r"\d\S*\d", said)} == every


def test_small_objects_have_what_was_measured_before_what_was_not() -> None:
    line = your_case()["small objects matter most"]
    assert line.index("twice the steps") < line.index("searched") < line.index("not measured")
    parts = your_case()["the same, and you want a part"]
    assert list(your_case()).index("the same, and you want a part") == 2
    for there, *pair in (
        (line, "fpn_2x_steps"),
        (line, "fpn_tuned"),
        (parts, "augfpn"),
        (parts, "augfpn_tuned", "fpn_tuned"),
    ):
        found = spreads.wider_text(later(), *pair, number="APs")
        assert found.replace("\u00a0", " ") in there.replace("\u00a0", " ")
    row = tables.variant_row("augfpn", later())
    assert f"{row.printed['APs'] - row.base['APs']:+.1f} on val, +1.8 on test-dev" in parts


def test_no_part_is_shown_to_help_small_objects() -> None:
    for name in ("cs", "rfa", "srs", "augfpn"):
        assert later().effects(name, "fpn")["APs"].low < 0


def test_mmdetections_newer_fpn_is_named_beside_the_papers_gain() -> None:
    line = other_cases()["long training on data like COCO"]
    assert "+2.4 by the paper" in line
    assert "1.1 above the paper's, and with 24 epochs only 0.3 below" in line


def test_what_is_longer_is_told_once_it_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advice, "wider_effect", lambda *_: None)
    assert advice.longer_text(later()) == ""
    found = Interval(0.01, 0.001, 0.02, 3, 0.001, 0.001)
    monkeypatch.setattr(advice, "wider_effect", lambda *_: found)
    assert (
        advice.longer_text(later())
        == "four times the steps: +1.0 [+0.1, +2.0] (3 seeds, run later)"
    )


def test_times_are_medians_over_pairs() -> None:
    text = advice.times_text(photographs(), "augfpn")
    assert text.startswith("a run took ")
    low, high = (float(x) for x in text.split()[3:6:2])
    assert 1 < low < high < 2.5
    assert advice.times_text({"aquarium": photographs()["aquarium"]}, "augfpn_even") == ""


def test_what_scenes_say_of_medium_objects_stands_beside_what_photographs_say() -> None:
    (line,) = [line for name, line in other_cases().items() if "medium objects matter" in name]
    on_scenes, on_cells = (
        spreads.wider_effect(of, "cs_srs", number="APm") for of in (later(), photographs()["bccd"])
    )
    assert on_scenes.low > 0 > on_cells.high
    line = line.replace("\u00a0", " ")
    assert line.index(effect_text(on_scenes)) < line.index(effect_text(on_cells))


def test_ap_by_size_was_no_question_beforehand() -> None:
    """The seeds were fixed, but no fixed test compares a part with FPN on small objects alone."""
    every = {each.id: each for each in claims.claims()}
    tests = [
        test for name in freeze.decided_by_table2(every.values()) for test in every[name].tests
    ]
    alone = [test for test in tests if test.minus == ("fpn",) and test.numbers == ("APs",)]
    assert [test.plus for test in alone] == [("rfa",)]
    table = advice.your_case_table(later(), photographs())
    assert table.count("fixed beforehand, the question was not") == 1
    assert "fixed beforehand)" not in table
