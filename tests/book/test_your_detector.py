"""The code on the page on one's own detector runs, in the order of the page."""

import re
import tomllib
from pathlib import Path

import pytest
import torch
from chapters import BOOK, ROOT
from nets import in_cache
from PIL import Image
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights, fasterrcnn_resnet50_fpn

from augfpn.pyramid import AdaptiveSpatialFusion
from augfpn.settings.budgets import BUDGETS
from augfpn.speed.quick import is_quickened

PAGE = (BOOK / "your_detector.md").read_text("utf-8")
SUPERVISED, ALL_PARTS, QUICK, OWN, FIRST, PRETRAINED, OF_MODEL, LOADER, LOOP = re.findall(
    r"```python\n(.*?)```", PAGE, re.DOTALL
)
SMALL = "short_side=160, long_side=200, proposals=(20, 20)"
COCO = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta
CAT = COCO["categories"].index("cat")


def changed(code: str, old: str, new: str) -> str:
    """Code in which one piece is made smaller, or needs no network."""
    assert code.count(old) == 1
    return code.replace(old, new)


def supervised() -> dict:
    """The names of the first code, which downloads weights; here they are random."""
    names: dict = {}
    exec(changed(SUPERVISED, 'weights="DEFAULT"', "weights=None, weights_backbone=None"), names)
    names["model"].transform.min_size, names["model"].transform.max_size = (160,), 200
    return names


