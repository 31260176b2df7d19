"""What is recorded for a variant, and the ground truth that it is scored with."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from made_records import made_up

from augfpn import records
from augfpn.data import load
from augfpn.errors import UserError
from augfpn.study import gather, tables
from augfpn.study.evidence import Evidence, processor_of
from augfpn.study.running import grid, recorded
from augfpn.study.uncertainty.truth import IN_ANNOTATION, keep_truth, truth_of
from augfpn.support.files import packed
from augfpn.training import evaluate


def test_every_seed_that_is_recorded_counts(smoke: records.Record, coco: dict) -> None:
    """Also seeds beyond a budget's own number, as `--seeds 7` makes them."""
    runs = [grid.Run(v, "scenes", "smoke", s) for v in ("fpn", "cs") for s in (0, 6, 5)]
    by_key = {grid.key_of_run(run): made_up(smoke, coco, run, 0.5) for run in runs}
    of = Evidence("scenes", "smoke", recorded.Found(by_key, ()), number_of_draws=10)
    assert list(of.recorded("cs")) == [0, 5, 6]
    assert of.effects("cs", "fpn")["AP"].seeds == 3
    some = replace(of, found=of.found.of_seeds(range(6)))
    assert list(some.recorded("cs")) == [0, 5]
    assert of.found.of_seeds(None) == of.found


def test_other_detectors_are_compared_with_their_own_fpn() -> None:
    assert grid.baseline_of("retinanet:augfpn") == "retinanet:fpn"
    assert grid.baseline_of("cs_rfa") == "fpn"
    assert grid.baseline_of("mask_rcnn_r101_augfpn_2x") == "mask_rcnn_r101_fpn_2x"
    assert grid.baseline_of("faster_rcnn_x101_32x4d_fpn_1x") == "faster_rcnn_x101_32x4d_fpn_1x"
    assert tables.variant_label("retinanet:augfpn") == "RetinaNet, AugFPN"


def test_scenes_are_made_again(smoke: records.Record, coco: dict) -> None:
    result = evaluate.score(coco, smoke.predictions)
    assert result["AP"] == pytest.approx(smoke.result["AP"])
    with pytest.raises(UserError, match="another version"):
        truth_of(replace(smoke, fingerprints={"train": "", "test": "older"}))


def test_other_annotations_are_kept_beside_the_records(
    smoke: records.Record, coco: dict, tmp_path: Path
) -> None:
    pictures = load.load_pictures(smoke.experiment.data, "test")
    data = replace(smoke.experiment.data, name="bccd")
    moved = shutil.copytree(smoke.folder, tmp_path / "record")
    record = replace(smoke, folder=moved, experiment=replace(smoke.experiment, data=data))
    with pytest.raises(UserError, match="`augfpn study run` keeps them there"):
        truth_of(record)
    file = keep_truth(pictures, tmp_path)
    kept = truth_of(record)
    for name in IN_ANNOTATION:
        assert [a[name] for a in kept["annotations"]] == [a[name] for a in coco["annotations"]]
    before = file.read_bytes()
    assert keep_truth(pictures, tmp_path).read_bytes() == before
    for damaged in (b"", b"not gzipped", before[:-100], before[:10] + b"no deflate" + before[20:]):
        file.write_bytes(damaged)
        with pytest.raises(UserError, match=r"is damaged \(.+\): delete it, and"):
            truth_of(record)
    file.write_bytes(packed({"fingerprint": "of others"} | kept))
    with pytest.raises(UserError, match="is not for the pictures"):
        truth_of(record)


@pytest.mark.parametrize(
    ("device_name", "processor"),
    [
        ("AMD EPYC, 1 cores", "AMD EPYC"),  # a run that was pinned to one core
        ("AMD EPYC, 2 cores", "AMD EPYC"),
        ("NVIDIA H200", "NVIDIA H200"),
    ],
)
def test_how_many_cores_were_free_does_not_make_another_processor(
    device_name: str, processor: str
) -> None:
    """On one thread the same run on one core and on two has the same detections, bit for bit."""
    run = gather.committed("scenes").recorded("fpn")[0]
    made = replace(run, environment=run.environment | {"device_name": device_name})
    assert processor_of(made) == processor
