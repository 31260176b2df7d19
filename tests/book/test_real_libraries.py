"""The page's adapters in detectron2 and in MMDetection themselves, where these are installed.

Both need an older torch than the package has, so they are not among its dependencies. In an
environment with one of them, and with `augfpn` installed by `pip install --no-deps -e .`:
`python -m pytest -c /dev/null --noconftest tests/book/test_real_libraries.py`.

That they pass was last seen on Python 3.11 with torch 2.1.2, torchvision 0.16.2, numpy 1.26, pillow
9.5, mmdet 3.3.0, mmengine 0.10.7 and mmcv-lite 2.1.0; and with the folder `detectron2` of
pb1-detectron2 0.6 on the path. Its compiled operators are not needed: an empty `detectron2/_C.py`
stands for them. Each library is enough alone.
"""

import re
from collections.abc import Callable
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from augfpn.pyramid import AdaptiveSpatialFusion

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "book" / "coming_from.md"
OURS = ROOT / "book" / "examples", ROOT / "tests" / "helpers"
DATA = (
    torch.tensor([[8.0, 8, 70, 60], [40, 30, 120, 100]]),
    torch.tensor([1, 2]),
    torch.rand(3, 128, 160, generator=torch.Generator().manual_seed(0)) * 255,
)
BASE = {"bbox": "faster_rcnn/faster-rcnn", "mask": "mask_rcnn/mask-rcnn"}
MASKS = pytest.mark.parametrize("masks", [False, True], ids=["boxes", "masks"])


@pytest.fixture(params=["detectron2", "mmdet"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    if find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed; the stand-ins are tested everywhere")
    for folder in OURS:
        monkeypatch.syspath_prepend(str(folder))
    return pytest.importorskip(f"real_{request.param}")


def detectors(library: ModuleType, masks: bool, folder: Path) -> dict[str, Callable]:
    """Functions that build the library's own detector, and those of the page."""
    if library.__name__ == "real_detectron2":
        return {
            "native": lambda: library.native(masks),
            "supervision": lambda: library.supervised(masks),
            "all": lambda: library.augfpn(masks),
            "rfa": lambda: library.augfpn(masks, LAM=0.0, SOFT_BOXES=False, SOFT_MASKS=False),
            "none": lambda: library.augfpn(
                masks, RATIOS=[], LAM=0.0, SOFT_BOXES=False, SOFT_MASKS=False
            ),
        }
    (every,) = re.findall(r"```python\n(_base_.*?)```", PAGE.read_text(), re.S)
    alone = (OURS[0] / "mmdet_with.py").read_text()
    task = BASE["mask" if masks else "bbox"]
    native = f'_base_ = "mmdet::{task}_r50_fpn_1x_coco.py"\n'
    heads = 'model["roi_head"]'
    if masks:
        every += f'{heads}["mask_roi_extractor"] = {{"type": "SoftExtractor"}}\n'
    off = every + f'{heads} = {{"type": "StandardRoIHead"}}\n'
    texts = {
        "native": native,
        "supervision": alone,
        "all": every,
        "rfa": off,
        "none": off + 'model["neck"]["type"] = "FPNWithM"\n',
    }
    based = {name: re.sub(r"_base_ = .*\n", native, text) for name, text in texts.items()}
    return {name: lambda text=text: library.built(text, folder) for name, text in based.items()}


def loaded(make: dict[str, Callable], name: str) -> tuple[nn.Module, nn.Module, list[str]]:
    """The library's detector, the page's with its weights, and the names that these lack."""
    torch.manual_seed(0)
    native, adapted = make["native"](), make[name]()
    missing, unexpected = adapted.load_state_dict(native.state_dict(), strict=False)
    assert unexpected == []
    return native, adapted, missing


def same(found: list[Tensor], wanted: list[Tensor]) -> bool:
    return len(found) == len(wanted) and all(map(torch.equal, found, wanted))


@MASKS
@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("supervision", ["supervision"]),
        ("all", ["supervision", "rfa", "soft", "soft masks"]),
        ("rfa", ["rfa"]),
        ("none", []),
    ],
)
def test_a_checkpoint_lacks_the_new_parts_alone(
    library: ModuleType, masks: bool, name: str, parts: list[str], tmp_path: Path
) -> None:
    native, adapted, missing = loaded(detectors(library, masks, tmp_path), name)
    new = {p: library.NEW[p] for p in parts if masks or p != "soft masks"}
    assert all(any(key.startswith(each) for key in missing) for p in new.values() for each in p)
    assert [k for k in missing if not k.startswith(tuple(x for p in new.values() for x in p))] == []
    if name in ("supervision", "none"):  # inference is the library's own
        assert len(library.detections(native, *DATA)[0]) > 0
        found = library.detections(adapted, *DATA)
        assert same(found, library.detections(native, *DATA))
    m, laterals = library.m_and_laterals(adapted.eval(), DATA[2][None])
    assert same(m, laterals)
    deepcopy(adapted)


