"""The names of all numbers that are measured, by which claims ask for them. Needs no torch.

`augfpn.diagnostics.measure.numbers` gives their values; a test compares the names.
"""

_LEVELS = range(2, 6)  # of the pyramid, P2 to P5
_GAP = ("alike", "own level", "other level", "gap")
_MAPS = ("M5", "M5 + M6", "P5")
MEASURED = (
    *_GAP,
    *(f"{name} before training" for name in _GAP),
    *(f"C5 lost in {name}" for name in _MAPS),
    *(f"content from {name}" for name in ("C5", *_MAPS)),
    *(f"classes from {name}" for name in ("C5", *_MAPS)),
    *(f"surroundings in {name}" for name in ("C5", *_MAPS)),
    *("change across a border", "change elsewhere"),
    *("loss near a border", "loss far from a border"),
    *("loss, level by rule", "loss, level by choice"),
    *("right, level by rule", "right, level by choice"),
    "gain from another level by size",
    *(f"P{k}'s share at P{i}" for i in _LEVELS for k in _LEVELS),
    *("least share", *(f"entropy at P{i}" for i in _LEVELS)),
)
