"""What the page on a trained detector prints runs: its files, its code, and its commands.

`test_coming_from` and `test_real_libraries` have the supervision files of detectron2 and
MMDetection.
"""

import json
import re
import sys
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
import torch
from chapters import BOOK
from small_torchvision import dataset_of_noise
from torch import nn
from torchvision.models.detection import FasterRCNN, fasterrcnn_resnet50_fpn
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead

from augfpn.cli.program import main

PAGE = (BOOK / "trained_detector.md").read_text("utf-8")
EXAMPLES = BOOK / "examples"
PAIRS, OURS = re.findall(r"```python\n(from .*?)```", PAGE, re.DOTALL)
CHECKPOINT = "my_model.pth"


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The page's files can be imported, and the working directory is an empty folder."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.chdir(tmp_path)
    for name in ("torchvision_continue", "torchvision_found", "torchvision_pairs"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import torchvision_continue

    return torchvision_continue


def build() -> FasterRCNN:
    """A torchvision detector that is small and quick."""
    backbone = resnet_fpn_backbone(backbone_name="resnet18", weights=None, trainable_layers=5)
    return FasterRCNN(
        backbone,
        min_size=64,
        max_size=96,
        box_head=TwoMLPHead(256 * 49, 16),
        box_predictor=FastRCNNPredictor(16, 3),
        rpn_post_nms_top_n_train=20,
        rpn_post_nms_top_n_test=20,
        box_batch_size_per_image=8,
        box_score_thresh=0.0,
    )


@pytest.fixture
def checkpoint(tmp_path: Path) -> dict:
    torch.manual_seed(0)
    state = build().state_dict()
    torch.save({"model": state}, tmp_path / CHECKPOINT)
    return state


def first_losses(model: nn.Module) -> list[dict[str, float]]:
    """The losses of every step, kept as the model returns them."""
    seen, forward = [], model.forward

    def watched(*data):
        losses = forward(*data)
        seen.append({name: loss.item() for name, loss in losses.items()})
        return losses

    model.forward = watched
    return seen


def test_both_of_a_pair_start_alike_and_see_the_same(files, checkpoint) -> None:
    seen = {}
    for lam in (0.0, 0.25):
        watched = []

        def watch(kept=watched) -> FasterRCNN:
            model = build()
            kept.append(first_losses(model))
            return model

        model = files.continued(watch, CHECKPOINT, dataset_of_noise(), 2, seed=3, lam=lam)
        ((first, _),) = watched
        seen[lam] = first
        new = model.state_dict().keys() - checkpoint.keys()
        assert checkpoint.keys() <= model.state_dict().keys()
        assert all(name.startswith("roi_heads.supervision.") for name in new)
        assert bool(new) == bool(lam)
    added = seen[0.25].keys() - seen[0.0].keys()
    assert added == {"loss_supervision_class", "loss_supervision_box"}
    assert {name: seen[0.25][name] for name in seen[0.0]} == seen[0.0]


def learning() -> FasterRCNN:
    """The same detector as one builds it without any weights: its statistics learn."""
    model = build()  # whose statistics are frozen, as those of a detector from COCO's weights
    norm = {"norm_layer": nn.BatchNorm2d, "trainable_layers": 5}
    model.backbone = resnet_fpn_backbone(backbone_name="resnet18", weights=None, **norm)
    return model


@pytest.mark.parametrize(("saved", "now"), [(learning, build), (build, learning)])
def test_a_checkpoint_of_another_normalisation_is_refused(files, tmp_path, saved, now) -> None:
    """torchvision would load it, and train something else than the checkpoint's detector."""
    torch.save(saved().state_dict(), tmp_path / "own.pth")
    now().load_state_dict(torch.load(tmp_path / "own.pth"))  # without a word
    with pytest.raises(ValueError, match=r"bn1 .*`build`"):
        files.started(now, "own.pth", seed=0, lam=0)
    files.started(saved, "own.pth", seed=0, lam=0)


def test_the_saved_file_is_one_of_the_plain_model(files, checkpoint) -> None:
    model = files.continued(build, CHECKPOINT, dataset_of_noise(), 2, seed=0, lam=0.25)
    files.save(model, "saved.pth")
    plain = build()
    plain.load_state_dict(torch.load("saved.pth", weights_only=True), strict=True)
    (image, _), *_ = dataset_of_noise()
    with torch.no_grad():
        ((mine,), (theirs,)) = (each.eval()([image]) for each in (plain, model.cpu()))
    assert len(mine["boxes"]) > 0
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)


def test_another_optimizer_can_be_given(files, checkpoint, monkeypatch) -> None:
    made = []

    class Watched(torch.optim.SGD):
        def __init__(self, *given, **more) -> None:
            made.append(more)
            super().__init__(*given, **more)

    monkeypatch.setattr(torch.optim, "SGD", Watched)
    (words,) = re.findall(r"`\"optimizer\": (.*?)` to `how`", PAGE)
    optimizer = eval(words, {"partial": partial, "torch": torch})
    files.continued(build, CHECKPOINT, dataset_of_noise(), 1, seed=0, lam=0, optimizer=optimizer)
    assert made == [{"momentum": 0.9}]


