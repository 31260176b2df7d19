"""Text for terminals: nothing that a terminal would obey comes through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augfpn.support.text import columns, markdown, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jcell", "\\x1b[2Jcell"),
        ("two\nlines\r", "two\\nlines\\r"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud800", "\\ud800"),
        ("\x9b31m", "\\x9b31m"),
        ("собака 狗 कुत्ता café", "собака 狗 कुत्ता café"),
    ],
)
def test_controls_are_escaped_and_letters_stay(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_what_is_printable_can_be_sent_to_a_terminal(text: str) -> None:
    shown = printable(text)
    assert shown.splitlines() in ([shown], [])
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in shown)
    shown.encode()
    assert printable(shown) == shown


def test_cells_of_tables_are_printable() -> None:
    assert "\x1b" not in columns(["name", "AP"], [["\x1b[31mred", "1"]])
    assert "\\x1b" in markdown(["name"], [["\x1b"]])
