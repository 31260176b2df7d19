"""Names in any language are drawn with letters, never with boxes, and never fail."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augfpn.figures.letters import drawable, font_of, font_with, letters_of


@pytest.mark.parametrize("name", ["car", "Größe", "синий", "λ", "قطة"])
def test_letters_of_a_font_that_comes_along_stay(name: str) -> None:
    text, font = drawable(name, 12)
    assert text == name
    box = bytes(font.getmask("\uffff"))
    assert all(bytes(font.getmask(letter)) != box for letter in name)


def test_names_in_latin_letters_keep_pillow_s_own_font() -> None:
    assert font_with("a dog, 12 %") == ""
    assert drawable("dog", 14)[1] is font_of("", 14)


def test_a_letter_that_no_font_has_is_written_as_it_sounds(capsys, monkeypatch) -> None:
    from augfpn.figures import letters

    monkeypatch.setattr(
        letters.font_manager.fontManager, "ttflist", []
    )  # no fonts but matplotlib's
    letters.font_with.cache_clear()
    letters.in_latin.cache_clear()
    letters.tell_missing.cache_clear()
    for score in ("", " 0.27", " 0.28"):
        assert drawable(f"红色{score}", 12)[0] == f"HongSe{score}"
    assert drawable("\ue000", 12)[0] in ("U+E000", "\ue000")
    letters.font_with.cache_clear()
    said = capsys.readouterr().out
    assert said.count("no font on this machine has all letters of '红色'") == 1


def test_line_breaks_and_escapes_become_visible() -> None:
    assert drawable("red\nlight", 12)[0] == r"red\nlight"
    assert drawable("\x1b[31mred", 12)[0] == r"\x1b[31mred"


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=6))
def test_any_name_can_be_measured(name: str) -> None:
    text, font = drawable(name, 12)
    assert font.getlength(text) >= 0
    assert "\n" not in text


def test_a_file_that_is_no_font_has_no_letters(tmp_path) -> None:
    (tmp_path / "a.ttf").write_bytes(b"no font")
    assert letters_of(str(tmp_path / "a.ttf")) == frozenset()
