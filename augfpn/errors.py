"""What went wrong on the user's side, said in one sentence."""

from collections.abc import Collection
from difflib import get_close_matches


class UserError(ValueError):
    """Something the user gave is wrong; the message is one sentence that says what to do."""

    def _render_traceback_(self) -> list[str]:
        # IPython and Jupyter show this instead of a traceback. The last line is the whole message,
        # or, from a DataLoader worker, the end of the traceback that torch puts into the message.
        sentence = str(self).strip().rpartition("\n")[2]
        return [f"UserError: {sentence.rpartition('augfpn.errors.UserError: ')[2]}"]


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
