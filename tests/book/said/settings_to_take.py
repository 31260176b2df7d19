"""Should you use it: what helps FPN, and which settings of the parts we would take."""

import inspect

from augfpn import AUGFPN
from augfpn.detectors.augmented_torchvision import add_augfpn
from augfpn.detectors.supervised_torchvision import add_consistent_supervision
from augfpn.study import gather
from augfpn.study.results import reported
from augfpn.study.running.tries import committed_rows
from augfpn.study.spreads import wider_effect, wider_text
from said.evidence import at, confirmation, on_scenes, tries, wide_text
from said.table import says

PAGE = "should_you_use_it"


@says(
    PAGE,
    "| twice the steps | [+12.6](fair_baselines.ipynb#as-long-as-large-as-well-set) [+11.6, +13.6] "
    "| not measured",
)
@says(PAGE, "| four times the steps | +22.1 [+20.0, +24.3] | not measured |")
@says(
    PAGE,
    "| learning rate and size rule, searched in nine tries | "
    "[+2.6](fair_baselines.ipynb#tuned-alike) [+1.6, +3.6] |",
)
@says(
    PAGE,
    "On scenes each gain of {numref}`tab-helps-fpn` is larger than any of AugFPN's on all objects, "
    "in the same detector.",
)
def what_helps_fpn() -> None:
    assert on_scenes("fpn_2x_steps") == "+12.6 [+11.6, +13.6]"
    assert on_scenes("fpn_4x_steps") == "+22.1 [+20.0, +24.3]"
    assert on_scenes("fpn_tuned") == "+2.6 [+1.6, +3.6]"
    of = confirmation()
    pairs = (("augfpn", "fpn"), ("augfpn_even", "fpn"), ("augfpn_4x_steps", "fpn_4x_steps"))
    gains = [of.effects(*pair)["AP"].mean for pair in pairs]
    assert max(gains) < of.effects("fpn_tuned", "fpn")["AP"].mean
    plain, tuned = (of.recorded(name)[3].experiment for name in ("fpn", "fpn_tuned"))
    assert tuned.train.lr == 2 * plain.train.lr
    assert tuned.model.canonical_size > plain.model.canonical_size


@says(PAGE, "| not measured | +6.8 on Aquarium, +2.0 on blood cells |")
@says(PAGE, "480 px for 320 | not measured | +4.7 on Aquarium, runs of two processors |")
@says("your_pictures", "(`--short-side`): 480 px for 320 brought 4.7 there.")
@says(PAGE, "a higher rate was worse on Aquarium |")
@says(PAGE, "On photographs by one run each, or by four pairs for the backbone.")
def what_helps_fpn_on_aquarium() -> None:
    ap = {
        (row["steps"], row["lr"]): 100 * row["AP"]
        for row in tries()
        if (row["pictures"], row["variant"], row["frozen"]) == ("aquarium", "fpn", 5)
    }
    assert f"{ap[900, 0.001] - ap[300, 0.001]:+.1f}" == "+6.8"
    assert ap[300, 0.002] < ap[300, 0.001]
    (large,) = [100 * row["AP"] for row in committed_rows("transfer") if row["short_side"] == 480]
    assert f"{large - ap[900, 0.001]:+.1f}" == "+4.7"


@says(PAGE, "| CS | λ = 0.25 on each of four levels |")
@says(
    PAGE,
    "**The paper**: best of seven, by a tenth of a point. **Scenes**: λ = 1 is "
    "[worse](variants.ipynb); smaller changes are undecided.",
)
def the_weight() -> None:
    table = {each.label: each.gain for each in reported.ablations() if each.table == "Table 3"}
    assert max(table, key=table.__getitem__) == "all, λ = 0.25"
    assert len(table) == 7
    best, second, *_ = sorted(table.values(), reverse=True)
    assert round(best - second, 1) == 0.1
    assert wider_effect(confirmation(), "cs_lam1", "cs").high < 0
    others = [wider_text(at("scenes"), name, "cs") for name in ("cs_lam0.125", "cs_lam0.5")]
    assert all("[−" in each and ", +" in each for each in others)
    assert AUGFPN.lam == 0.25


@says(PAGE, "| RFA | means at the ratios 0.1, 0.2, 0.3, joined by gates |")
@says(
    PAGE,
    "**The paper**: other ratios are within 0.3 points. **Both**: no global maximum, which [lost "
    "AP](all_effects.ipynb).",
)
def the_ratios() -> None:
    table = {each.label: each.gain for each in reported.ablations() if each.table == "Table 4"}
    gains = [gain for label, gain in table.items() if label.startswith("RA-AP")]
    assert round(max(gains) - min(gains), 1) == 0.3
    assert table["GMP, sum"] < 0
    assert wider_effect(at("scenes"), "rfa_gmp_sum").high < 0
    assert AUGFPN.ratios == (0.1, 0.2, 0.3)


@says(PAGE, "better so on Aquarium, probably on scenes, and undecided on blood cells.")
@says(
    PAGE,
    "[Our calls for torchvision](your_detector.md) have the settings of {numref}`tab-take-these` "
    "as defaults.",
)
def the_gates_and_the_defaults() -> None:
    assert on_scenes("augfpn_even", "augfpn") == "+1.0 [−0.2, +2.2]"
    assert confirmation().effects("augfpn_even", "augfpn")["AP"].low > 0
    cells = gather.committed("bccd", "transfer")
    shown = wide_text(cells, "augfpn_even", "augfpn")
    assert shown == "+0.9 [−0.7, +2.4]"
    words = inspect.signature(add_augfpn).parameters
    assert (words["weight"].default, words["ratios"].default) == (0.25, (0.1, 0.2, 0.3))
    weight = inspect.signature(add_consistent_supervision).parameters["weight"].default
    assert weight == 0.25
    assert "Every gate begins at one half." in add_augfpn.__doc__
