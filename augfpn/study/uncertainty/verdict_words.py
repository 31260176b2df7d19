"""The words of verdicts on claims, in the order in which they are shown."""

from typing import Literal

from augfpn.study.uncertainty.intervals import Verdict

ClaimVerdict = Literal[
    Verdict,
    *("probably holds", "probably does not hold"),
    *("probably within 1 AP of zero", "probably below the paper's gain"),
    *("not run", "withdrawn"),
]
PROBABLE: dict[str, ClaimVerdict] = {  # what a claim's own differences leave open
    "holds": "probably holds",
    "does not hold": "probably does not hold",
    "within 1 AP of zero": "probably within 1 AP of zero",
    "below the paper's gain": "probably below the paper's gain",
}
SIGNS = {"holds": "above zero", "does not hold": "below zero"}  # of an effect, for better or worse
VERDICTS: tuple[ClaimVerdict, ...] = (
    *("holds", "probably holds", "does not hold", "probably does not hold"),
    *("within 1 AP of zero", "probably within 1 AP of zero"),
    *("below the paper's gain", "probably below the paper's gain"),
    *("undecided", "not run", "withdrawn"),
)
