"""Picture files become pixels: which formats are opened, and which way up a picture is."""

import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from augfpn.errors import UserError, first_line

# Pillow would also open formats that start other programs, as EPS starts Ghostscript, whatever the
# file's name says.
SUFFIXES_OF_PICTURES = (
    *(".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"),
    *(".ppm", ".pgm", ".jp2"),
)
HEIC = (".heic", ".heif", ".hif")  # what many phones save, and Pillow does not open
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
IN_HEIC = "HEIC, which is not read here: save each such file as JPEG, and correct its name"
OPENED_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "JPEG2000")
ORIENTATION = 0x0112  # the EXIF tag that says how to turn a picture: 1 to 8, 1 is as it is
SIDEWAYS = range(5, 9)  # the orientations that exchange width and height
# A file can be broken in any way, and each of Pillow's plugins fails in its own.
UNREADABLE = (
    *(OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError, AttributeError),
    *(struct.error, OverflowError, RuntimeError, Image.DecompressionBombError),
)
# Pillow warns from 89 million pixels on, and refuses from 179 on: here only that counts. It
# warns of odd metadata and palettes, too, which change no pixel.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", module=r"PIL\.")


def decoded_file(path: Path) -> tuple[np.ndarray, int]:
    """The pixels of a picture file as they are stored, and its EXIF orientation, 1 to 8.

    Shapes: pixels: (H, W, 3) uint8 RGB, of the first image where a file has several.
    Raises: UserError for a file that cannot be decoded, or has more than 8 bits a channel.
    """
    try:
        with Image.open(path, formats=OPENED_FORMATS) as picture:
            mode, orientation = picture.mode, orientation_of(picture)
            pixels = np.asarray(picture.convert("RGB"))
    except Image.DecompressionBombError:
        raise UserError(f"{path} has too many pixels to be read: cut it into tiles.") from None
    except UNREADABLE as error:
        raise UserError(unreadable(path, error)) from error
    if mode.startswith(("I", "F")):  # Pillow clips their values in RGB: nearly all become white
        raise UserError(f"{path} has more than 8 bits a channel; save it with 8.")
    return pixels, orientation


def upright_size(path: Path) -> tuple[int, int]:
    """Width and height of a picture file, turned as its EXIF tag says; reads only its header.

    Raises: UserError for a file that is no picture.
    """
    try:
        with Image.open(path, formats=OPENED_FORMATS) as picture:
            width, height = picture.size
            return (height, width) if orientation_of(picture) in SIDEWAYS else (width, height)
    except UNREADABLE as error:
        raise UserError(unreadable(path, error)) from error


def orientation_of(picture: Image.Image) -> int:
    """The EXIF orientation of an open picture; 1 if it has none, or one that means nothing."""
    try:
        value = picture.getexif().get(ORIENTATION, 1)
    except Exception:  # tags are written by many programs, and may be broken in any way
        return 1
    return value if type(value) is int and 1 <= value <= 8 else 1


def unreadable(path: Path, error: BaseException) -> str:
    """A sentence on a file that cannot be read, and what to do."""
    if isinstance(error, Image.UnidentifiedImageError) and is_heic(path):
        return f"{path} is {IN_HEIC}."
    return f"{path} cannot be read as a picture ({reason(error, path)}); replace it."


def is_heic(path: Path) -> bool:
    """Whether a file begins as HEIC does, whatever its name is."""
    with path.open("rb") as file:
        start = file.read(12)
    return start[4:8] == b"ftyp" and start[8:12] in HEIC_BRANDS


def reason(error: BaseException, path: Path) -> str:
    """Why a file cannot be read, in a few words."""
    if isinstance(error, Image.UnidentifiedImageError):
        return (
            f"it is not {', '.join(OPENED_FORMATS[:-1])} or {OPENED_FORMATS[-1]}, or it is broken"
        )
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return first_line(error)


def as_seen(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels (H, W, 3) as a person sees the picture: turned and mirrored as its EXIF tag says."""
    match orientation:
        case 2:
            return pixels[:, ::-1]
        case 3:
            return pixels[::-1, ::-1]
        case 4:
            return pixels[::-1]
        case 5:
            return pixels.transpose(1, 0, 2)
        case 6:
            return np.rot90(pixels, -1)
        case 7:
            return np.rot90(pixels, 2).transpose(1, 0, 2)
        case 8:
            return np.rot90(pixels)
    return pixels


def read_file(folder: Path, entry: dict[str, Any], turn: bool = False) -> np.ndarray:
    """The pixels of a picture file, (H, W, 3) uint8 RGB, as its annotations mean them.

    COCO's annotations refer to the stored pixels, other tools' to the picture as it is seen, turned
    as its EXIF tag says. Where this exchanges the sides, the annotated size tells which is meant;
    else ``turn`` says it. Raises: UserError as `decoded_file` does.
    """
    pixels, orientation = decoded_file(folder / entry["file_name"])
    if orientation in SIDEWAYS and pixels.shape[0] != pixels.shape[1]:
        turn = pixels.shape[1::-1] == (entry["height"], entry["width"])
    return as_seen(pixels, orientation) if turn else pixels
