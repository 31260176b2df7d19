"""Tables and figures from records: what they say, and that they are the same twice."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import nbclient
import nbformat
import numpy as np
import pytest

from augfpn import records
from augfpn.cli.program import main
from augfpn.errors import UserError
from augfpn.figures import examples
from augfpn.notebook import Asked, asked
from augfpn.study import claims, grid, intervals, mechanisms, report, tables, truth
from augfpn.study import evidence as recorded
from augfpn.study.evidence import Evidence
from augfpn.support.files import packed
from augfpn.training import train


@pytest.fixture(scope="module")
def smoke(tmp_path_factory) -> records.Record:
    """FPN on scenes at the smoke budget, as the grid has it."""
    run = grid.Run("fpn", "scenes", "smoke", 0)
    return train.train(run.experiment, tmp_path_factory.mktemp("records"))


@pytest.fixture(scope="module")
def coco(smoke: records.Record) -> dict:
    return truth.truth_of(smoke)


def made_up(smoke: records.Record, coco: dict, run: grid.Run, share: float) -> records.Record:
    """A record of a run that found the first ``share`` of each class's objects only."""
    found = []
    for category in coco["categories"]:
        own = [a for a in coco["annotations"] if a["category_id"] == category["id"]]
        found += own[: round(share * len(own))]
    predictions = [
        {k: each[k] for k in ("image_id", "category_id", "bbox")} | {"score": 0.9} for each in found
    ]
    record = replace(smoke, experiment=run.experiment)
    record.__dict__["predictions"] = predictions
    return record


@pytest.fixture(scope="module")
def evidence(smoke: records.Record, coco: dict) -> Evidence:
    """Three seeds: FPN finds a half, CS all, RFA as much as FPN; SRS has one seed."""
    shares = {"fpn": 0.5, "cs": 1.0, "rfa": 0.5, "srs": 1.0}
    runs = [grid.Run(v, "scenes", "smoke", s) for v in shares for s in range(3)]
    runs = [run for run in runs if run.variant != "srs" or run.seed == 0]
    made = [made_up(smoke, coco, run, shares[run.variant]) for run in runs]
    by_key = {grid.key_of(each.experiment): each for each in made}
    return Evidence("scenes", "smoke", grid.Found(by_key, ()), number_of_draws=50)


def test_a_row_has_its_own_numbers_its_effect_and_the_papers(evidence: Evidence) -> None:
    fpn, cs, rfa, srs, cs_rfa, *_ = tables.rows("table2", evidence)
    assert (fpn.label, fpn.seeds, fpn.effect) == ("FPN", 3, {})
    assert cs.own["AP"].mean == pytest.approx(1)
    assert cs.effect["AP"].mean == pytest.approx(1 - fpn.own["AP"].mean)
    assert cs.effect["AP"].low > 0  # three seeds that agree
    assert (rfa.effect["AP"].mean, rfa.effect["AP"].low) == (0, 0)
    assert srs.seeds == srs.effect["AP"].seeds == 1
    assert (cs_rfa.seeds, cs_rfa.own, cs_rfa.effect) == (0, {}, {})
    assert cs.printed_effect == pytest.approx(0.9)
    assert fpn.printed_effect is None


def test_every_seed_that_is_recorded_counts(smoke: records.Record, coco: dict) -> None:
    """Also those beyond any budget's own number, as `--seeds 7` makes them."""
    runs = [grid.Run(v, "scenes", "smoke", s) for v in ("fpn", "cs") for s in (0, 6, 5)]
    by_key = {grid.key_of_run(run): made_up(smoke, coco, run, 0.5) for run in runs}
    of = Evidence("scenes", "smoke", grid.Found(by_key, ()), number_of_draws=10)
    assert list(of.recorded("cs")) == [0, 5, 6]
    assert of.effects("cs", "fpn")["AP"].seeds == 3
    some = replace(of, found=of.found.of_seeds(6))
    assert list(some.recorded("cs")) == [0, 5]
    assert of.found.of_seeds(None) == of.found


def test_the_table_says_so(evidence: Evidence) -> None:
    lines = tables.table(tables.rows("table2", evidence)).splitlines()
    cells = {line.split("|")[1].strip(): line for line in lines}
    assert "holds" in cells["CS"]
    assert "undecided" in cells["RFA"]
    assert "undecided" in cells["SRS"]  # one seed is no verdict
    assert cells["SRS"].count("*") >= 1
    assert cells["CS"].count("*") == 0
    assert "not run" in cells["CS + RFA"]
    assert "| 37.2 | +0.9 |" in cells["CS"]
    assert len({line.count("|") for line in lines}) == 1


