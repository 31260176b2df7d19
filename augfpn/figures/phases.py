"""The phases of the study in labels and titles: the pilot, and the runs that confirm."""

CONFIRMATION = ", confirmation"  # the end of a label whose numbers are of the runs that confirm
