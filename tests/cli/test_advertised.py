"""Every command line that a reader can copy is understood by the real parser."""

import contextlib
import importlib.util
import json
import re

import advertised
import pytest
from advertised import ROOT, Line

from augfpn import notebook
from augfpn.cli import options
from augfpn.cli.commands import COMMANDS
from augfpn.cli.program import refuse, whole_parser
from augfpn.errors import UserError

LINES = advertised.lines()
MADE_BY_THE_READER = {"no_sums", "whole"}  # a neck and a selection that pages let one add
TARGETS = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))


def ours(program: str) -> list[Line]:
    return [line for line in LINES if line.words[0] == program]


def understand(words: tuple[str, ...]) -> None:
    """Parse the words behind `augfpn` as the program does; a lone command is only a mention."""
    if len(words) <= 1 and (not words or words[0] in {each.name for each in COMMANDS}):
        return
    given, unknown = whole_parser().parse_known_args([options.dashed(word) for word in words])
    if unknown:
        refuse(unknown[0], given.command)
    if given.command.parameters and not MADE_BY_THE_READER & set(words):
        options.parameters_of(given)


@pytest.mark.parametrize("line", ours("augfpn"), ids=lambda line: " ".join(line.words))
def test_a_command_is_understood(line: Line) -> None:
    with contextlib.suppress(SystemExit):  # of --help and --version
        understand(line.words[1:])


@pytest.mark.parametrize("line", ours("papermill"), ids=lambda line: " ".join(line.words))
def test_a_notebook_has_the_parameters_that_it_is_given(line: Line) -> None:
    words = [word for word in line.words[1:] if word != "--help-notebook"]
    if not words or words[0] == "...":
        return
    cells = json.loads((ROOT / words[0]).read_text("utf-8"))["cells"]
    (cell,) = [each for each in cells if "parameters" in each["metadata"].get("tags", [])]
    names: dict = {}
    exec("".join(cell["source"]), names)
    rest = words[2:]
    assert rest[::3] == ["-p"] * (len(rest) // 3)
    for name, value in zip(rest[1::3], rest[2::3], strict=True):
        assert name in names, f"{line.file}: {words[0]} has no parameter {name}"
        names[name] = value
    (notebook.asked if "run" in names else notebook.check)(names)


@pytest.mark.parametrize("line", ours("make"), ids=lambda line: " ".join(line.words))
def test_a_target_is_in_the_makefile(line: Line) -> None:
    if line.file.endswith(".py") and len(line.words) > 2:
        return  # a sentence
    assert line.words[1] in TARGETS, f"{line.file} names make {line.words[1]}"


@pytest.mark.parametrize(
    "line", [*ours("torchrun"), *ours("python")], ids=lambda line: " ".join(line.words)
)
def test_a_module_is_there_and_understands_the_words(line: Line) -> None:
    if "-m" not in line.words:
        return
    place = line.words.index("-m")
    if line.words[0] == "torchrun":
        from torch.distributed.run import get_args_parser

        get_args_parser().parse_args(line.words[1:])
    module = line.words[place + 1]
    assert importlib.util.find_spec(module) is not None
    if module == "augfpn.cli":
        understand(line.words[place + 2 :])


def test_options_in_the_prose_exist() -> None:
    parser = whole_parser()
    (actions,) = [each.choices for each in parser._actions if isinstance(each.choices, dict)]
    known = {name for sub in actions.values() for name in sub._option_string_actions}
    for name, text in advertised.texts():
        if not name.endswith(".md"):
            continue
        for span in re.findall(r"`(--[a-z-]+)", text):
            assert span in known | {"--nproc-per-node", "--help-notebook"}, f"{name}: {span}"


# --- the test itself ------------------------------------------------------------------------------


def test_lines_are_found_in_every_kind_of_text() -> None:
    files = {line.file for line in LINES}
    assert {"README.md", "CONTRIBUTING.md", "ablation.ipynb", "table2.ipynb"} <= files
    assert "coco_recipe.ipynb" in files
    assert "augfpn/training/distributed.py" in files
    assert len(ours("augfpn")) > 20


@pytest.mark.parametrize(
    "words", ["train --btch 2", "evaluate x --plot y", "train --data coko", "trian", "study rum"]
)
def test_a_wrong_line_is_refused(words: str) -> None:
    with pytest.raises(UserError):
        understand(tuple(words.split()))
