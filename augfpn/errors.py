"""What went wrong on the user's side, said in one sentence."""

from collections.abc import Collection
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


def one_of(what: str, value: str, allowed: Collection[str]) -> str:
    """The value itself, if it is one of those allowed.

    Raises: UserError that lists the allowed values, and suggests the most similar one if any is.
    """
    if value in allowed:
        return value
    by_lower = {choice.lower(): choice for choice in allowed}
    near = get_close_matches(str(value).lower(), by_lower, n=1)
    meant = f"did you mean {by_lower[near[0]]!r}, of" if near else "there is"
    raise UserError(f"{what} {value!r} is unknown; {meant} {', '.join(map(repr, allowed))}.")