def test_every_number_has_its_interval(evidence: Evidence) -> None:
    rows = tables.rows("table2", evidence)
    lines = tables.numbers(rows).splitlines()
    assert lines[0] == "|  | AP | AP50 | AP75 | APs | APm | APl |"
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["FPN", "CS", "RFA", "SRS"]
    fpn = rows[0].own["AP"]
    limits = f"[{100 * fpn.low:.1f},\u00a0{100 * fpn.high:.1f}]"  # on one line
    assert f"| {100 * fpn.mean:.1f} {limits} |" in lines[2]
    assert "100.0 [100.0,\u00a0100.0] |" in lines[3]
    assert "*" in lines[5]  # SRS has one seed


def test_masks_have_columns_of_their_own() -> None:
    """Two detectors that the paper has: one with masks, of three made-up seeds, one not run."""
    three = {
        name: intervals.Interval(x, x, x, 3, 0.0, 0.0)
        for name, x in (("AP", 0.4), ("mask AP", 0.35))
    }
    less = {name: replace_mean(of, 0.02) for name, of in three.items()}
    printed = {"AP": 39.4, "mask": {"AP": 36.2}}
    masks = tables.Row("mask_rcnn:augfpn", "Mask R-CNN, AugFPN", three, less, printed, {"AP": 37.3})
    without = {"AP": 37.9, "mask": None}  # as the paper's rows of boxes alone are
    boxes = tables.Row("fcos:augfpn", "FCOS, AugFPN", {}, {}, without, {"AP": 37.0})
    head, _, first, second = tables.table([masks, boxes]).splitlines()
    by_size = " APs less FPN | APm less FPN | APl less FPN |"
    assert head.endswith(f"| mask AP | mask AP less FPN | paper: mask AP |{by_size}")
    assert "| 39.4 | +2.1 | 35.0 | +2.0 [+2.0,\u00a0+2.0] | 36.2 |" in first
    assert second.endswith("| 37.9 | +0.9 |  |  |  | – | – | – |")
    assert "mask" not in tables.table([boxes])


def replace_mean(of: intervals.Interval, x: float) -> intervals.Interval:
    return of._replace(mean=x, low=x, high=x)


def test_parts_without_such_pictures_are_left_out(tmp_path: Path) -> None:
    said: list[str] = []
    parts = ("one_stage", "masks")
    asked_for = {data: Asked(data=data, records=tmp_path) for data in ("scenes", "bccd")}
    found = {data: recorded.gather_all(parts, a, said.append) for data, a in asked_for.items()}
    assert [list(each) for each in found.values()] == [["one_stage", "masks"], ["one_stage"]]


def test_of_many_effects_the_worst_are_shown() -> None:
    """Six effects of which one is open: counts, then the two with the lowest upper ends."""
    ends = [(0.01, 0.03), (0.02, 0.04), (-0.01, 0.02), (0.03, 0.05), (0.04, 0.06), (0.05, 0.07)]
    normal = intervals.factor(intervals.LEVEL)
    found = (intervals.around((a + b) / 2, 3, 0.0, (b - a) / 2 / normal) for a, b in ends)
    lines = tuple(claims.Line(f"n{i}", each, None, 0.0) for i, each in enumerate(found))
    (claim,) = [each for each in claims.claims() if each.id == "C23"]
    text = tables.evidence_text(claims.Row(claim, "undecided", lines, ""))
    assert text == (
        "5 holds, 1 undecided; the lowest: n2: +0.5 [−1.0, +2.0]; n0: +2.0 [+1.0, +3.0]."
    )


def test_what_of_a_claim_is_not_run_is_said() -> None:
    there = claims.Line("a − b", intervals.around(0.01, 3, 0.0, 0.0), None, 0.0)
    missing = claims.Line("b − c", None, None, 0.0)
    (claim,) = [each for each in claims.claims() if each.id == "C28"]
    row = claims.Row(claim, "undecided", (there, missing), "A note.")
    assert tables.evidence_text(row) == (
        "1 of 2 comparisons are run; a − b: +1.0 [+1.0, +1.0]. A note."
    )
    assert tables.evidence_text(row._replace(lines=(missing,))) == "A note."


def test_an_effect_on_a_dial_is_compared_with_that_on_plain_scenes() -> None:
    """Three seeds: 1, 2, 3 points on the dial, half of that on plain scenes, pictures all alike."""

    class Made(Evidence):
        def of(self, variant: str) -> dict[int, intervals.Draws]:
            times = {"fpn": 0.0, "srs": 0.02 if self.pictures == "detail" else 0.01}[variant]
            values = {seed: times * (seed + 1) for seed in range(3)}
            return {s: intervals.Draws({"AP": x}, {"AP": np.full(9, x)}) for s, x in values.items()}

    there, plain = (Made(name, "laptop", grid.Found({}, ())) for name in ("detail", "scenes"))
    found = tables.turned_up(there, plain, "srs")
    assert found == pytest.approx((*intervals.mean([0.01, 0.02, 0.03])[:4], found.of_seeds, 0.0))


