"""How processes find each other, notice that one is gone, and speak once; on a real store."""

import os
import threading
from datetime import timedelta

import pytest
import torch.distributed as dist

from augfpn.errors import UserError
from augfpn.training import meeting
from augfpn.training.meeting import Watch, first_to_say, meet

SHORT = timedelta(seconds=5)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> dist.TCPStore:
    """A store that other parts of this process reach by the environment, as torchrun's."""
    served = dist.TCPStore("localhost", 0, is_master=True, timeout=SHORT, wait_for_workers=False)
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    monkeypatch.setenv("MASTER_PORT", str(served.port))
    monkeypatch.setenv("TORCHELASTIC_USE_AGENT_STORE", "True")
    return served


def met(size: int) -> list[str]:
    """The name that each of some processes, here threads, is told."""
    found: dict[int, str] = {}

    def come(rank: int) -> None:
        found[rank] = meet(meeting.client(SHORT), rank, size, SHORT)

    threads = [threading.Thread(target=come, args=(rank,)) for rank in reversed(range(size))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return [found[rank] for rank in range(size)]


def test_all_are_told_one_name(store: dist.TCPStore) -> None:
    names = met(3)
    assert len(set(names)) == 1


def test_after_a_restart_nobody_believes_the_old_name(store: dist.TCPStore) -> None:
    first, again = met(2), met(2)
    assert again[0] == again[1] != first[0]


def test_who_waits_in_vain_is_told_so(store: dist.TCPStore) -> None:
    for rank in (0, 1):
        with pytest.raises(UserError, match=r"not all of the 2 processes started within 1 s"):
            meet(store, rank, 2, timedelta(seconds=1))


def test_a_sentence_is_said_once_and_of_errors_only_the_first(
    store: dist.TCPStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = ["stopped.", "stopped.", "error: a", "error: b", "other"]
    assert [first_to_say(each) for each in said] == [True, False, True, False, True]
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert first_to_say("error: b")


def test_without_a_store_everything_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    assert first_to_say("error: a")
    assert first_to_say("error: a")


@pytest.fixture
def watches(store: dist.TCPStore, monkeypatch: pytest.MonkeyPatch):
    """The watches of two processes, which look when the test says so."""
    monkeypatch.setattr(meeting, "WATCH_EVERY", 3600.0)
    both = [Watch("start", rank, 2, timedelta(seconds=0.2)) for rank in (0, 1)]
    yield both
    for each in both:
        each.close()


def test_two_that_live_have_nothing_to_say(watches: list[Watch]) -> None:
    for _ in range(5):
        assert [each.look() for each in watches] == [None, None]
        threading.Event().wait(0.1)


def test_a_silent_process_ends_the_others(watches: list[Watch]) -> None:
    first, second = watches
    second.look()
    first.look()
    threading.Event().wait(0.3)
    assert "process 1 has shown no sign of life" in first.look()
    assert second.look() == "another process has failed"


def test_a_failure_is_known_to_all_at_once(watches: list[Watch]) -> None:
    watches[1].fail()
    assert watches[0].look() == "another process has failed"


def test_a_process_that_has_ended_well_is_not_missed(watches: list[Watch]) -> None:
    first, second = watches
    second.look()
    second.close()
    first.look()
    threading.Event().wait(0.3)
    assert first.look() is None


def test_the_end_of_the_store_ends_a_process(
    watches: list[Watch], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []

    class Gone:
        def set(self, *_: object) -> None:
            raise dist.DistNetworkError("connection closed")

    def end(why: str) -> None:
        ended.append(why)
        watches[0].over.set()

    monkeypatch.setattr(meeting, "WATCH_EVERY", 0.01)
    monkeypatch.setattr(meeting, "GRACE", 0.01)
    monkeypatch.setattr(meeting, "end_at_once", end)
    watches[0].store = Gone()
    watches[0].run()
    assert ended == ["torchrun, or the process of rank 0, has ended"]


def test_an_end_at_once_says_why(store: dist.TCPStore, monkeypatch, capsys) -> None:
    left: list[int] = []
    monkeypatch.setattr(os, "_exit", left.append)
    meeting.end_at_once("another process has failed")
    meeting.end_at_once("another process has failed")
    assert left == [1, 1]
    assert capsys.readouterr().err.count("goes on from the last checkpoint") == 1
