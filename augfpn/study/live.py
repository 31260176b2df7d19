"""A run's dashboard in a notebook while it trains.

The trainer knows nothing of it: a thread reads what a run shows in its working folder.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from IPython.display import Image, display

from augfpn.figures.analysis_plots import dashboard
from augfpn.study.analysis import figure_bytes
from augfpn.support.lease import lease_of, owner_in, this_process
from augfpn.support.progress import where_am_i
from augfpn.training.board import LIVE, BoardRow, rows_in

EVERY = 10.0  # seconds from one drawing to the next; one takes half a second of the training's time
LEAST_ROWS = 2  # rows of a curve


@contextmanager
def live_dashboard(folder: Path, every: float = EVERY) -> Iterator[None]:
    """Within it, the run that this process trains into ``folder`` is drawn again and again.

    It shows the terms of the loss, the learning rate, images per second, and AP where it is
    measured. Nothing is drawn where nobody looks: outside of notebooks, and under papermill. When
    the block ends the drawing goes, because the finished record has its own; it stays if the block
    raises an error.
    """
    if where_am_i() != "notebook":
        yield
        return
    shown = display({"text/plain": ""}, raw=True, display_id=True)
    over = threading.Event()

    def draw_again() -> None:
        while not over.wait(every):
            rows = own_rows(folder)
            if len(curve_of(rows)) >= LEAST_ROWS:
                shown.update(Image(drawn(rows)))

    thread = threading.Thread(target=draw_again, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    shown.update({"text/plain": ""}, raw=True)


def own_rows(folder: Path) -> list[BoardRow]:
    """The rows of the run in ``folder`` whose lease this process holds; none if there is none."""
    for file in folder.glob(f".*/{LIVE}"):
        if owner_in(lease_of(file.parent)) == this_process():
            with suppress(OSError):  # the training has just ended
                return rows_in(file)
    return []


def curve_of(rows: list[BoardRow]) -> list[BoardRow]:
    """The rows that are steps of the curve, not evaluations."""
    return [row for row in rows if "lr" in row]


def drawn(rows: list[BoardRow]) -> bytes:
    """The dashboard of a run that has shown these rows, as PNG."""
    evaluations = [row for row in rows if "AP" in row]
    figure = dashboard(curve_of(rows), evaluations, rows[-1].get("images_per_second"))
    return figure_bytes(figure, "png")
