"""Arguments: options, help, errors, completion; and how long an answer takes."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import SMOKE

from augfpn import config
from augfpn.cli import commands, listing, options
from augfpn.cli.program import main
from augfpn.errors import UserError
from augfpn.settings import parameters, recipes
from augfpn.training import prepare, train


def test_options_are_the_parameters_as_they_are_typed(monkeypatch, tmp_path):
    seen = []

    def stop(experiment, folder, again):
        seen.append((experiment, folder, again))
        raise UserError("enough")

    monkeypatch.setattr(train, "train", stop)
    typed = "--lam 0.5 --ratios 0.1 0.2 --rfa true --cs=yes --roi_selection acf --again --seed=7"
    main(["train", *typed.split(), "--data_root", "a_b", "--device", "cpu", "--records", "r_s"])
    wanted = {"lam": 0.5, "ratios": (0.1, 0.2), "roi_selection": "acf", "seed": 7}
    same = parameters.parse(wanted | {"data_root": "a_b", "device": "cpu"})
    assert seen == [(prepare.experiment_here(same), Path("r_s"), True)]


def test_help_has_every_parameter_with_its_default_and_choices(capsys):
    with pytest.raises(SystemExit) as done:
        main(["train", "--help"])
    assert done.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for name in parameters.NAMES:
        assert f"--{name.replace('_', '-')} " in text
        assert parameters.describe(name) in text
    assert "hard, soft, softmax, acf, sum, max, panet [soft]" in text
    assert "one of none, cs, rfa, srs, cs+rfa, cs+srs, rfa+srs, cs+rfa+srs, all [all]" in text
    assert "narrow_resnet, efficientnet_lite0, timm/NAME [None]" in text
    assert f"{', '.join(config.DATA_SETS)} [scenes]" in text
    assert "[0.1 0.2 0.3]" in text


@pytest.mark.parametrize(
    "given",
    [{"lam": "-1"}, {"lam": "much"}, {"roi_selection": "sfot"}, {"cs": "maybe"}, {"ratios": "1 2"}],
)
def test_a_wrong_value_gets_the_notebook_s_sentence(given, capsys):
    with pytest.raises(UserError) as same:
        parameters.parse(given)
    ((name, value),) = given.items()
    assert main(["train", f"--{name}", *value.split()]) == 2
    printed = capsys.readouterr()
    assert printed.err == f"augfpn: error: {same.value}\n"
    assert printed.out == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["train", "--lambda", "1"], "did you mean 'lam'?"),
        (["train", "--data-rot=x"], "did you mean 'data_root'?"),
        (["train", "--lam"], "expected one argument"),
        (["train", "extra"], "'extra' is not understood"),
        (["trian"], "did you mean 'train'?"),
        (["evaluate", "x", "--rescroe"], "did you mean '--rescore'?"),
        (["predict", "x", "y", "--out", "z", "--treshold", "0"], "did you mean '--threshold'?"),
        (["study", "stauts"], "did you mean 'status'?"),
        (["study", "status", "--pictures", "scene"], "did you mean 'scenes'?"),
        (["evaluate", "x", "--device", "gpu"], "auto, cpu, cuda"),
        (["study", "run", "--jobs", "0"], "give a whole number, 1 or more"),
        (["cost", "--size", "800"], "give height x width"),
        (["cost", "--size", "axb"], "give height x width"),
        (["cost", "--size", "800x"], "give height x width"),
        ([], "COMMAND"),
        (["evaluate", "nowhere"], "nowhere does not exist"),
        (["predict", "nowhere", "nothing", "--out", "x"], "nothing does not exist"),
        (["predict", "nowhere", "x", "--out", "x", "--threshold", "50"], "from 0 to 1"),
    ],
)
def test_wrong_use_gets_one_line_and_exit_status_2(words, sentence, capsys):
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("augfpn: error: ")
    assert sentence in line


def test_control_c_says_that_the_run_goes_on(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "train", interrupted)
    assert main(["train", *SMOKE]) == 130
    (line,) = capsys.readouterr().err.splitlines()
    assert "last checkpoint" in line


def test_a_reader_who_has_enough_is_no_error():
    """As in `augfpn recipes | head -1`; also if the whole output is still in the buffer."""
    buffered = {name: x for name, x in os.environ.items() if name != "PYTHONUNBUFFERED"}
    for words in (["recipes"], ["--help"]):
        command = [sys.executable, "-m", "augfpn.cli", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": buffered}
        with subprocess.Popen(command, **pipes) as process:
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 141


ANSWERS_AT_ONCE = [
    (["--version"], 0),
    (["--help"], 0),
    (["train", "--help"], 0),
    (["recipes"], 0),
    (["study", "status"], 0),
    (["completion", "bash"], 0),
    (["interval", "--without", "31.2", "30.8", "--with", "31.9", "31.4"], 0),
    (["trian"], 2),
    (["train", "--lam", "much"], 2),
    (["train", "--recipe", "none"], 2),
    (["doctor", "--detector", "yolo"], 2),
    (["cost", "--backbone", "resnet51"], 2),
    (["study", "run", "table7"], 2),
    (["predict", "a", "b", "--out", "c", "--threshold", "50"], 2),
]


@pytest.mark.parametrize(("words", "status"), ANSWERS_AT_ONCE, ids=lambda each: str(each))
def test_what_needs_no_detector_is_answered_without_torch(words: list[str], status: int) -> None:
    """Torch alone takes seconds; the rest took 1.3 s of processor time at most when written."""
    code = (
        "import sys, time\n"
        "from augfpn.cli.program import main\n"
        "try: status = main(sys.argv[1:])\n"
        "except SystemExit as done: status = done.code\n"
        "print(status, 'torch' in sys.modules, time.process_time(), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    found, torch, seconds = done.stderr.splitlines()[-1].split()
    assert (int(found), torch) == (status, "False"), done.stderr
    assert float(seconds) < 3


def test_every_command_and_option_completes_in_every_shell(capsys):
    for shell in commands.SHELLS:
        assert main(["completion", shell]) == 0
        script = capsys.readouterr().out
        for command in commands.COMMANDS:
            assert command.name in script
        for word in ("rescore", "roi-selection", "ratio_invariant", "faster_rcnn_r50_augfpn_1x"):
            assert word in script, (shell, word)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes_a_command_an_option_and_a_value(tmp_path):
    (tmp_path / "it").write_text(whole_completion())
    for typed, wanted in (
        (["augfpn", "eval"], "evaluate"),
        (["augfpn", "train", "--roi-sel"], "--roi-selection"),
        (["augfpn", "train", "--detector", "mask"], "mask_rcnn"),
        (["augfpn", "train", "--parts", "cs+s"], "cs+srs"),
    ):
        words = " ".join(typed)
        script = (
            f"source {tmp_path / 'it'}; COMP_WORDS=({words}); COMP_CWORD={len(typed) - 1}; "
            "$(complete -p augfpn | sed 's/.*-F \\([^ ]*\\).*/\\1/'); echo ${COMPREPLY[@]}"
        )
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
        assert wanted in done.stdout.split(), (typed, done.stdout, done.stderr)


def whole_completion() -> str:
    command = [sys.executable, "-m", "augfpn.cli", "completion", "bash"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_json_is_all_that_is_printed(capsys):
    assert main(["recipes", "fcos_r50", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["recipe"] for row in rows] == ["fcos_r50_fpn_1x", "fcos_r50_augfpn_1x"]
    assert rows[1]["macs"] > rows[0]["macs"] > 0

    assert main(["cost", "--recipe", "fcos_r50_fpn_1x", "--json"]) == 0
    counted = json.loads(capsys.readouterr().out)
    assert counted["sums"]["inference"]["macs"] == rows[0]["macs"]

    assert main(["study", "status", "table2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {(row["part"], row["pictures"]) for row in found["parts"]} == {
        ("table2", "scenes"),
        ("table2", "bccd"),
    }


def test_what_is_committed_of_recipes_is_what_counting_gives():
    """The list answers without torch because it is counted beforehand."""
    names = ["faster_rcnn_r50_augfpn_1x", "mask_rcnn_r50_fpn_1x", "retinanet_mnv2_fpn_1x"]
    known = listing.counted_recipes()
    assert known.keys() == recipes.recipes().keys()
    assert {name: known[name] for name in names} == listing.count_recipes(names), (
        "augfpn/cli/recipe_costs.json is old: write listing.count_recipes of all recipes there"
    )


@pytest.mark.slow
def test_all_that_is_committed_of_recipes_is_what_counting_gives():
    assert listing.counted_recipes() == listing.count_recipes(list(recipes.recipes()))


def test_every_function_that_runs_a_command_is_in_the_table():
    runs = {name for name in vars(commands) if name.startswith("run_")}
    listed = {command.run.__name__ for command in commands.COMMANDS}
    assert runs <= listed, f"put {runs - listed} into COMMANDS of augfpn/cli/commands.py"
    assert all(command.run.__doc__ for command in commands.COMMANDS), "a docstring is the help"


def test_recipes_are_listed_with_the_papers_numbers(capsys):
    assert main(["recipes", "fcos_r50"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^fcos_r50_augfpn_1x +- +37.9 +34.02 +14.31 +194.5 +Table 1$", printed, re.M)
    assert "the authors' code for FCOS does not run" in printed


def test_a_detector_is_counted_part_by_part(capsys):
    given = ["cost", "--recipe", "faster_rcnn_r50_augfpn_1x", "--rois", "1000"]
    assert main(given) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^box RoI selection +271,620 +13.297 ", printed, re.M)
    assert re.search(r"^Consistent Supervision +14,310,805 +- +29.304$", printed, re.M)


def test_a_recipe_takes_a_data_root_and_the_users_words(capsys, monkeypatch):
    monkeypatch.setattr(train, "train", stopped)
    given = ["train", "--recipe", "faster_rcnn_r50_augfpn_1x", "--weights", "scratch"]
    assert main([*given, "--device", "cpu", "--lam", "0.5"]) == 2
    assert "data = 'coco' needs data_root" in capsys.readouterr().err
    assert main([*given, "--device", "cpu", "--lam", "0.5", "--data-root", "/data/coco"]) == 2
    printed, said = capsys.readouterr()
    assert "faster_rcnn, resnet50 (scratch)" in printed
    assert "lam 0.5" in printed
    assert "nothing is trained here" in said


def stopped(*_: object, **__: object) -> None:
    raise UserError("nothing is trained here.")


def test_a_recipe_that_is_none_gets_the_one_that_was_meant(capsys):
    assert main(["train", "--recipe", "mask_rcnn_r50_augfpn", "--data-root", "/x"]) == 2
    assert "did you mean 'mask_rcnn_r50_augfpn_1x'" in capsys.readouterr().err


def test_a_command_without_help_is_named(monkeypatch, capsys):
    nameless = commands.Command("nameless", lambda given: 0)
    monkeypatch.setattr("augfpn.cli.program.COMMANDS", (nameless,))
    assert main(["nameless"]) == 2
    assert "nameless has no help: give its function in augfpn/cli" in capsys.readouterr().err


def test_a_size_may_have_spaces():
    assert options.size("800 x 1216") == options.size("800X1216") == (800, 1216)
