"""`augfpn`, but small boxes do not read P4 and P5."""

import sys

import torch

from augfpn import pyramid
from augfpn.cli.program import main


class FineForSmall(pyramid.SoftRoISelection):
    """Below 32² pixels, what P4 and P5 give is zero."""

    def pool(self, p, boxes):
        every = torch.cat(boxes)
        area = (every[:, 2:] - every[:, :2]).prod(1)
        large = (area >= 32**2)[:, None, None, None]
        maps = super().pool(p, boxes)
        both = zip(self.levels, maps, strict=True)
        return [x if k < 4 else x * large for k, x in both]


pyramid.SoftRoISelection = FineForSmall
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
