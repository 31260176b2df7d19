"""`parts`: one parameter for the paper's three parts, beside `cs`, `rfa` and `roi_selection`."""

import json
from itertools import permutations
from pathlib import Path
from typing import get_args

import pytest
from IPython.core.interactiveshell import InteractiveShell

from augfpn import notebook, records
from augfpn.cli.program import main
from augfpn.errors import UserError
from augfpn.settings import experiment as experiments
from augfpn.settings import repeated
from augfpn.settings.parameters import Parameters, defaults, parse
from augfpn.settings.parts import Choice
from augfpn.settings.recipes import with_recipe
from augfpn.training import train

PRINTS = {"train": "a", "test": "b"}
OLD = {  # `parts`: the same with the parameters that each of the three has
    "none": {"cs": False, "rfa": False, "roi_selection": "hard"},
    "cs": {"rfa": False, "roi_selection": "hard"},
    "rfa": {"cs": False, "roi_selection": "hard"},
    "srs": {"cs": False, "rfa": False},
    "cs+rfa": {"roi_selection": "hard"},
    "cs+srs": {"rfa": False},
    "rfa+srs": {"cs": False},
    "cs+rfa+srs": {},
    "all": {},
}
WITHOUT_SRS = [parts for parts in OLD if "srs" not in parts]


def made(words: dict):
    return experiments.experiment(parse({"budget": "smoke"} | words), "cpu", "scratch")


def switches(chosen: Parameters) -> tuple[bool, bool, str]:
    return chosen.cs, chosen.rfa, chosen.roi_selection


def test_every_choice_of_parts_is_tried() -> None:
    assert set(OLD) == set(get_args(Choice))
    assert defaults()["parts"] == "all"


@pytest.mark.parametrize("parts", OLD)
def test_a_run_is_the_same_with_the_old_parameters(parts: str) -> None:
    one, other = made({"parts": parts, "lam": 0.5}), made(OLD[parts] | {"lam": 0.5})
    assert one == other
    assert records.run_id(one, PRINTS) == records.run_id(other, PRINTS)
    assert parse({"parts": parts}) == parse(OLD[parts])


@pytest.mark.parametrize("parts", [each for each in OLD if "+" in each])
def test_the_order_does_not_matter(parts: str) -> None:
    for names in permutations(parts.split("+")):
        assert parse({"parts": "+".join(names)}) == parse({"parts": parts})
    assert parse({"parts": parts.replace("+", " + ")}) == parse({"parts": parts})
    assert parse({"parts": f"{parts}+{parts}"}) == parse({"parts": parts})


@pytest.mark.parametrize("parts", OLD)
def test_parts_are_named_however_they_were_given(parts: str) -> None:
    named = "all" if parts == "cs+rfa+srs" else parts
    assert parse(OLD[parts]).parts == parse({"parts": parts}).parts == named


@pytest.mark.parametrize("parts", ["sc", "cs+rsf", "cs,srs", "cs srs", "none+cs", "all+srs", "", 7])
def test_a_misspelt_part_is_refused_in_one_sentence(parts: object, capsys) -> None:
    with pytest.raises(UserError) as caught:
        parse({"parts": parts})
    said = str(caught.value)
    assert said.startswith(f"parts = {parts!r}: expected all, none, or some of cs, rfa and srs ")
    assert said.count("\n") == 0
    assert main(["train", "--parts", str(parts)]) == 2
    printed = capsys.readouterr()
    assert said.replace("7", "'7'") in printed.err
    assert not printed.out


@pytest.mark.parametrize(
    ("parts", "meant"), [("sr", "srs"), ("cs+rf", "cs+rfa"), ("CS", "cs"), ("nonne", "none")]
)
def test_the_part_that_was_meant_is_said(parts: str, meant: str) -> None:
    with pytest.raises(UserError, match=f"did you mean '{meant.replace('+', '[+]')}'"):
        parse({"parts": parts})


# --- together with the old parameters -------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"parts": "none", "cs": True}, "leave cs out, or give parts='cs'"),
        ({"parts": "none", "cs": "true"}, "leave cs out, or give parts='cs'"),
        ({"parts": "cs", "cs": False}, "leave cs out, or give parts='none'"),
        ({"parts": "all", "rfa": False}, "leave rfa out, or give parts='cs+srs'"),
        ({"parts": "cs+srs", "rfa": "yes"}, "leave rfa out, or give parts='all'"),
        (
            {"parts": "srs", "roi_selection": "hard"},
            "leave roi_selection out, or give parts='none'",
        ),
        (
            {"parts": "cs", "roi_selection": "acf"},
            "leave roi_selection out, or give parts='cs+srs'",
        ),
    ],
    ids=str,
)
def test_what_contradicts_is_refused_before_any_work(words: dict, sentence, monkeypatch, capsys):
    with pytest.raises(UserError) as caught:
        parse(words)
    said, other = str(caught.value), list(words)[1]
    assert said.startswith(f"parts = {words['parts']!r} and {other} = ")
    assert said.endswith(f"contradict each other: {sentence}.")
    monkeypatch.setattr(train, "train", None)
    typed = [word for name, value in words.items() for word in (f"--{name}", str(value))]
    assert main(["train", *typed]) == 2
    assert capsys.readouterr() == ("", f"augfpn: error: {said}\n")


