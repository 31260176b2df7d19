"""One description of what is switched on, from which labels and names of folders are made."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augfpn import config, records
from augfpn.config import AUGFPN, FPN, Model
from augfpn.settings import paper
from augfpn.settings.components import (
    is_augfpn,
    is_fpn,
    label_of,
    record_name,
    variant_of,
    without_components,
)

MASK_AUGFPN = replace(AUGFPN, detector="mask_rcnn", mask_supervision=True, channels=64)
ONE_STAGE_AUGFPN = replace(AUGFPN, detector="fcos", roi_selection="hard")
SINGLE = replace(FPN, lam=0.25, supervision="single", ratios=(0.1, 0.2, 0.3))
GAP = replace(FPN, ratios=(0.1, 0.2, 0.3), context_pooling="gap", context_fusion="sum")


def changed(model: Model, **settings: str) -> Model:
    """The model with settings that config.py does not allow yet, as a reader may add them."""
    copy = replace(model)
    for name, value in settings.items():
        object.__setattr__(copy, name, value)
    return copy


@pytest.mark.parametrize(
    ("model", "label", "variant"),
    [
        (FPN, "FPN", "fpn"),
        (AUGFPN, "AugFPN", "augfpn"),
        (MASK_AUGFPN, "AugFPN", "augfpn"),
        (ONE_STAGE_AUGFPN, "AugFPN", "augfpn"),
        (replace(AUGFPN, roi_selection="hard"), "CS + RFA", "cs_rfa"),
        (replace(FPN, lam=0.5), "CS (lam 0.5)", "cs_lam0.5"),
        (SINGLE, "CS (single level, lam 0.25) + RFA", "cs_single_lam0.25_rfa"),
        (GAP, "RFA (global average, sum)", "rfa_gap_sum"),
        (
            replace(FPN, ratios=(0.2,), roi_selection="acf"),
            "RFA (0.2) + SRS (channel weights)",
            "rfa_0.2_srs_acf",
        ),
        (replace(FPN, roi_selection="panet"), "SRS (PANet)", "panet"),
        (changed(FPN, neck="bottom_up"), "bottom_up", "bottom_up"),
        (changed(AUGFPN, neck="bottom_up"), "bottom_up + CS + RFA + SRS", "bottom_up_cs_rfa_srs"),
        (changed(FPN, roi_selection="softmax"), "SRS (softmax)", "srs_softmax"),
        (changed(SINGLE, supervision="top"), "CS (top, lam 0.25) + RFA", "cs_top_lam0.25_rfa"),
        (changed(GAP, context_fusion="max"), "RFA (global average, max)", "rfa_gap_max"),
    ],
)
def test_names_say_what_is_on_and_how_it_differs_from_augfpn(
    model: Model, label: str, variant: str
) -> None:
    assert label_of(model) == label
    assert variant_of(model) == variant
    assert is_augfpn(model) == (label == "AugFPN")
    assert is_fpn(model) == (label == "FPN")


def test_a_model_with_another_neck_has_no_row_of_the_paper() -> None:
    for model in (AUGFPN, FPN, replace(FPN, lam=0.25)):
        assert paper.row_of(model) is not None
        other = changed(model, neck="bottom_up")
        assert paper.row_of(other) is None
        assert paper.base_row(other) is None


def test_names_of_all_committed_records_are_what_they_were() -> None:
    found, problems = records.read_all(records.COMMITTED)
    assert found
    assert problems == []
    assert [record_name(each.experiment, each.id) for each in found] == [
        each.folder.name for each in found
    ]


def test_a_record_is_named_after_its_run() -> None:
    (record, *_) = records.read_all(records.COMMITTED)[0]
    experiment = replace(record.experiment, model=replace(AUGFPN, norm="batch"), seed=3)
    assert record_name(experiment, "0123456789ab") == (
        f"{experiment.data.name}-{experiment.budget}-faster_rcnn-resnet50-cs+rfa+srs-seed3-"
        "0123456789ab"
    )
    model = changed(replace(experiment.model, ratios=()), neck="bottom_up", roi_selection="acf")
    object.__setattr__(experiment, "model", model)
    assert "-bottom_up+cs+acf-seed3-" in record_name(experiment, "0123456789ab")


def test_a_backbone_of_timm_makes_a_name_for_one_folder() -> None:
    """A slash in it would make two folders, and a finished run could not become a record."""
    experiment = config.Experiment(
        model=Model(backbone="timm/resnet18.a1_in1k", norm="batch"), budget="smoke"
    )
    name = record_name(experiment, "0123456789ab")
    assert name == "scenes-smoke-faster_rcnn-timm_resnet18.a1_in1k-fpn-seed0-0123456789ab"


# --- names of folders -----------------------------------------------------------------------------


def test_a_backbone_of_timm_makes_no_folder_in_a_folder() -> None:
    model = replace(AUGFPN, backbone="timm/resnet18.a1_in1k", norm="batch")
    name = record_name(config.Experiment(model=model), "0" * 12)
    assert name == "scenes-paper-faster_rcnn-timm_resnet18.a1_in1k-cs+rfa+srs-seed0-000000000000"


@given(st.text(), st.text(), st.text(), st.text())
def test_any_settings_make_the_name_of_one_folder(data, budget, backbone, neck) -> None:
    """Settings that `augfpn.config` refuses, too: a record of another version may have them."""
    made = SimpleNamespace(**vars(AUGFPN) | {"backbone": backbone, "neck": neck})
    run = SimpleNamespace(model=made, data=SimpleNamespace(name=data), budget=budget, seed=0)
    name = record_name(run, "0" * 12)
    assert re.fullmatch(r"[A-Za-z0-9_.+-]{1,240}", name)
    assert Path(name).name == name
    assert name.endswith("-seed0-000000000000")


def test_plain_fpn_has_no_gates_to_begin_even() -> None:
    assert without_components(replace(AUGFPN, gates="even")) == FPN
