"""What to try: options that are what they are called, and gains with their pairs of runs."""

import pytest

from augfpn.settings import parameters
from augfpn.settings.components import variant_of
from augfpn.study import advice, gather
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
        name.removeprefix("--").replace("-", "_"): {"false": False}.get(value, value)
        for name, value in zip(words[::2], words[1::2], strict=True)
    }
    chosen = parameters.parse({"data": "scenes", "budget": "smoke", "device": "cpu"} | given)
    assert variant_of(experiment_from(chosen, "scratch").model) == variant


def test_gains_name_their_pairs_of_runs() -> None:
    of = gather.committed_sets(("bccd", "aquarium"), "transfer")
    first, second = advice.gains_beside(of, "augfpn").split("; ")
    assert first.startswith("blood cells −1.2 [")
    assert first.endswith(", 8 pairs")
    assert second.endswith(", 3 pairs")
    assert advice.gains_beside({"aquarium": of["aquarium"]}, "cs") == "not run"