def test_the_dials_are_pictured() -> None:
    found = examples.of_sets(("scenes", "detail"), "smoke", 2)
    assert [len(each) for each in found.values()] == [2, 2]
    assert not np.array_equal(found["scenes"][0], found["detail"][0])


def test_the_conclusion_names_what_is_better(evidence: Evidence) -> None:
    said = tables.conclusion(tables.rows("table2", evidence), evidence)
    assert "better than FPN: CS;" in said
    nothing = replace(evidence, found=grid.Found({}, ()))
    assert "Nothing is recorded" in tables.conclusion(tables.rows("table2", nothing), nothing)
    assert tables.figure(tables.rows("table2", nothing)) is None


def test_other_detectors_are_compared_with_their_own_fpn() -> None:
    assert recorded.base_of("retinanet:augfpn") == "retinanet:fpn"
    assert recorded.base_of("cs_rfa") == "fpn"
    assert recorded.base_of("mask_rcnn_r101_augfpn_2x") == "mask_rcnn_r101_fpn_2x"
    assert recorded.base_of("faster_rcnn_x101_32x4d_fpn_1x") == "faster_rcnn_x101_32x4d_fpn_1x"
    assert tables.label("retinanet:augfpn") == "RetinaNet, AugFPN"


@pytest.mark.parametrize(
    ("value", "sign", "text"),
    [
        (0.1234, False, "12.3"),
        (0.0123, True, "+1.2"),
        (-0.0123, True, "−1.2"),
        (None, True, "–"),
        (-0.0004, True, "0.0"),
        (0.0004, True, "0.0"),
        (-0.0004, False, "0.0"),
    ],
)
def test_percentages(value: float | None, sign: bool, text: str) -> None:
    assert tables.percent(value, sign) == text


def test_the_plan_says_how_many_seeds() -> None:
    """CS: +0.9 in the paper; a spread of 0.9 between three seeds needs ten of them, twice."""
    seconds = {"fpn": 120.0, "cs": 240.0}

    def plan(of_seeds: float, of_pictures: float) -> str:
        effect = intervals.Interval(0.0, -0.01, 0.01, 3, of_seeds, of_pictures)
        row = tables.Row("cs", "CS", {}, {"AP": effect}, {"AP": 37.2}, {"AP": 36.3})
        return tables.planning([row], seconds).splitlines()[-1]

    assert plan(0.009 / 3**0.5, 0.0) == "| CS | +0.9 | 0.9 | 0.0 | 10 | 1.0 |"
    assert plan(0.009 / 3**0.5, 0.004) == "| CS | +0.9 | 0.9 | 0.4 | more pictures | – |"


@pytest.mark.parametrize(
    ("notebook", "said"),
    [
        ("semantic_gap", f"{mechanisms.ABOUT} {mechanisms.ABOUT_GAP}"),
        ("top_level", f"{mechanisms.ABOUT} {mechanisms.ABOUT_TOP}"),
        ("assignment", f"{mechanisms.ABOUT} {mechanisms.ABOUT_ASSIGNMENT}"),
        ("figure4", mechanisms.ABOUT_SHARES),
    ],
)
def test_report_and_notebook_explain_a_measurement_alike(notebook: str, said: str) -> None:
    file = Path(__file__).parents[2] / "experiments" / f"{notebook}.ipynb"
    told = ["".join(cell["source"]) for cell in json.loads(file.read_text("utf-8"))["cells"]]
    assert " ".join(said.split()) in told


# --- the whole report -----------------------------------------------------------------------------


def test_a_report_is_the_same_twice_and_comes_from_records(
    smoke: records.Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intervals, "DRAWS", 30)
    found = grid.collect([smoke.folder.parent])
    pages = [
        report.write(["table2"], "smoke", None, found, tmp_path / name) for name in ("one", "two")
    ]
    first, second = (sorted(page.parent.iterdir()) for page in pages)
    assert [file.name for file in first] == [file.name for file in second]
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
    text = pages[0].read_text()
    assert smoke.folder.name in text
    assert tables.percent(smoke.result["AP"]) in text
    report.write(["table2"], "smoke", None, found, tmp_path / "one")  # its own, written anew


def test_what_is_not_run_yet_is_there_with_its_command(
    smoke: records.Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intervals, "DRAWS", 30)
    found = grid.collect([smoke.folder.parent])
    parts = ["table2", "defects", "one_stage", "table1"]
    text = report.write(parts, "smoke", None, found, tmp_path / "new").read_text()
    for part, pictures in (
        ("table2", "bccd"),
        ("defects", "detail"),
        ("one_stage", "scenes"),
        ("one_stage", "bccd"),
    ):
        command = f"augfpn study run {part} --pictures {pictures} --budget smoke"
        line = f"Not run yet on {pictures} at the smoke budget: `{command}` runs it."
        assert f"### On {pictures}\n\n{line}\n" in text
    assert f"## {grid.part('one_stage').title}\n\n### On scenes\n\nNot run yet" in text
    assert "study run table2 --pictures scenes" not in text  # these are there
    assert "table1" not in text  # it has pictures only at the paper's budget


