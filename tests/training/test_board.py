"""What a run shows while it trains: TensorBoard's event files, and a dashboard in a notebook."""

import json
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from killed import TINY
from nbclient import NotebookClient

from augfpn import records
from augfpn.config import Train
from augfpn.study import live
from augfpn.training import board, train

STEPS, SAVED, BROKEN = 9, 3, 6  # a checkpoint after three steps; the run breaks off after six
SHOWN = replace(
    TINY, train=replace(TINY.train, steps=STEPS, warmup_steps=0, evaluate_every=4, tensorboard=True)
)


@pytest.fixture(scope="module")
def broken_off(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict], records.Record]:
    """What a run had shown when it broke off, and its record after it was taken up again."""
    folder = tmp_path_factory.mktemp("shown")
    own_step, own_save, taken = train.one_step, train.save_checkpoint, []

    def one_step(*given: object) -> dict[str, float]:
        if len(taken) == BROKEN:
            raise KeyboardInterrupt
        taken.append(own_step(*given))
        return taken[-1]

    def save_checkpoint(*given: object) -> None:
        if len(taken) <= SAVED:
            own_save(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "one_step", one_step)
        patch.setattr(train, "save_checkpoint", save_checkpoint)
        patch.setattr(Path, "unlink", kept(Path.unlink))
        with pytest.raises(KeyboardInterrupt):
            train.train(SHOWN, folder)
    (file,) = folder.glob(f".*.running/{board.LIVE}")
    return board.rows_in(file), train.train(SHOWN, folder)


def kept(unlink: object) -> object:
    """`Path.unlink`, but for what a run shows: as if the process had been killed."""
    return lambda path, **more: None if path.name == board.LIVE else unlink(path, **more)


def scalars(record: records.Record) -> dict[str, list[tuple[int, float]]]:
    """Steps and values of each curve, as TensorBoard itself reads and shows them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(record.folder / board.EVENTS)).Reload()
    return {
        name: [(each.step, each.value) for each in found.Scalars(name)]
        for name in found.Tags()["scalars"]
    }


def test_tensorboard_has_each_step_once_though_three_were_taken_twice(
    broken_off: tuple[list[dict], records.Record],
) -> None:
    record = broken_off[1]
    found = scalars(record)
    speeds = found.pop("images_per_second")
    assert all(speed > 0 for _, speed in speeds)
    evaluated = record.result["evaluations"]["rows"]
    assert [row["step"] for row in evaluated] == [3, 7, 8]
    expected: dict[str, list] = {}
    for row in [*record.curve, *evaluated]:
        for name, value in row.items():
            if name != "step" and value is not None:
                expected.setdefault(name, []).append((row["step"], pytest.approx(value, rel=1e-5)))
    assert {"lr", "loss_classifier", "AP", "AP50"} <= expected.keys()
    assert found == expected
    assert [step for step, _ in found["lr"]] == list(range(STEPS))


def test_what_is_shown_goes_with_the_training(
    broken_off: tuple[list[dict], records.Record],
) -> None:
    rows, record = broken_off
    assert [row["step"] for row in rows] == [0, 1, 2, 3, 3, 4, 5]  # an evaluation after the fourth
    assert [row["step"] for row in rows if "AP" in row] == [3]
    assert all(row["images_per_second"] > 0 for row in rows)
    png = live.drawn(rows)
    assert png.startswith(b"\x89PNG")
    assert not (record.folder / board.LIVE).exists()
    assert not list(record.folder.parent.glob(".*"))


def test_a_run_that_is_taken_up_again_shows_what_was_before(tmp_path: Path) -> None:
    state = {
        "step": 2,
        "seconds": 4.0,
        "curve": [{"step": 0, "lr": 0.1}, {"step": 1, "lr": 0.2}],
        "evaluations": [{"step": 0, "AP": 0.5}],
    }
    (tmp_path / board.LIVE).write_text('{"step": 0}\n{"step": 1}\n{"step": 2}\n{"step')
    with board.board(tmp_path, Train(batch=6), state, first=True) as show:
        state |= {"step": 3, "seconds": 9.0}
        show({"step": 2, "lr": 0.3})
        rows = board.rows_in(tmp_path / board.LIVE)
    assert rows == [
        {"step": 0, "lr": 0.1},
        {"step": 0, "AP": 0.5},
        {"step": 1, "lr": 0.2},
        {"step": 2, "lr": 0.3, "images_per_second": 2.0},
    ]
    assert not list(tmp_path.iterdir())
    with board.board(tmp_path, Train(), state, first=False) as show:
        show({"step": 2, "lr": 0.3})
        assert not list(tmp_path.iterdir())


def test_what_cannot_be_shown_ends_no_run(tmp_path: Path) -> None:
    state = {"step": 1, "seconds": 1.0, "curve": [], "evaluations": []}
    with board.board(tmp_path / "is_gone", Train(), state, first=True) as show:
        show({"step": 0, "lr": 0.1})


# --- in a notebook --------------------------------------------------------------------------------

TRAINING = """
%load_ext augfpn.notebook
from pathlib import Path
from augfpn.settings.parameters import parse
from augfpn.study import live
from augfpn.training import prepare, train

words = {"budget": "smoke", "steps": 20, "limit": 2, "short_side": 64, "weights": "scratch"}
with live.live_dashboard(Path("runs"), every=0.2):
    record = train.train(prepare.experiment_here(parse(words | {"device": "cpu"})), Path("runs"))
"""


class Watched(NotebookClient):
    """A program that runs a notebook as Jupyter does, and keeps what it is told to display."""

    def process_message(self, msg: dict, *given: object) -> object:
        self.told = [*getattr(self, "told", []), (msg["msg_type"], msg["content"])]
        return super().process_message(msg, *given)


@pytest.mark.parametrize("watched", [True, False])
def test_the_dashboard_is_drawn_where_somebody_looks(watched: bool, tmp_path: Path) -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(TRAINING)])
    client = Watched(book, resources={"metadata": {"path": str(tmp_path)}})
    with client.setup_kernel():
        client.kc.allow_stdin = watched
        client.execute_cell(book.cells[0], 0)
    updates = [said["data"] for kind, said in client.told if kind == "update_display_data"]
    drawn = [data for data in updates if "image/png" in data]
    assert bool(drawn) == watched
    shown = json.dumps(book.cells[0].outputs)
    assert "image/png" not in shown  # the record has its own
    assert "training 20/20" in shown
    assert len(list((tmp_path / "runs").iterdir())) == 1
