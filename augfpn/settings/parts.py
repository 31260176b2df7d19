"""One parameter for the paper's three parts: "none" is plain FPN, "cs+srs" has two, "all" has all.

`cs`, `rfa` and `roi_selection` say the same, a part each. Both may be given if they agree.
"""

from collections.abc import Collection
from typing import Annotated, Any, Literal, Protocol, get_args

from pydantic import BeforeValidator

from augfpn.config import AUGFPN, FPN, ONE_STAGE
from augfpn.errors import UserError, did_you_mean
from augfpn.settings.typed import shown

SWITCHES = {"cs": "cs", "rfa": "rfa", "srs": "roi_selection"}  # a part: the parameter of its own
Choice = Literal["none", "cs", "rfa", "srs", "cs+rfa", "cs+srs", "rfa+srs", "cs+rfa+srs", "all"]


class WithParts(Protocol):
    """What is asked here of `augfpn.settings.parameters.Parameters`."""

    parts: str
    cs: bool
    rfa: bool
    roi_selection: str
    detector: str


def in_order(value: object) -> str:
    """A choice of parts, whatever their order. Raises for any other value."""
    given = {part.strip() for part in value.split("+")} if isinstance(value, str) else set()
    word = "+".join([*filter(given.__contains__, SWITCHES), *sorted(given - SWITCHES.keys())])
    if word in get_args(Choice):
        return word
    meant = did_you_mean(word, get_args(Choice))
    raise ValueError(
        f"all, none, or some of cs, rfa and srs joined by +{f' ({meant})' if meant else ''}"
    )


def name_of_parts(parts: Collection[str]) -> str:
    """The choice of exactly these parts."""
    if not parts:
        return "none"
    return "all" if len(parts) == len(SWITCHES) else in_order("+".join(parts))


Parts = Annotated[Choice, BeforeValidator(in_order)]


def switches_of(parts: object) -> dict[str, Any]:
    """The parameters of the single parts; none for "all", their default, nor for a wrong value."""
    try:
        word = in_order(parts)
    except ValueError:
        return {}
    if word == "all":
        return {}
    on = word.split("+")
    selection = AUGFPN.roi_selection if "srs" in on else FPN.roi_selection
    return {"cs": "cs" in on, "rfa": "rfa" in on, "roi_selection": selection}


def parts_on(chosen: WithParts) -> set[str]:
    """The parts that are on, by their own parameters. Soft RoI Selection may have any fusion."""
    switches = {name: getattr(chosen, name) for name in SWITCHES.values()}
    switches["roi_selection"] = chosen.roi_selection != FPN.roi_selection
    return {part for part, name in SWITCHES.items() if switches[name]}


def check_parts(chosen: WithParts) -> None:
    """Raise ``UserError`` if `parts` asks for what its detector has not, or contradicts others."""
    wanted = {*SWITCHES} if chosen.parts == "all" else {*chosen.parts.split("+")} - {"none"}
    if chosen.detector in ONE_STAGE:
        if "srs" in wanted and chosen.parts != "all":
            rest = name_of_parts(wanted - {"srs"})
            raise UserError(
                f"parts = {chosen.parts!r} does not go with the one-stage detector "
                f"{chosen.detector}, which pools no RoIs: use parts={rest!r}, or "
                "detector='faster_rcnn'."
            )
        wanted -= {"srs"}
    for part, name in SWITCHES.items():
        if part in wanted ^ parts_on(chosen):
            raise UserError(
                f"parts = {chosen.parts!r} and {name} = {shown(getattr(chosen, name))} contradict "
                f"each other: leave {name} out, or give parts={name_of_parts(wanted ^ {part})!r}."
            )


def in_place(words: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Parameters of a recipe or a file, with the user's own in place of some.

    The user's `parts` take the place of the parameters of the single parts, and each of these that
    of a part of a file. A fusion that Soft RoI Selection has in ``words`` stays while it is on.
    """
    words = switches_of(words.get("parts")) | {n: v for n, v in words.items() if n != "parts"}
    if "parts" in given:
        default = {"roi_selection": AUGFPN.roi_selection}
        had, has = (default | each for each in (words, switches_of(given["parts"])))
        rule = FPN.roi_selection
        stays = (had["roi_selection"] == rule) == (has["roi_selection"] == rule)
        replaced = {"cs", "rfa"} if stays else {*SWITCHES.values()}
        words = {name: value for name, value in words.items() if name not in replaced}
    return words | given
