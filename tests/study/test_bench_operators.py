"""AugFPN's price with torchvision's operators and with ours, measured in turns."""

from dataclasses import replace

from operators import INFERENCE, KINDS, measured

from augfpn.study.bench import pages
from augfpn.study.timed import TIMED_VARIANTS


def test_all_four_detectors_take_turns(monkeypatch) -> None:
    """As many rounds of each; the kinds of operators differ, all else is equal."""
    built = []
    monkeypatch.setattr("operators.contestants", noted(built))
    small = replace(INFERENCE, budget="laptop", size=(128, 160), rois=60, rounds=2, seconds=1)
    found = measured(small)
    assert list(found["operators"]) == list(KINDS)
    for both in found["operators"].values():
        assert list(both) == list(TIMED_VARIANTS)
        assert {len(each["cpu_seconds"]) for each in both.values()} == {2}
    assert [each.fields for each in built] == [(("operators", kind),) for kind in KINDS]
    assert pages.operators_table(found).count("torchvision's") == 1


def noted(built: list):
    """The function that makes contestants; it adds their settings to ``built``."""
    from operators import contestants

    def make(settings, *rest):
        built.append(settings)
        return contestants(settings, *rest)

    return make