def test_figures_are_the_same_twice(evidence: Evidence, tmp_path: Path) -> None:
    rows = tables.rows("table2", evidence)
    for name in ("a.svg", "b.svg"):
        report.save(tables.figure(rows), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_nothing_is_overwritten_and_nothing_is_made_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    nothing = grid.Found({}, ())
    with pytest.raises(UserError, match="holds other files"):
        report.write(["table2"], "laptop", None, nothing, tmp_path)
    with pytest.raises(UserError, match="there are no records of the laptop budget"):
        report.write(["table2"], "laptop", None, nothing, tmp_path / "new")
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_command_needs_a_folder(capsys: pytest.CaptureFixture) -> None:
    assert main(["study", "report", "table2"]) == 2
    assert "needs --out" in capsys.readouterr().err


# --- what is right on the test pictures -----------------------------------------------------------


def test_scenes_are_made_again(smoke: records.Record, coco: dict) -> None:
    result = train.evaluate.score(coco, smoke.predictions)
    assert result["AP"] == pytest.approx(smoke.result["AP"])
    with pytest.raises(UserError, match="another version"):
        truth.truth_of(replace(smoke, fingerprints={"train": "", "test": "older"}))


def test_other_annotations_are_kept_beside_the_records(
    smoke: records.Record, coco: dict, tmp_path: Path
) -> None:
    pictures = train.load_pictures(smoke.experiment.data, "test")
    data = replace(smoke.experiment.data, name="bccd")
    moved = shutil.copytree(smoke.folder, tmp_path / "record")
    record = replace(smoke, folder=moved, experiment=replace(smoke.experiment, data=data))
    with pytest.raises(UserError, match="`augfpn study run` keeps them there"):
        truth.truth_of(record)
    file = truth.keep(pictures, tmp_path)
    kept = truth.truth_of(record)
    for name in truth.ANNOTATION:
        assert [a[name] for a in kept["annotations"]] == [a[name] for a in coco["annotations"]]
    before = file.read_bytes()
    assert truth.keep(pictures, tmp_path).read_bytes() == before
    file.write_bytes(packed({"fingerprint": "of others"} | kept))
    with pytest.raises(UserError, match="is not of the pictures"):
        truth.truth_of(record)


# --- a notebook's question ------------------------------------------------------------------------


def test_a_question_is_typed(tmp_path: Path) -> None:
    assert asked({"run": "true", "jobs": "2", "budget": "gpu", "other": 1}) == Asked(
        run=True, jobs=2, budget="gpu"
    )
    with pytest.raises(UserError, match="run = 'maybe': expected"):
        asked({"run": "maybe"})
    with pytest.raises(UserError, match="table2 has no pictures coco at the laptop budget"):
        recorded.gather("table2", Asked(data="coco", records=tmp_path))


ONLY_RUNTIME = {"rounds", "batch"}
PARAMETERS = dict.fromkeys(
    (
        *("table1", "table2", "table3", "table4", "table5"),
        *("semantic_gap", "top_level", "assignment", "figure4"),
    ),
    set(Asked.__dataclass_fields__) - ONLY_RUNTIME,
) | {
    "defect_matrix": {"budget", "run", "jobs", "records"},
    "runtime": {"budget", "run", "records"} | ONLY_RUNTIME,
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_notebooks_of_the_study_have_the_questions_parameters(name: str) -> None:
    folder = Path(__file__).parents[2] / "experiments"
    cells = json.loads((folder / f"{name}.ipynb").read_text())["cells"]
    (cell,) = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    given: dict = {}
    exec("".join(cell["source"]), given)
    assert asked(given) == Asked()
    assert set(given) - {"__builtins__", "__annotations__"} == PARAMETERS[name]
    assert not any(c.get("outputs") for c in cells)


QUICK = {"table2", "assignment"}  # one of each kind for every day


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in PARAMETERS],
)
def test_notebooks_of_the_study_run_on_the_committed_records(name: str, tmp_path: Path) -> None:
    """Every cell, in a process of its own as papermill would, without training anything."""
    notebook = nbformat.read(
        Path(__file__).parents[2] / "experiments" / f"{name}.ipynb", as_version=4
    )
    nbclient.NotebookClient(
        notebook, timeout=100, resources={"metadata": {"path": tmp_path}}
    ).execute()
    assert list(tmp_path.iterdir()) == []
