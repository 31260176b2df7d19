"""Probes, the semantic gap and the top level, against cases where the answer is known."""

import numpy as np
import pytest
import torch

from augfpn.diagnostics import probes, semantic_gap, top_level
from augfpn.diagnostics.numbers import gap_numbers, top_level_numbers
from augfpn.diagnostics.objects import Seen

PICTURES = np.repeat(np.arange(40), 5)  # five objects in each of forty pictures


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_cka_ignores_rotation_and_scale_and_sees_what_is_unrelated(rng) -> None:
    x = rng.normal(size=(2000, 8))
    turned = x @ np.linalg.qr(rng.normal(size=(8, 8)))[0]
    assert probes.linear_cka(x, x) == pytest.approx(1)
    assert probes.linear_cka(x, 3 * turned + 5) == pytest.approx(1)
    assert probes.linear_cka(x, rng.normal(size=(2000, 8))) < 0.02


def test_cka_by_hand() -> None:
    """Columns (1, -1, 0) and (1, 0, -1): centred; X'Y = 1, X'X = Y'Y = 2, so 1 / 4."""
    assert probes.linear_cka(
        np.array([[1.0], [-1.0], [0.0]]), np.array([[1.0], [0.0], [-1.0]])
    ) == pytest.approx(0.25)


def test_a_readout_finds_again_what_is_there_and_only_that(rng) -> None:
    x = rng.normal(size=(200, 3))
    linear = x @ rng.normal(size=(3, 4))
    assert probes.explained(x, linear, PICTURES) > 0.95
    assert abs(probes.explained(x, rng.normal(size=(200, 4)), PICTURES)) < 0.1
    half = np.concatenate(
        [linear[:, :1], np.std(linear[:, :1]) * rng.normal(size=(200, 1))], axis=1
    )
    assert probes.explained(x, half, PICTURES) == pytest.approx(0.5, abs=0.1)


def test_pictures_are_never_fitted_and_judged_on() -> None:
    for fit, judge in probes.halves(PICTURES):
        assert not set(PICTURES[fit]) & set(PICTURES[judge])
        assert fit.sum() + judge.sum() == len(PICTURES)


def levels_of(rng: np.random.Generator) -> tuple[np.ndarray, list[np.ndarray]]:
    """Three classes on three levels: the second level is the first one shifted and stretched, and
    on the third the centres of the classes are permuted."""
    labels = rng.integers(1, 4, len(PICTURES))
    centres = 4 * np.eye(3)
    first = centres[labels - 1] + rng.normal(size=(len(labels), 3))
    third = centres[labels % 3] + rng.normal(size=(len(labels), 3))
    return labels, [first, 10 * first + 3, third]


def test_a_probe_transfers_where_the_meaning_is_the_same(rng) -> None:
    labels, levels = levels_of(rng)
    found = probes.transfer(levels, labels, PICTURES)
    assert found[0, 0] > 0.9
    assert found[0, 1] == pytest.approx(found[1, 1], abs=0.05)  # neither scale nor shift counts
    assert found[0, 2] < 0.1


def test_the_gap_is_what_a_probe_loses_on_other_levels(rng) -> None:
    labels, levels = levels_of(rng)
    seen = [
        Seen(
            labels[i == PICTURES],
            {f"M{k}": x[i == PICTURES] for k, x in zip((3, 4, 5), levels, strict=True)}
            | {"M5 + M6": np.zeros((5, 3))},
            {},
        )
        for i in range(40)
    ]
    found = semantic_gap.semantic_gap(seen)
    assert (found["levels"], found["objects"]) == (["M3", "M4", "M5"], 200)
    numbers = gap_numbers(found)
    probe = np.array(found["probe"])
    assert numbers["own level"] == pytest.approx(np.trace(probe) / 3)
    assert numbers["other level"] == pytest.approx((probe.sum() - np.trace(probe)) / 6)
    assert numbers["gap"] > 0.4


def test_content_and_loss_at_the_top(rng) -> None:
    """M5 holds half of C5's channels; P5 at every place also tells how many objects there are."""

    def look(i: int) -> Seen:
        labels = rng.integers(1, 3, rng.integers(1, 9))
        c5 = rng.normal(size=(20, 4))
        counts = np.bincount(labels, minlength=3)[1:]
        p5 = np.concatenate([c5[:, :2], np.tile(counts, (20, 1))], axis=1)
        maps = {"C5": c5, "M5": c5[:, :2], "P5": p5}
        return Seen(labels, {name: x[: len(labels)] for name, x in maps.items()}, maps)

    seen, learned = [look(i) for i in range(40)], [look(i) for i in range(60)]
    found = top_level.top_level(seen, learned, 2)
    assert found["c5"]["M5"] == pytest.approx(0.5, abs=0.05)
    assert found["content"]["P5"] > 0.9
    assert found["content"]["M5"] < 0.1
    assert top_level_numbers(found | {"surroundings": {}})["C5 lost in M5"] == pytest.approx(
        1 - found["c5"]["M5"]
    )


def test_only_what_is_near_the_object_stays() -> None:
    image = torch.zeros(3, 60, 100, dtype=torch.uint8)
    image[:, 20:40, 30:50] = 200
    bare = top_level.without_surroundings(image, torch.tensor([30.0, 20.0, 50.0, 40.0]))
    assert torch.equal(bare[:, 15:45, 25:55], image[:, 15:45, 25:55])  # 1.5 times 20 px
    assert bare[:, :15].unique().tolist() == [round(200 * 400 / 6000)]
