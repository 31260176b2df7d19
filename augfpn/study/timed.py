"""What a timing of FPN, AugFPN and its parts says, which `augfpn.study.timing` has measured.

Nothing here needs torch, so that tables of recorded numbers do not need it either.
"""

from augfpn.study.bench.settings import Use
from augfpn.study.uncertainty import intervals
from augfpn.study.uncertainty.intervals import Interval

TIMED_VARIANTS = ("fpn", "augfpn")
IN_TURNS = ("fpn", "cs", "rfa", "srs", "augfpn")  # of a timing; older ones have the ends only


def time_ratio(timing: dict, use: Use, variant: str = "augfpn") -> Interval:
    """A variant's time divided by FPN's: the mean over rounds, with its interval."""
    base, augmented = (timing["seconds"][use][name] for name in ("fpn", variant))
    return intervals.mean_interval([b / a for a, b in zip(base, augmented, strict=True)])
