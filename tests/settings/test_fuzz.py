"""Any values for any parameters: an experiment, or one sentence; never another exception."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from augfpn import config
from augfpn.errors import UserError
from augfpn.settings.experiment import experiment
from augfpn.settings.parameters import NAMES, parse

NASTY = (
    *("", " ", "\0", "a\0b", "\ud800", "\x1b[31m", "~nobody_here", "~", "timm/", "timm/ "),
    *("timm/../x", "timm/a/b", "timm/a\n", "cuda:1", "mps", "auto", "nan", "inf", "-inf"),
    *("1e308", "1e999", "true", "None", "[", "()", "0x10", "\uff11", "9" * 5000, "/" * 300),
    "x" * 5000,
)
WORDS = (
    *("smoke", "laptop", "gpu", "paper", "coco", "bccd", "folder", "faster_rcnn", "retinanet"),
    *("soft", "hard", "scratch", "imagenet", "bf16", "fp16", "off", "strong", "cpu", "cuda"),
)
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from((0, 1, 2, -1, 10**9, 10**30, 10**400, -(10**4000)))
    | st.floats()
    | st.sampled_from((1e308, -1e308, 5e-324))
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(NASTY + WORDS)
)
VALUES = st.recursive(
    PLAIN,
    lambda part: (
        st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=3), part, max_size=3)
    ),
    max_leaves=6,
)


def tried(values: dict[str, Any], device: str) -> config.Experiment | None:
    """The experiment, or ``None`` if the values were refused as they should be."""
    try:
        found = experiment(parse(values), device, weights="scratch")
    except UserError as error:
        sentence = str(error)
        assert sentence.isprintable(), sentence
        assert len(sentence) < 1200
        return None
    return found


@bounds(deadline=None, max_examples=400, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4), st.sampled_from(("cpu", "cuda"))
)
def test_any_values_give_an_experiment_or_one_sentence(values: dict, device: str) -> None:
    found = tried(values, device)
    if found is not None:  # and what is accepted can be written and read
        assert config.from_dict(json.loads(json.dumps(config.to_dict(found)))) == found


@bounds(deadline=None, max_examples=100)
@given(st.dictionaries(st.text(st.characters(), max_size=8), PLAIN, max_size=2))
def test_any_names(values: dict) -> None:
    tried(values, "cpu")


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_takes_every_nasty_text(name: str) -> None:
    for text in NASTY:
        tried({name: text}, "cpu")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"records": ""}, r"records = '': expected a name, not an empty text"),
        ({"records": "a\0b"}, r"records = 'a\\x00b': expected a text without control characters"),
        ({"data_root": "\ud800"}, r"data_root = '\\ud800': expected a text without control"),
        ({"records": "~nobody_here/x"}, r"expected a folder; there is no such user's home"),
        ({"test_split": "\x1b[31m"}, r"test_split = '\\x1b\[31m': expected a text without"),
        ({"backbone": "timm/../x"}, r"backbone = 'timm/../x': expected timm/ and the name"),
        ({"backbone": "timm/"}, r"backbone = 'timm/': expected timm/ and the name"),
        ({"backbone": "timm/ "}, r"backbone = 'timm/ ': expected timm/ and the name"),
        ({"epochs": "1e308"}, r"epochs = '1e308': expected less than or equal to 1000000"),
        ({"steps": 10**30}, r"steps = 10+: expected less than or equal to 1000000000"),
        ({"seed": 10**5000}, r"seed = a int of too many digits: expected"),
        ({"lr": 0}, r"lr = 0: expected greater than 0"),
        ({"lr": "nan"}, r"lr = 'nan': expected"),
        ({"batch": 5000}, r"batch = 5000: expected less than or equal to 4096"),
        ({"batch": "auto", "accumulate": 2}, r"batch = 'auto' and accumulate = 2 are both given"),
        ({"batch": 4, "accumulate": 5}, r"accumulate = 5 is more than the 4 images of a step"),
        ({"patience": 3}, r"patience = 3 counts evaluations while training: give evaluate_every"),
        ({"ema": 1}, r"ema = 1: expected less than 1"),
        ({"short_side": 900, "long_side": 300}, r"short_side = 900 is longer than long_side = 300"),
        ({"long_side": 200}, r"long_side = 200 is shorter than short_side, which is 256"),
        ({"workers": 1000}, r"workers = 1000: expected less than or equal to 256"),
        ({"device": "mps"}, r"device = 'mps': expected 'auto', 'cpu' or 'cuda'; Apple's GPUs"),
        ({"device": "cuda:1"}, r"CUDA_VISIBLE_DEVICES chooses among GPUs"),
        ({"amp": "fp32"}, r"amp = 'fp32': expected 'auto', 'off', 'bf16' or 'fp16'"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_is_wrong_is_said(values: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        experiment(parse({"budget": "laptop"} | values), "cpu", weights="scratch")


def test_a_folder_in_the_users_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    chosen = parse({"records": "~/runs", "data_root": "~/pictures"})
    assert (chosen.records, chosen.data_root) == ("/home/someone/runs", "/home/someone/pictures")


def test_the_rate_and_the_sizes_follow() -> None:
    plain = experiment(parse({"budget": "gpu"}), "cpu", weights="scratch")
    small = experiment(parse({"budget": "gpu", "short_side": 256, "batch": 4}), "cpu", "scratch")
    assert (small.model.short_side, small.model.long_side) == (256, 320)
    assert small.model.anchor_sizes == tuple(size // 2 for size in plain.model.anchor_sizes)
    assert small.model.canonical_size == plain.model.canonical_size / 2
    assert (small.train.lr, small.train.lr_batch, small.train.batch) == (5e-4, 16, 4)
    given_rate = experiment(parse({"budget": "gpu", "batch": 4, "lr": 0.1}), "cpu", "scratch")
    assert (given_rate.train.lr, given_rate.train.lr_batch) == (0.1, 4)
