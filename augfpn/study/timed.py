"""What a timing of FPN and AugFPN says, which `augfpn.study.timing` has measured.

Nothing here needs torch, so that tables of recorded numbers do not need it either.
"""

from augfpn.study import intervals
from augfpn.study.bench.settings import Use
from augfpn.study.intervals import Interval

TIMED_VARIANTS = ("fpn", "augfpn")


def time_ratio(timing: dict, use: Use) -> Interval:
    """AugFPN's time divided by FPN's: the mean over rounds, with its interval."""
    base, augmented = (timing["seconds"][use][variant] for variant in TIMED_VARIANTS)
    return intervals.mean_interval([b / a for a, b in zip(base, augmented, strict=True)])
