# The same, with Consistent Supervision.
_base_ = "mmdet_without.py"
custom_imports = {"imports": ["mmdet_supervision"]}
model = {
    "neck": {"type": "FPNWithM"},
    "rpn_head": {"type": "RPNHeadWithoutM"},
    "roi_head": {"type": "SupervisedRoIHead"},
}