@pytest.fixture
def downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """torchvision's detector, whose weights lie where COCO's would be; all that it sees is cats."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    torch.manual_seed(0)
    theirs = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    last = theirs.roi_heads.box_predictor.cls_score
    nn.init.zeros_(last.weight)
    last.bias.data[CAT] = 9.0
    state = {k: v for k, v in theirs.state_dict().items() if "num_batches" not in k}
    in_cache(state, "COCO_V1", tmp_path, monkeypatch, COCO)
    return theirs


def gates(detector: nn.Module) -> list[float]:
    """The gate of each fusion, where all its gates are equal."""
    found = []
    for fusion in detector.modules():
        if isinstance(fusion, AdaptiveSpatialFusion):
            n, width = fusion.score.out_channels, fusion.score.in_channels
            (gate,) = fusion.weights(torch.rand(n, 1, width, 3, 3) * 100).unique()
            found.append(gate.item())
    return found


def pictures() -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    torch.manual_seed(1)
    boxes = torch.tensor([[9.0, 9, 90, 80]])
    target = {"boxes": boxes, "labels": torch.tensor([2])}
    return [torch.rand(3, 96, 120), torch.rand(3, 120, 96)], [target, target]


def whole() -> dict:
    """The names of the second code, in which the detector gets all three parts."""
    names: dict = {}
    exec(changed(ALL_PARTS, 'weights="DEFAULT"', "weights=None, weights_backbone=None"), names)
    names["model"].transform.min_size, names["model"].transform.max_size = (160,), 200
    return names


def test_one_part_has_the_classes_of_the_new_predictor() -> None:
    model = supervised()["model"]
    assert model.roi_heads.supervision.weight == 0.25
    assert model.roi_heads.supervision.head[1].cls_score.out_features == 4


def test_a_torchvision_detector_with_all_parts_runs() -> None:
    names = whole()
    model = names["model"]
    assert gates(model) == [0.5] * 2
    assert model.roi_heads.supervision.weight == 0.25
    model.eval()
    model.roi_heads.score_thresh = 0
    picture = torch.rand(3, 120, 160)
    before = model([picture])[0]
    assert before.keys() == {"boxes", "labels", "scores"}
    exec(QUICK, names)
    assert is_quickened(model)
    assert torch.allclose(model([picture])[0]["scores"], before["scores"], atol=1e-4)


def test_supervision_in_a_forward_of_one_s_own_reaches_m_alone() -> None:
    names: dict = {}
    exec(OWN, names)
    learning = {n.split(".")[0] for n, q in names["fpn"].named_parameters() if q.grad is not None}
    assert learning == {"lateral"}, "the loss reaches M, and not P"
    assert all(q.grad is not None for q in names["supervision"].parameters())


def test_a_photo_gets_boxes_with_the_names_of_their_classes(
    downloaded: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    photo = Image.effect_noise((160, 120), 60)
    photo.save("photo.jpg")
    code = changed(FIRST, "in_dialect(FPN,", f"in_dialect(replace(FPN, {SMALL}),")
    names: dict = {}
    exec(f"from dataclasses import replace\n{code}", names)
    assert set(names["words"]) == {"cat"}
    assert (len(names["names"]), names["names"][1]) == (81, "person")
    with Image.open("found.png") as drawn:
        assert drawn.size == photo.size
        assert drawn.mode == "RGB"
        red, green, _ = drawn.split()
    assert red.tobytes() != green.tobytes(), "the photo is grey, and boxes have colours"
    assert f"about\n{round(COCO['_file_size'], -1):.0f} MB" in PAGE


def test_from_coco_weights_only_new_parts_learn(downloaded: nn.Module) -> None:
    names: dict = {}
    exec(PRETRAINED, names)
    detector = names["detector"]
    assert gates(detector) == [0.5] * 2
    learning = {n.split(".")[0] for n, q in detector.named_parameters() if q.requires_grad}
    assert learning == {"fpn", "select", "supervision"}
    frozen = detector.backbone.body.conv1.weight
    assert torch.equal(frozen, downloaded.backbone.body.conv1.weight)
    assert not frozen.requires_grad


@pytest.mark.parametrize("start", ["one part", "all parts", "ours"])
def test_new_parts_learn_first_and_the_rest_later(start: str, downloaded: nn.Module) -> None:
    if start != "ours":
        names = supervised() if start == "one part" else whole()
        exec(OF_MODEL, names)
    else:
        names = {}
        exec(changed(PRETRAINED, "AUGFPN, init", f"AUGFPN, {SMALL}, init"), names)
    detector, rates, moved = names["detector"], [], []
    before = {name: q.detach().clone() for name, q in detector.named_parameters()}

    def batches():
        for _ in range(9):
            rates.append([group["lr"] for group in names["optimizer"].param_groups])
            now = dict(detector.named_parameters())
            moved.append({n for n, q in before.items() if not torch.equal(now[n], q)})
            yield pictures()

    names["batches"] = batches()
    exec(changed(LOOP, "= 1000, 50, 200", "= 4, 2, 2"), names)
    new = {n for n in names["own"] if n in before}
    old = {n for n in before if n not in new and not n.startswith(names["still"])}
    later = {n for n in new if "fusion.reduce." in n}  # behind last convolutions that begin at zero
    assert len(later) == (0 if start == "one part" else 4)
    assert moved[1] == new - later
    assert moved[2] == new
    if start == "one part":
        assert {n.split(".")[1] for n in new} == {"supervision", "box_predictor"}
    assert moved[3] & old
    assert moved[3] <= new | old
    assert all(torch.isfinite(q).all() for q in detector.parameters())
    assert rates[0] == pytest.approx([1e-5, 1e-6])
    assert rates[2] == pytest.approx([1e-3, 1e-4])
    assert rates[3] == pytest.approx([5e-4, 5e-5])


def test_a_dataset_of_one_s_own_feeds_the_loop() -> None:
    images, targets = pictures()
    names = {"dataset": [*zip(images, targets, strict=True)] * 3}  # six images: two batches a pass
    exec(LOADER, names)
    for count, (some, of_them) in zip((4, 2, 4, 2, 4), names["batches"], strict=False):
        assert len(some) == len(of_them) == count
        assert {tuple(each.shape) for each in some} <= {(3, 96, 120), (3, 120, 96)}
        assert all(each.keys() == {"boxes", "labels"} for each in of_them)
    losses = fasterrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, num_classes=3, min_size=64, max_size=80
    )(some, of_them)
    assert all(torch.isfinite(each) for each in losses.values())


def test_pages_name_the_oldest_torch() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (torch_needed,) = (x for x in project["dependencies"] if x.startswith("torch>="))
    assert f"`{torch_needed}`" in PAGE
    assert f"`{torch_needed}`" in (BOOK / "your_pictures.ipynb").read_text("utf-8")


def test_the_loop_has_the_settings_of_the_study() -> None:
    train = BUDGETS["laptop"].train
    assert (train.optimizer, train.batch, train.schedule) == ("adamw", 4, "cosine")
    assert f'"lr": {train.lr:.0e}}}'.replace("e-03", "e-3") in LOOP
    assert f"weight_decay={train.weight_decay:.0e}".replace("e-04", "e-4") in LOOP
    assert f"LinearLR(optimizer, {train.warmup_from}, total_iters=warm_up)" in LOOP
    assert f"= 1000, {train.warmup_steps}, 200" in LOOP
    assert f"parameters(), {train.clip:.0f})" in LOOP
