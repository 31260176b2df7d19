"""Names in any language on pictures: a font that has their letters, or other letters."""

from functools import cache

from anyascii import anyascii
from matplotlib import font_manager, ft2font
from PIL import ImageFont

from augfpn.support.progress import note
from augfpn.support.text import printable

WITHOUT_LETTERS = "LastResort"  # a font of boxes, one for each alphabet
READABLE_SIZE = 11.0  # px: letters below cannot be read


def drawable(name: str, size: float) -> tuple[str, ImageFont.FreeTypeFont]:
    """A name as it can be drawn on one line, and a font that has all of its letters.

    Tried in this order: Pillow's own font; DejaVu, which comes with matplotlib and has Greek and
    Cyrillic letters; the fonts of the system, for Chinese, Japanese, Korean and others. If none has
    all letters, the name is written in Latin letters as it sounds, which is said once.
    """
    line = printable(name)
    file = font_with(line)
    if file is not None:
        return line, font_of(file, size)
    return in_latin(line), font_of("", size)


@cache
def font_of(file: str, size: float) -> ImageFont.FreeTypeFont:
    """A font by its file; Pillow's own for ""."""
    return ImageFont.truetype(file, size) if file else ImageFont.load_default(size=size)


@cache
def font_with(text: str) -> str | None:
    """The file of the first font that has all letters of a text, or None; "" is Pillow's own."""
    if has_letters(text):
        return ""
    own = font_manager.findfont("DejaVu Sans")
    others = (each.fname for each in font_manager.fontManager.ttflist)
    wanted = {ord(letter) for letter in text if not letter.isspace()}
    for file in dict.fromkeys((own, *sorted(others))):
        if WITHOUT_LETTERS not in file and wanted <= letters_of(file):
            return file
    return None


def has_letters(text: str) -> bool:
    """Whether Pillow's own font has all letters: it draws the same box for each that it lacks."""
    font = font_of("", READABLE_SIZE)
    box = bytes(font.getmask("\uffff"))
    return all(bytes(font.getmask(letter)) != box for letter in set(text))


@cache
def letters_of(file: str) -> frozenset[int]:
    """The code points that a font file has glyphs for.

    None if it cannot be read, or has pictures of one size in place of outlines, as emoji have.
    """
    try:
        font = ft2font.FT2Font(file)
        return frozenset(font.get_charmap() if font.scalable else ())
    except (OSError, RuntimeError):
        return frozenset()


@cache
def in_latin(name: str) -> str:
    """A name in Latin letters as it sounds; what has no sound stands as its code."""
    tell_missing("".join(letter for letter in name if not letter.isascii()))
    return sound_of(name)


def sound_of(name: str) -> str:
    """Latin letters for each letter of a name, or its code."""
    return "".join(anyascii(letter).strip("?") or f"U+{ord(letter):X}" for letter in name)


@cache
def tell_missing(letters: str) -> None:
    """Say once what letters that no font has look like: the same name comes with many scores."""
    note(
        f"note: no font on this machine has all letters of {letters!r}: pictures show them as "
        f"{sound_of(letters)}."
    )