@pytest.mark.parametrize("parts", OLD)
def test_what_agrees_is_fine(parts: str) -> None:
    every = {"cs": True, "rfa": True, "roi_selection": "soft"} | OLD[parts]
    assert made({"parts": parts} | every) == made({"parts": parts})


def test_srs_may_have_another_fusion() -> None:
    chosen = parse({"parts": "cs+srs", "roi_selection": "acf"})
    assert switches(chosen) == (True, False, "acf")
    assert chosen.parts == "cs+srs"


@pytest.mark.parametrize("parts", WITHOUT_SRS)
def test_one_stage_detectors_have_two_parts(parts: str) -> None:
    one_stage = {"detector": "retinanet"}
    assert made(one_stage | {"parts": parts}) == made(one_stage | OLD[parts])


def test_all_are_all_that_a_detector_has() -> None:
    assert parse({"detector": "fcos", "parts": "all"}) == parse({"detector": "fcos"})
    assert parse({"detector": "fcos"}).parts == "cs+rfa"
    for parts, rest in (("srs", "none"), ("cs+rfa+srs", "cs+rfa")):
        with pytest.raises(UserError, match="one-stage detector fcos, which pools no RoIs") as told:
            parse({"detector": "fcos", "parts": parts})
        assert f"use parts={rest!r}, or detector='faster_rcnn'" in str(told.value)


# --- in place of a recipe's and a record's --------------------------------------------------------


def test_parts_come_before_those_of_a_recipe() -> None:
    name, more = "faster_rcnn_r50_augfpn_1x", {"data": "scenes", "weights": "scratch"}
    whole = with_recipe(name, more)
    assert parse(with_recipe(name, more | {"parts": "cs"})) == parse(whole | OLD["cs"])
    fpn = with_recipe("faster_rcnn_r50_fpn_1x", more | {"parts": "cs+srs", "lam": 0.5})
    assert parse(fpn) == parse(whole | OLD["cs+srs"] | {"lam": 0.5})
    panet = with_recipe("faster_rcnn_r50_panet_1x", more | {"parts": "cs+srs"})
    assert switches(parse(panet)) == (True, False, "panet")
    dense = with_recipe("retinanet_r50_fpn_1x", more | {"parts": "all"})
    assert switches(parse(dense)) == (True, True, "hard")
    with pytest.raises(UserError, match="parts = 'sc'"):
        parse(with_recipe(name, more | {"parts": "sc"}))
    with pytest.raises(UserError, match=r"lam = 0\.5 would do nothing: .* off; add cs to parts"):
        with_recipe("faster_rcnn_r50_fpn_1x", more | {"parts": "rfa", "lam": 0.5})


def test_parts_come_before_those_of_a_record(tmp_path: Path) -> None:
    settings = {"experiment": records.config.to_dict(made(OLD["rfa"]))}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    again = repeated.with_those_of(tmp_path, {"parts": "cs"})
    assert made(again) == made({"parts": "cs"})


def test_a_file_of_parameters_may_have_parts(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"parts": "srs", "roi_selection": "acf"}))
    assert switches(parse(repeated.with_those_of(file, {}))) == (False, False, "acf")
    assert switches(parse(repeated.with_those_of(file, {"cs": "true"}))) == (True, False, "acf")
    assert switches(parse(repeated.with_those_of(file, {"parts": "rfa"}))) == (False, True, "hard")
    assert switches(parse(repeated.with_those_of(file, {"parts": "all"}))) == (True, True, "acf")
    file.write_text(json.dumps({"parts": "all"}))
    dense = parse(repeated.with_those_of(file, {"detector": "fcos"}))
    assert switches(dense) == (True, True, "hard")


# --- in a notebook --------------------------------------------------------------------------------


def checked(*injected: str) -> Parameters:
    """What a notebook finds whose parameters papermill injected."""
    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "augfpn.notebook")
    for name, value in defaults().items():
        shell.run_cell(f"{name} = {value!r}")
    assert shell.run_cell("\n".join(["# Parameters", *injected])).success
    return notebook.check(shell.user_ns)


def test_papermill_takes_parts() -> None:
    assert checked('parts = "none"') == parse({"parts": "none"})
    assert checked('parts = "srs+cs"', "lam = 0.5") == parse({"parts": "cs+srs", "lam": 0.5})
    assert checked('parts = "cs"', "rfa = False", "cs = True") == parse({"parts": "cs"})
    assert checked("cs = False") == parse({"cs": False})


@pytest.mark.parametrize(
    "injected",
    [
        ('parts = "none"', "cs = True"),  # a default that somebody typed
        ('parts = "cs"', 'roi_selection = "soft"'),
        ('parts = "all"', "rfa = False"),
    ],
    ids=str,
)
def test_what_contradicts_is_refused_in_a_notebook(injected: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="contradict each other"):
        checked(*injected)
