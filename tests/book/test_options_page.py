"""The page on commands and options says what the program says: all of it, and nothing else."""

import json
import re
import shlex
from types import ModuleType

import pytest
from chapters import BOOK, ROOT
from pydantic import ValidationError

from augfpn import config
from augfpn.cli import options, program
from augfpn.cli.commands import COMMANDS
from augfpn.errors import UserError
from augfpn.settings import any_setting, parameters
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.experiment import experiment

PAGE = (BOOK / "options.md").read_text("utf-8")
PROGRAM_LINE = re.compile(r"^(augfpn|papermill) (.*)$", re.M)
DETECTOR = {"model.retinanet": "retinanet", "model.fcos": "fcos"}


@pytest.fixture(scope="module")
def tables(build: ModuleType) -> dict[str, list[list[str]]]:
    """The rows of all tables that are made for the page, by the tables' names."""
    text = "\n\n".join(build.tables_of_options().values())
    found = re.findall(r"~~~\{table\} [^\n]+\n:name: tab-(\S+)\n\n(.*?)\n~~~", text, re.S)
    assert len({name for name, _ in found}) == len(found)
    return {name: [cells_of(line) for line in rows.splitlines()[2:]] for name, rows in found}


def cells_of(line: str) -> list[str]:
    return [each.strip() for each in line.strip("|").split(" | ")]


def bare(cell: str) -> str:
    """A cell's words without the signs of code."""
    return cell.replace("`", "").replace('"', "")


def of(tables: dict[str, list[list[str]]], kind: str) -> dict[str, list[str]]:
    """All rows of the tables whose names begin with a word, by their first cells."""
    rows = [row for name, table in tables.items() if name.startswith(kind) for row in table]
    found = {bare(row[0]): row for row in rows}
    assert len(found) == len(rows)
    return found


# --- commands -------------------------------------------------------------------------------------


def help_of(command: str, capsys: pytest.CaptureFixture) -> str:
    """What `augfpn COMMAND --help` prints."""
    with pytest.raises(SystemExit):
        program.main([command, "--help"])
    return capsys.readouterr().out


