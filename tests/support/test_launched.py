"""The variables of torchrun: what it sets is read, what it cannot have set is refused."""

import pytest

from augfpn.errors import UserError
from augfpn.support import launched

WHOLE = {
    "RANK": "1",
    "WORLD_SIZE": "2",
    "LOCAL_RANK": "1",
    "MASTER_ADDR": "localhost",
    "MASTER_PORT": "29500",
}


@pytest.fixture(autouse=True)
def clean(monkeypatch) -> None:
    for name in launched.OF_TORCHRUN:
        monkeypatch.delenv(name, raising=False)


def test_the_rank_is_torchruns_and_0_without_it(monkeypatch) -> None:
    assert launched.rank_and_size() == (0, 1)
    for name, value in WHOLE.items():
        monkeypatch.setenv(name, value)
    assert launched.rank_and_size() == (1, 2)
    assert launched.rank() == 1


@pytest.mark.parametrize(
    "given",
    [
        {"RANK": "1"},
        {"RANK": "one"},
        {"WORLD_SIZE": "2"},
        {"RANK": "0", "WORLD_SIZE": "2"},
        {"RANK": "2", "WORLD_SIZE": "2"},
        {"RANK": "0", "WORLD_SIZE": "-1"},
        {name: WHOLE[name] for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR")},
    ],
    ids=str,
)
def test_half_of_torchruns_variables_is_refused(given, monkeypatch) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match="unset RANK and WORLD_SIZE") as refused:
        launched.rank_and_size()
    assert all(f"{name}={given[name]}" in str(refused.value) for name in given if "MAS" not in name)
