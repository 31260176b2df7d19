"""Two lists of AP from anyone's runs: what `augfpn interval` says of them."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from augfpn.cli.program import main
from augfpn.study.uncertainty import ap_lists

NAMES = "without", "with"
WITHOUT, WITH = ["31.2", "30.8", "31.5", "31.0"], ["31.9", "31.4", "32.0", "31.1"]
LISTS = ["--without", *WITHOUT, "--with", *WITH]


def found_of(
    without: list[str], with_part: list[str], paired: bool = True
) -> ap_lists.APDifference:
    return ap_lists.ap_difference(ap_lists.ap_lists(NAMES, (without, with_part), paired))


def numbers(words: list[str]) -> np.ndarray:
    return np.array([float(word) for word in words])


def test_pairs_have_the_interval_of_scipys_paired_test() -> None:
    found = found_of(WITHOUT, WITH).interval
    theirs = stats.ttest_rel(numbers(WITH), numbers(WITHOUT)).confidence_interval(0.95)
    assert [100 * found.low, 100 * found.high] == pytest.approx([theirs.low, theirs.high])


@pytest.mark.parametrize("more", [[], ["32.4", "30.1"]])
def test_unpaired_lists_have_the_interval_of_welchs_test(more: list[str]) -> None:
    found = found_of(WITHOUT, WITH + more, paired=False).interval
    theirs = stats.ttest_ind(numbers(WITH + more), numbers(WITHOUT), equal_var=False)
    low, high = theirs.confidence_interval(0.95)
    assert [100 * found.low, 100 * found.high] == pytest.approx([low, high])


def test_the_example_of_the_book_by_hand() -> None:
    """Differences 0.4, 1.6 and 2.8: mean 1.6, deviation 1.2, and 4.303 * 1.2 / sqrt(3) = 2.98."""
    found = found_of(["40", "41", "42"], ["40.4", "42.6", "44.8"])
    assert 100 * found.deviation == pytest.approx(1.2)
    assert 100 * found.interval.low == pytest.approx(1.6 - 2.98, abs=0.005)
    assert 100 * found.interval.high == pytest.approx(1.6 + 2.98, abs=0.005)


@pytest.mark.parametrize("gain", [1, 2])
def test_as_many_pairs_as_it_says_show_a_gain_in_80_of_100_cases(gain: int) -> None:
    needed = found_of(["40", "41", "42"], ["40.4", "42.6", "44.8"]).needed[gain - 1]
    rng = np.random.default_rng(0)
    shown = []
    for n in (needed, needed - (3 if gain == 1 else 1)):
        apart = rng.normal(gain, 1.2, size=(20_000, n))
        half = stats.t.ppf(0.975, n - 1) * apart.std(axis=1, ddof=1) / math.sqrt(n)
        shown.append(np.mean(abs(apart.mean(axis=1)) > half))
    assert shown[0] > 0.77
    assert shown[1] < 0.8


def test_fractions_are_read_as_the_same_ap() -> None:
    fractions = [[str(float(word) / 100) for word in words] for words in (WITHOUT, WITH)]
    assert found_of(*fractions).interval == pytest.approx(
        found_of(WITHOUT, WITH).interval, nan_ok=True
    )


@pytest.mark.parametrize(
    ("without", "with_part", "said"),
    [
        (WITHOUT, WITH, "verdict: above zero"),
        (WITH, WITHOUT, "verdict: below zero"),
        (["40", "41", "42"], ["40.4", "42.6", "44.8"], "verdict: undecided: the interval contains"),
        (["40", "41"], ["40.4", "41.5"], "verdict: undecided: fewer than 3 pairs"),
        (WITHOUT, ["31.1", "30.9", "31.4", "31.1"], "verdict: within 1 AP of zero"),
    ],
)
def test_the_verdict_has_the_words_of_the_book(without, with_part, said: str, capsys) -> None:
    assert main(["interval", "--without", *without, "--with", *with_part]) == 0
    assert said in capsys.readouterr().out


def test_it_says_all_in_words(capsys) -> None:
    assert main(["interval", *LISTS]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "without: 4 runs, mean 31.1 AP",
        "with:    4 runs, mean 31.6 AP",
        "with minus without: +0.5 AP, 95 % interval [+0.1, +0.9]",
        "from 4 pairs; standard deviation of a difference: 0.26 AP",
        "verdict: above zero: the interval excludes zero.",
        "A true difference of 1 AP would be shown by some 3 pairs, one of 2 AP by some 3 (in 80 of "
        "100 cases).",
        "The interval covers other seeds, and not other test images.",
    ]


def test_json_has_fractions_and_every_number(capsys) -> None:
    assert main(["interval", *LISTS, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["means"] == pytest.approx([0.31125, 0.316])
    assert found["difference"]["mean"] == pytest.approx(0.00475)
    assert (found["verdict"], found["runs"], found["paired"]) == ("holds", [4, 4], True)
    assert (found["needed_for_1_AP"], found["needed_for_2_AP"]) == (3, 3)


@pytest.mark.parametrize("header", ["fpn,cs", "\ufeffwithout, with", "with,without"])
def test_a_file_says_the_same_as_lists(header: str, tmp_path: Path, capsys) -> None:
    columns = (WITH, WITHOUT) if header == "with,without" else (WITHOUT, WITH)
    lines = [header, *(f"{a}, {b}" for a, b in zip(*columns, strict=True)), ""]
    (tmp_path / "runs.csv").write_text("\n".join(lines), "utf-8")
    assert main(["interval", str(tmp_path / "runs.csv"), "--json"]) == 0
    of_file = json.loads(capsys.readouterr().out)
    assert main(["interval", *LISTS, "--json"]) == 0
    of_lists = json.loads(capsys.readouterr().out)
    assert of_file | {"names": None} == of_lists | {"names": None}
    assert of_file["names"] == (["fpn", "cs"] if header == "fpn,cs" else ["without", "with"])


def test_columns_of_a_file_may_have_different_lengths_if_unpaired(tmp_path: Path, capsys) -> None:
    (tmp_path / "runs.csv").write_text("without,with\n31.2,31.9\n30.8,31.4\n31.5,\n")
    assert main(["interval", str(tmp_path / "runs.csv"), "--unpaired", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == [3, 2]


def refused(words: list[str], capsys) -> str:
    assert main(["interval", *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    return line


@pytest.mark.parametrize(
    ("without", "with_part", "said"),
    [
        (WITHOUT, WITH[:3], "different lengths (without: 4, with: 3)"),
        (["31"], ["32"], "too few (without: 1, with: 1): an interval needs two pairs or more"),
        (["31", "much"], ["32", "33"], "'much' is no AP"),
        (["31", "31,5"], ["32", "33"], "'31,5' is no AP"),
        (["31", "nan"], ["32", "33"], "'nan' is no AP"),
        (["31", "inf"], ["32", "33"], "'inf' is no AP"),
        (["31", "-1"], ["32", "33"], "'-1' is no AP"),
        (["31", "101"], ["32", "33"], "'101' is no AP"),
        (["31", "30"], ["0.32", "0.33"], "0.32 and 31 are both there"),
        (["31.2", "30.8"], ["31.7", "31.3"], "all differences are equal"),
    ],
)
def test_lists_that_say_nothing_are_refused(without, with_part, said: str, capsys) -> None:
    assert said in refused(["--without", *without, "--with", *with_part], capsys)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give two lists"),
        (["--without", "31", "32"], "give two lists"),
        (["runs.csv", *LISTS], "both given"),
        (["nowhere.csv"], "nowhere.csv cannot be read as a CSV file: No such file"),
        (["--unpaired", "--without", "31", "32", "--with", "31"], "two numbers in each list"),
        (
            ["--unpaired", "--without", "31", "31", "--with", "32", "32"],
            "numbers of a list are equal",
        ),
    ],
)
def test_words_that_do_not_go_together_are_refused(words: list[str], said: str, capsys) -> None:
    assert said in refused(words, capsys)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has a line of 0 columns"),
        ("seed,without,with\n0,31,32\n", "has a line of 3 columns"),
        ("without;with\n31;32\n", "has a line of 1 columns"),
        ("31.2,31.9\n30.8,31.4\n", "has no header"),
        ("without,with\n31.2,31.9\n30.8,\n", "'' is no AP"),
        ("without,with\n", "too few (without: 0, with: 0)"),
    ],
)
def test_files_of_another_form_are_refused(text: str, said: str, tmp_path: Path, capsys) -> None:
    (tmp_path / "runs.csv").write_text(text)
    assert said in refused([str(tmp_path / "runs.csv")], capsys)
