"""What went wrong on the user's side, said in one sentence."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

FROM_WORKER = "Caught UserError in DataLoader worker"  # how torch begins what a worker sends


class UserError(ValueError):
    """Something the user gave is wrong; the message is one sentence that says what to do."""

    def __init__(self, sentence: str = "") -> None:
        # A DataLoader's worker sends its error as a text that ends in the sentence.
        if sentence.startswith(FROM_WORKER):
            sentence = sentence.strip().rpartition(f"{__name__}.UserError: ")[2]
        super().__init__(sentence)

    def _render_traceback_(self) -> list[str]:
        """What IPython and Jupyter show instead of a traceback."""
        return [f"UserError: {self}"]


class BusyError(UserError):
    """Another process works on the same; nothing is wrong, and nothing was done."""

    exit_status = 75  # of a command: "try again later" in sysexits.h


def first_line(error: BaseException) -> str:
    """The first line of what an error says, or its type's name if it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def did_you_mean(word: object, known: Iterable[object]) -> str:
    """The question "did you mean 'lam'?" for the most similar word; "" if none is similar."""
    by_lower = {str(each).lower(): str(each) for each in known}
    near = get_close_matches(str(word).lower(), by_lower, n=1)
    return f"did you mean {by_lower[near[0]]!r}?" if near else ""


def choice_of(word: object, known: Collection[object]) -> str:
    """The end of a sentence about an unknown word: the one meant if any, and all that there are."""
    meant = did_you_mean(word, known)
    return f"{f'{meant} There are' if meant else 'choose from'} {', '.join(map(str, known))}."


def one_of(what: str, value: str, allowed: Collection[str]) -> str:
    """The value itself, if it is one of those allowed.

    Raises: UserError that lists the allowed values, and suggests the most similar one if any is.
    """
    if value in allowed:
        return value
    raise UserError(f"{what} {value!r} is unknown; {choice_of(value, allowed)}")
