"""The colours of all figures: Okabe and Ito's, which readers with any colour vision tell apart."""

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, AMBER, YELLOW = "#56B4E9", "#E69F00", "#F0E442"

# Runs, models and terms of a loss, in this order.
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, AMBER)

# What the paper reports, in every figure that has our numbers, too: a hollow square.
PAPERS_MARK = {"color": ORANGE, "marker": "s", "s": 36, "facecolors": "none", "linewidths": 1.6}
OF_PAPER = "the paper, on COCO"

# A level has the same colour in every figure. Those of P2 to P5 have a contrast of 3 or more to the
# white and to the dark page, for bars that stand on the page itself. A drawing whose colours mean
# AugFPN's three parts shows levels in grey.
LEVEL_COLOURS = {2: BLUE, 3: ORANGE, 4: GREEN, 5: PURPLE, 6: AMBER, 7: SKY}

# Classes of objects in pictures, in the order of their labels. Black is kept for edges.
CLASS_COLOURS = (AMBER, SKY, GREEN, YELLOW, BLUE, ORANGE, PURPLE)