@MASKS
def test_every_gate_begins_at_one_half(library: ModuleType, masks: bool, tmp_path: Path) -> None:
    """Also after the library has initialised all weights."""
    model = detectors(library, masks, tmp_path)["all"]()
    fusions = [each for each in model.modules() if isinstance(each, AdaptiveSpatialFusion)]
    assert len(fusions) == (3 if masks else 2)
    for fusion in fusions:
        n, width = fusion.score.out_channels, fusion.score.in_channels
        gates = fusion.weights(torch.rand(n, 1, width, 3, 3) * 100)
        assert torch.equal(gates, torch.full((1, n, 3, 3), 0.5))


@MASKS
@pytest.mark.parametrize("name", ["supervision", "all", "rfa", "none"])
def test_ten_steps_lower_the_loss(
    library: ModuleType, masks: bool, name: str, tmp_path: Path
) -> None:
    _, model, _ = loaded(detectors(library, masks, tmp_path), name)
    optimiser = torch.optim.SGD(model.train().parameters(), lr=0.005, momentum=0.9)
    totals = []
    for _ in range(10):
        losses = library.losses(model, *DATA)
        optimiser.zero_grad()
        sum(losses.values()).backward()
        assert [key for key, q in model.named_parameters() if q.grad is None] == []
        optimiser.step()
        totals.append(sum(losses.values()).item())
    learns = name in ("supervision", "all")
    assert sum("supervision" in key for key in losses) == (2 if learns else 0)
    assert all(torch.tensor(totals).isfinite())
    assert totals[-1] < 0.9 * totals[0]


@pytest.fixture
def pair(library: ModuleType, tmp_path: Path) -> dict:
    """MMDetection's two configurations of a pair, on its own Faster R-CNN."""
    if library.__name__ != "real_mmdet":
        pytest.skip("detectron2 has one configuration for both")
    native = '_base_ = "mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py"\n'
    (tmp_path / "my_config.py").write_text(native)
    for name in ("mmdet_without.py", "mmdet_with.py"):
        (tmp_path / name).write_text((OURS[0] / name).read_text())
    return {
        kind: library.Config.fromfile(tmp_path / f"mmdet_{kind}.py") for kind in ("without", "with")
    }


def test_both_of_a_pair_differ_in_the_part_alone(pair: dict) -> None:
    differ = {"model", "custom_imports", "filename"}
    part, control = ({k: v for k, v in c.items() if k not in differ} for c in pair.values())
    assert part == control
    cfg = pair["with"]
    assert cfg.model.backbone == pair["without"].model.backbone
    assert (cfg.load_from, cfg.train_cfg.max_epochs) == ("my_model.pth", 6)
    assert cfg.val_dataloader.dataset.ann_file == "annotations/instances_val2017.json"
    assert cfg.test_dataloader.dataset.ann_file == "test.json"
    assert cfg.test_dataloader.dataset.data_prefix == {"img": "test/"}
    assert cfg.test_evaluator.ann_file == "data/test.json"
    assert cfg.test_evaluator.type == cfg.val_evaluator.type


def test_the_rate_of_a_pair_rises_and_falls(pair: dict) -> None:
    from mmengine.optim import build_optim_wrapper
    from mmengine.registry import PARAM_SCHEDULERS

    wrapper = build_optim_wrapper(nn.Linear(1, 1), pair["with"].optim_wrapper)
    rises, falls = pair["with"].param_scheduler
    assert falls.pop("convert_to_iter_based")
    makers = [PARAM_SCHEDULERS.get(each.pop("type")) for each in (rises, falls)]
    rise = makers[0](wrapper.optimizer, **rises)
    fall = makers[1].build_iter_from_epoch(wrapper.optimizer, epoch_length=100, **falls)
    seen = []
    for _ in range(600):
        seen.append(wrapper.get_lr()["lr"][0])
        rise.step()
        fall.step()
    assert max(seen[0], seen[-1]) < 0.0001
    assert 0.0019 < max(seen) <= 0.002
