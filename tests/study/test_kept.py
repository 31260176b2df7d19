"""Scores and scenes are kept by what they were computed from, and are the same when read again."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from augfpn import records
from augfpn.study.uncertainty import kept, kept_scores, scores, truth
from augfpn.study.uncertainty.kept import remembered


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the user's that is empty."""
    monkeypatch.setattr(kept.pooch, "os_cache", lambda name: tmp_path / name)
    return tmp_path / "augfpn"


def test_a_value_is_computed_once_and_again_for_other_reasons(cache: Path) -> None:
    asked: list[int] = []

    def compute() -> list[float]:
        asked.append(1)
        return [0.1, float("nan"), 1 / 3]

    first, again = (remembered("numbers", ["a", "b"], compute) for _ in range(2))
    assert np.array_equal(first, again, equal_nan=True)
    assert len(asked) == 1
    remembered("numbers", ["a", "c"], compute)
    remembered("others", ["a", "b"], compute)
    assert len(asked) == 3


DAMAGED = {  # by name: a compressed file has the time in it, and so would the name of its test
    "empty": b"",
    "not compressed": b"{",
    "half a list": gzip.compress(b"[1, 2"),
    "half a file": gzip.compress(b"[1]")[:9],
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_file_is_computed_again(kind: str, cache: Path) -> None:
    assert remembered("numbers", ["a"], lambda: 1) == 1
    (file,) = cache.glob("numbers/*")
    file.write_bytes(DAMAGED[kind])
    assert remembered("numbers", ["a"], lambda: 2) == 2
    assert remembered("numbers", ["a"], lambda: 3) == 2


def test_a_cache_that_cannot_be_written_only_costs_time(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    assert [remembered("numbers", ["a"], lambda n=n: n) for n in (1, 2)] == [1, 2]


def test_the_code_is_part_of_what_a_score_was_computed_from() -> None:
    one = kept.hash_of_code("augfpn.study.uncertainty", "scoring")
    assert one != kept.hash_of_code("augfpn.study.uncertainty", "intervals")
    assert one != kept.hash_of_code("augfpn.study.uncertainty", "scoring", libraries=("numpy",))
    assert one == kept.hash_of_code("augfpn.study.uncertainty", "scoring")


def test_scores_are_the_same_bits_when_they_are_read(
    smoke: records.Record, coco: dict, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = scores.scored(smoke, coco, 30)
    first = kept_scores.scored_once(smoke, coco, 30)
    monkeypatch.setattr(scores, "matches", None)
    for found in (first, kept_scores.scored_once(smoke, coco, 30)):
        for name, value in computed.draws.observed.items():
            assert np.array_equal(found.draws.observed[name], value, equal_nan=True)
            assert np.array_equal(found.draws.drawn[name], computed.draws.drawn[name], True)
        assert found.errors == computed.errors
    with pytest.raises(TypeError):
        kept_scores.scored_once(smoke, coco, 31)


def test_scenes_are_drawn_once(
    smoke: records.Record, coco: dict, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert truth.truth_of(smoke) == coco
    monkeypatch.setattr(truth, "load_pictures", None)
    assert truth.truth_of(smoke) == coco
