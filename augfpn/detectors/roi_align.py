"""The two versions of RoIAlign, equal up to rounding: torchvision's operator and a sparse map.

They are written in `augfpn.speed.bags`, because Soft RoI Selection has a quicker form there that
needs the parts of the sparse one.
"""

from augfpn.speed.bags import roi_align, sparse_roi_align, torchvision_roi_align

__all__ = ["roi_align", "sparse_roi_align", "torchvision_roi_align"]
