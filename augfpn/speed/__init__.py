"""The same results in less time: quicker forwards for the parts of a detector, up to rounding."""