def test_the_loop_obeys_rate_batch_and_workers(files, checkpoint, monkeypatch) -> None:
    seen = {}

    class Loader(files.DataLoader):
        def __init__(self, dataset, batch, num_workers, **how) -> None:
            seen.update(batch=batch, num_workers=num_workers)
            super().__init__(dataset, batch, num_workers=0, **how)

    def optimizer(parameters, rate) -> torch.optim.AdamW:
        seen.update(rate=rate)
        return torch.optim.AdamW(parameters, rate)

    monkeypatch.setattr(files, "DataLoader", Loader)
    how = {"rate": 0.003, "batch": 2, "num_workers": 3}
    files.continued(
        build, CHECKPOINT, dataset_of_noise(2), 2, seed=0, lam=0, optimizer=optimizer, **how
    )
    assert seen == how


def test_the_check_finds_a_part_that_changes_the_plain_losses(
    files, checkpoint, monkeypatch, capsys
) -> None:
    import torchvision_pairs

    torchvision_pairs.check(build, CHECKPOINT, dataset_of_noise())
    added = {"loss_supervision_class", "loss_supervision_box"}
    assert set(capsys.readouterr().out.split(": ")[1].split()) == added

    def wrong(*given) -> FasterRCNN:
        model = files.started(*given)
        if given[-1]:
            with torch.no_grad():
                model.backbone.fpn.layer_blocks[0][0].bias += 1
        return model

    monkeypatch.setattr(torchvision_pairs, "started", wrong)
    with pytest.raises(AssertionError, match="loss"):
        torchvision_pairs.check(build, CHECKPOINT, dataset_of_noise())


def test_mixed_precision_trains(files, checkpoint, monkeypatch) -> None:
    """In 16 bits on the processor: what a GPU would do has not been run."""
    monkeypatch.setattr(files, "half", True)
    kinds = []
    before = nn.Linear.forward

    def watched(self, x):
        found = before(self, x)
        kinds.append(found.dtype)
        return found

    monkeypatch.setattr(nn.Linear, "forward", watched)
    model = files.continued(build, CHECKPOINT, dataset_of_noise(), 2, seed=0, lam=0.25)
    assert set(kinds) == {torch.float16}
    state = model.state_dict()
    assert all(value.isfinite().all() for value in state.values())
    assert any(not torch.equal(value, state[name]) for name, value in checkpoint.items())


def test_a_loss_that_is_not_finite_ends_the_training(files, checkpoint) -> None:
    (image, target), *_ = dataset_of_noise()
    with pytest.raises(ValueError, match="step 0: lower the rate"):
        files.continued(build, CHECKPOINT, [(image * torch.nan, target)], 2, seed=0, lam=0)


def test_the_pairs_become_files_that_augfpn_compares(files, checkpoint, capsys) -> None:
    """Those that an interrupted session finished stay, and are not trained again."""
    kinds = ("without", "with")
    there = [f"{kind}-{seed}" for kind in kinds for seed in range(2)]
    for name in there:
        Path(f"{name}.json").write_text("[]")
    code = PAIRS.replace("2000", "2").replace('"num_workers": 4', '"num_workers": 0')
    code = code.replace("classes=3", "classes=2")
    assert code.count('"steps": 2,') == code.count('"num_workers": 0') == 1
    data = {f"{split}_set": dataset_of_noise(2) for split in ("train", "val", "test")}
    exec(code, {"build": build} | data)
    assert "checkpoint " in capsys.readouterr().out
    saved = {f"{kind}-2.pth" for kind in kinds}
    assert {file.name for file in Path().glob("*-*.pth")} == saved
    files_of = {kind: [f"{kind}-{seed}.json" for seed in range(3)] for kind in kinds}
    for rows in files_of.values():
        found = json.loads(Path(rows[2]).read_text())
        assert found
        for seed in range(2):  # a run each, a little apart
            moved = [each | {"score": each["score"] / (2 + seed)} for each in found[seed:]]
            Path(rows[seed]).write_text(json.dumps(moved))
    words = [f"--{kind}" for kind in kinds]
    lists = [
        each for word, kind in zip(words, kinds, strict=True) for each in (word, *files_of[kind])
    ]
    assert main(["interval", "--annotations", "test.json", *lists]) == 0
    assert "3 pairs of runs, 2 test images" in capsys.readouterr().out


def test_our_detector_takes_the_checkpoint_and_trains(files, tmp_path) -> None:
    torch.manual_seed(0)
    yours = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=4)
    state = {k: v for k, v in yours.state_dict().items() if "num_batches" not in k}
    torch.save(state, CHECKPOINT)
    small = "classes=3, short_side=64, long_side=96, proposals=(20, 20), rois=8"
    code = OURS.replace("classes=3", small).replace("steps=2000", "steps=1")
    assert code.count("steps=1") == code.count(small) == 1
    names = {"train_set": dataset_of_noise(2), "seed": 0, "lam": 0.25}
    exec(code, names)
    assert {name.split(".")[0] for name in names["new"]} == {"supervision"}
    assert all(q.isfinite().all() for q in names["detector"].parameters())
