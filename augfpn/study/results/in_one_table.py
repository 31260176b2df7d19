"""The paper's gains and ours, part by part, beside what each part costs: one table."""

from collections.abc import Mapping

from augfpn.study import timed
from augfpn.study.evidence import Evidence
from augfpn.study.results.side_by_side import images_called
from augfpn.study.running.controls import changed_by
from augfpn.study.spreads import wider_effect
from augfpn.study.tables import variant_label, variant_row
from augfpn.study.uncertainty.cells import marked, page_table
from augfpn.study.uncertainty.intervals import FEWEST_SEEDS

ROWS = ("cs", "rfa", "srs", "augfpn", "augfpn_even")


def parts_table(later: Evidence, photographs: Mapping[str, Evidence], timing: dict) -> str:
    """A row for each part alone and for AugFPN: the paper's gain, ours on each set, the time.

    ``later`` is the evidence of the seeds that confirm, ``photographs`` that from pretrained
    weights by set of images, ``timing`` the times of the small detectors.
    """
    own = {f"{images_called(name)}, pretrained": of for name, of in photographs.items()}
    sets = {"scenes": later} | own
    rows = [
        [
            variant_label(variant),
            printed_text(later, variant),
            *(gain_and_pairs(of, variant) for of in sets.values()),
            *(times_as_long(timing, use, variant) for use in ("training", "testing")),
        ]
        for variant in ROWS
    ]
    return page_table(["", "paper, COCO", *sets, "training step", "inference"], rows)


def printed_text(of: Evidence, variant: str) -> str:
    """The paper's gain on COCO's val2017 in points; a dash where it has none."""
    gain = variant_row(variant, of).printed_gain("AP")
    return "–" if gain is None else f"{gain:+.1f}"


def gain_and_pairs(of: Evidence, variant: str) -> str:
    """A gain over FPN, bold if its interval excludes zero, and the pairs; a dash below three."""
    pairs, found = len(of.apart(variant, "fpn")), wider_effect(of, variant)
    return f"{marked(found)} ({pairs})" if found and pairs >= FEWEST_SEEDS else "–"


def times_as_long(timing: dict, use: str, variant: str) -> str:
    """How many times as long as FPN's a step takes; AugFPN's gates do not change it."""
    return f"× {timed.time_ratio(timing, use, changed_by(variant)).mean:.2f}"
