"""Types of a user's values: what papermill and a shell pass as text becomes what is meant."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from augfpn import config
from augfpn.errors import did_you_mean

LONGEST = 60  # characters of a value that an error message shows
MOST = 10**9  # no run has more steps, or pictures


def not_boolean(value: object) -> object:
    """The value. Raises for true and false, which Python would take for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("a number, not true or false")
    return value


def listed(value: object) -> object:
    """A tuple from "0.1, 0.2", "[0.1, 0.2]" or a single number, as papermill passes them."""
    if isinstance(value, str):
        return tuple(part for part in value.strip("[]() ").replace(",", " ").split() if part)
    return (value,) if isinstance(value, int | float) else value


def in_words(value: object) -> object:
    """A tuple from words with spaces between them, as papermill and a shell pass them."""
    return tuple(value.split()) if isinstance(value, str) else value


def spelled(text: str) -> str:
    """The text. Raises for one that no file and no split can be called."""
    if not text.strip():
        raise ValueError("a name, not an empty text")
    if not text.isprintable():  # control characters, and halves of surrogate pairs
        raise ValueError("a text without control characters, in valid UTF-8")
    return text


def folder(text: str) -> str:
    """The folder with ``~`` expanded. Raises for the home of a user that does not exist."""
    try:
        return str(Path(text).expanduser())
    except RuntimeError:
        raise ValueError("a folder; there is no such user's home, write the whole path") from None


def name_in_timm(value: object) -> object:
    """The value. Raises for "timm/" with anything but a network's name behind it."""
    if (
        isinstance(value, str)
        and value.startswith("timm")
        and not re.match(config.TIMM_NAME, value)
    ):
        raise ValueError("timm/ and the name of a network of timm, such as timm/resnet18.a1_in1k")
    return value


def known_device(value: object) -> object:
    """The value. Raises for devices that other libraries know, with what to write instead."""
    if value == "mps":
        raise ValueError("'auto', 'cpu' or 'cuda'; Apple's GPUs (mps) are not supported, use 'cpu'")
    if isinstance(value, str) and value.startswith("cuda:"):
        raise ValueError("'auto', 'cpu' or 'cuda'; CUDA_VISIBLE_DEVICES chooses among GPUs")
    return value


Float = Annotated[float, BeforeValidator(not_boolean)]
Int = Annotated[int, BeforeValidator(not_boolean)]
PlainText = Annotated[str, Field(strict=True), AfterValidator(spelled)]
Folder = Annotated[PlainText, AfterValidator(folder)]
Batch = Annotated[Int, Field(gt=0, le=4096)] | Literal["auto"]


def about(text: str, **limits: Any) -> Any:
    """What a parameter is, for help and error messages, and its limits."""
    return Field(description=text, **limits)


def shown(value: object) -> str:
    """A value for an error message: as Python writes it, but short and on one line."""
    try:
        text = repr(value)
    except ValueError:  # Python refuses to write out a number of thousands of digits
        text = f"a {type(value).__name__} of too many digits"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def expected_in(message: str) -> str:
    """What pydantic's message says was expected, to stand behind "expected"."""
    for before in ("Value error, ", "Input should be ", "Tuple should have "):
        message = message.removeprefix(before)
    return message.replace(" items after validation", " values")


def sentence(error: ValidationError, values: dict[str, Any], described: dict[str, str]) -> str:
    """The first thing that is wrong with some parameters, of which each is described."""
    first = error.errors()[0]
    name = str(first["loc"][0])
    expected = expected_in(first["msg"])
    if first["type"] == "literal_error":
        options = [
            option.strip("'")
            for option in first["ctx"]["expected"].replace(" or ", ", ").split(", ")
        ]
        meant = did_you_mean(shown(values.get(name)).strip("'"), options)
        expected += f" ({meant})" if meant else ""
    what = f" ({name}: {described[name]})" if name in described else ""
    return f"{name} = {shown(values.get(name))}: expected {expected}{what}."