def test_every_command_is_there_with_its_line(tables, capsys) -> None:
    shown = {re.match(r"\[`(\w+)`\]", row[0])[1]: row[1] for row in tables["commands"]}
    assert list(shown) == [each.name for each in COMMANDS]
    with pytest.raises(SystemExit):
        program.main(["--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert [line for line in shown.values() if bare(line) not in printed] == []


@pytest.mark.parametrize("command", [each.name for each in COMMANDS])
def test_help_has_the_same_arguments_with_the_same_meaning(tables, capsys, command: str) -> None:
    printed = help_of(command, capsys)
    named = set(re.findall(r"^  (--[a-z-]+|[A-Z]{3,})\b", printed, re.M))
    rows = of(tables, "train-") if command == "train" else of(tables, f"command-{command}")
    if command in ("cost", "doctor"):
        rows |= of(tables, "train-")
    assert named == set(rows)
    words = " ".join(printed.split())
    assert [row for row in rows.values() if not row[3] or bare(row[3]) not in words] == []


def test_defaults_of_arguments_are_the_program_s(tables) -> None:
    for command in COMMANDS:
        rows = of(tables, f"command-{command.name}")
        for names, settings in command.options:
            default, cell = settings.get("default"), rows[bare_name(names, settings)][2]
            if default in (None, ""):
                assert not cell.startswith("`")
            else:
                assert cell == f"`{default}`"


def bare_name(names: tuple[str, ...], settings: dict) -> str:
    return names[0] if names[0].startswith("--") else settings["metavar"]


# --- options of train -----------------------------------------------------------------------------


def test_every_parameter_is_in_the_table_of_its_group(tables) -> None:
    names = {first: [bare(row[0]) for row in tables[f"train-{first}"]] for first in options.GROUPS}
    every = [options.dashed(f"--{name}") for name in parameters.NAMES]
    assert [each for shown in names.values() for each in shown] == every
    assert {first: shown[0] for first, shown in names.items()} == {
        first: options.dashed(f"--{first}") for first in options.GROUPS
    }


@pytest.mark.parametrize("name", parameters.NAMES)
def test_a_default_that_is_typed_is_the_default(tables, name: str) -> None:
    cell = of(tables, "train-")[options.dashed(f"--{name}")][2]
    default = parameters.defaults()[name]
    if cell.startswith("`"):
        assert getattr(parameters.parse({name: bare(cell)}), name) == default
    else:
        assert default in (None, ())
    own = options.dashed(f"--{name}")
    assert ("budget's](#" in cell) == (own in of(tables, "budgets-")) or name == "long_side"


LIMITS = {  # what the page says, with # for a limit: how far beyond that a value is refused
    "whole number from # to #": (-1, 1),
    "whole number, # or more": (-1,),
    "number from # to #": (-0.01, 0.01),
    "number, # or more": (-0.01,),
    "number above #, at most #": (0, 0.01),
    "number above #, below #": (0, 0),
}


@pytest.mark.parametrize("name", parameters.NAMES)
def test_values_are_those_that_the_program_takes(tables, name: str) -> None:
    cell = of(tables, "train-")[options.dashed(f"--{name}")][1]
    for word in re.findall(r"`([^`]+)`", cell):
        assert taken(name, word.replace("NAME", "resnet18")), word
    form = re.sub(r"\d[\d,.]*(?<!,)", "#", cell)
    limits = next((found for said, found in LIMITS.items() if said in form), ())
    assert bool(limits) == ("number" in cell.replace("any number of", ""))
    for number, beyond in zip(re.findall(r"\d[\d,.]*(?<!,)", cell), limits, strict=False):
        limit = json.loads(number.replace(",", ""))
        assert not taken(name, limit + beyond), limit
        assert taken(name, limit) == bool(beyond), limit


def taken(name: str, value: object) -> bool:
    """Whether a parameter may have a value, whatever the others are."""
    try:
        parameters.PARAMETERS.validate_python({name: value})
    except ValidationError:
        return False
    return True


# --- settings and budgets -------------------------------------------------------------------------


def by_settings(name: str) -> bool:
    """Whether ``--settings`` takes a name."""
    try:
        any_setting.check_settings([f"{name}=1"], parameters.NAMES)
    except UserError:
        return False
    return True


def test_every_setting_is_there_that_can_be_given_and_no_other(tables) -> None:
    wanted = {name for name in any_setting.ALL_NAMES if by_settings(name)}
    assert set(of(tables, "settings-")) == wanted
    assert "model.channels" in wanted
    assert not {"model.lam", "model.classes", "train.half"} & wanted


def at(budget: str, detector: str) -> config.Experiment:
    chosen = parameters.parse({"budget": budget, "detector": detector})
    return experiment(chosen, "cpu", BUDGETS[budget].model.weights)


def value(made: config.Experiment, name: str) -> object:
    for part in name.split("."):
        made = getattr(made, part)
    return list(made) if isinstance(made, tuple) else made


@pytest.mark.parametrize("name", [name for name in any_setting.ALL_NAMES if by_settings(name)])
def test_a_setting_has_this_value_at_each_budget(tables, name: str) -> None:
    row, section = of(tables, "settings-")[name], name.rpartition(".")[0]
    if "budget's](#" in row[2]:
        shown = dict(zip(BUDGETS, of(tables, "budgets-")[name][1:], strict=True))
    else:
        usual, *others = row[2].replace("`", "").split("; ")
        shown = dict.fromkeys(BUDGETS, usual) | dict(each.split(": ") for each in others)
    for budget, text in shown.items():
        made = at(budget, DETECTOR.get(section, "faster_rcnn"))
        is_list = isinstance(value(made, name), list)
        same(as_value(text, is_list), value(made, name))


def as_value(text: str, is_list: bool) -> object:
    """The value that a cell shows."""
    if is_list and not text.startswith("["):
        return [any_setting.value_of(each) for each in text.split(", ")]
    return None if text == "–" else any_setting.value_of(text)


def same(shown: object, true: object) -> None:
    """Five digits of numbers are shown."""
    exact = json.dumps(true) == json.dumps(shown)
    assert exact or shown == pytest.approx(true, rel=1e-4), (shown, true)


def test_budgets_say_what_the_budgets_are(tables) -> None:
    rows = of(tables, "budgets-")
    for name, own in (("--steps", "train.steps"), ("--short-side", "model.short_side")):
        shown = [as_value(text, False) for text in rows[name][1:]]
        assert shown == [value(budget, own) for budget in BUDGETS.values()]


def test_each_setting_means_what_its_comment_says(tables) -> None:
    source = bare((ROOT / "augfpn" / "config.py").read_text("utf-8"))
    for name, row in of(tables, "settings-").items():
        assert row[3], f"{name} has no comment in augfpn/config.py"
        assert f"  # {bare(row[3])}\n" in source


# --- the page -------------------------------------------------------------------------------------


def test_each_part_has_its_place_and_no_table_is_typed(build: ModuleType) -> None:
    assert re.findall(r"<!-- ([a-z ]+) -->", PAGE) == [*build.tables_of_options()]
    assert not re.findall(r"^\|", PAGE, re.M)
    assert "<!--" not in build.pages.fill(PAGE, build.tables_of_options())


def test_what_the_page_links_to_is_on_it(build: ModuleType) -> None:
    text = build.pages.fill(PAGE, build.tables_of_options())
    places = set(re.findall(r"^\(([\w-]+)\)=$", text, re.M))
    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= places
    assert set(re.findall(r"\{numref\}`([\w-]+)`", text)) <= set(re.findall(r":name: (\S+)", text))


def test_options_in_the_prose_are_on_the_page(tables) -> None:
    prose = re.sub(r"```.*?```", "", PAGE, flags=re.S)
    named = {options.dashed(each) for each in re.findall(r"`(--[\w-]+)", prose)}
    assert named - {"--help"} <= set(of(tables, "train-"))
    assert named


def test_examples_are_small_and_understood() -> None:
    examples = PROGRAM_LINE.findall("\n".join(re.findall(r"^```\n(.*?)^```", PAGE, re.M | re.S)))
    assert len(examples) > 2
    for program_name, rest in examples:
        words = shlex.split(rest)
        assert "smoke" in words
        if program_name == "papermill":
            chosen = parameters.parse(dict(zip(words[3::3], words[4::3], strict=True)))
        else:
            given, unknown = program.whole_parser().parse_known_args(words)
            assert unknown == []
            chosen = options.parameters_of(given)
        assert (chosen.budget, chosen.steps) == ("smoke", 2)


# --- these tests themselves -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "integer", "exclusiveMinimum": 0}, "whole number, 1 or more"),
        ({"type": "integer", "ge": 32, "le": 8192}, "whole number from 32 to 8,192"),
        ({"type": "integer", "ge": 0, "lt": 8}, "whole number from 0 to 7"),
        ({"type": "number", "gt": 0, "lt": 1}, "number above 0, below 1"),
        ({"type": "number", "minimum": 0, "maximum": 1}, "number from 0 to 1"),
        ({"type": "number", "exclusiveMinimum": 0}, "number above 0"),
        ({"type": "array", "items": {"type": "string"}}, "any number of words"),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, "`true`, `false`, `null`"),
        ({"type": "string"}, "text"),
    ],
)
def test_limits_in_words(build: ModuleType, schema: dict, text: str) -> None:
    build.tables_of_options()
    import option_cells

    assert option_cells.values_of(str, schema) == text


@pytest.mark.parametrize("wrong", [[1, 2], 0.51, None, True])
def test_another_value_is_not_the_same(wrong: object) -> None:
    with pytest.raises((AssertionError, TypeError)):
        same(wrong, 0.5)
