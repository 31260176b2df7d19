"""Pretrained weights as files on this machine: where they are, whether they are whole, how to ask.

A file in a download cache is not believed: it may be cut short, a proxy's page, or another
network's weights. PyTorch puts the first digits of a file's SHA-256 into its name, and the Hugging
Face Hub names the cached file by all of them; both are checked before anything is loaded.
"""

import hashlib
import re
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from augfpn.errors import UserError, first_line

ANSWER_SECONDS = 10  # how long to wait for an answer of the server that has the weights
IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.\w+$")  # PyTorch's: name-<first digits of SHA-256>.pth
SHA256 = re.compile(r"[0-9a-f]{64}")

State = dict[str, Tensor]


@dataclass(frozen=True)
class Weights:
    """Pretrained weights of one network: whether they are on this machine, and how to get them."""

    whose: str  # "the ImageNet weights of resnet18", for sentences
    file: Path | None  # None where they have to be downloaded
    by_hand: str  # what to do where the download fails
    ask: Callable[[], None]  # ask the server, for some seconds; ``OSError`` if it does not answer
    state: Callable[[], State]  # download if need be: values by their names
    sha256: str = ""  # the first digits of the file's, or all of them; "" where none is known
    replace: str = "remove it, and it is downloaded again"  # what to do with a damaged file
    revision: str = ""  # the commit of the repository that the file is from; "" without one

    def check(self) -> None:
        """Raise ``UserError`` if the file on this machine has another SHA-256 than it should."""
        if self.file is None or not self.sha256:
            return
        found = self.found_sha256()
        if not found.startswith(self.sha256):
            raise UserError(
                f"{self.file} does not hold {self.whose}, or is damaged: its SHA-256 begins with "
                f"{found[:8]}, not with {self.sha256[:8]}; {self.replace}."
            )

    def found_sha256(self) -> str:
        """The SHA-256 of the file on this machine. Raises ``UserError`` if it cannot be read."""
        try:
            with self.file.open("rb") as content:
                return hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise UserError(f"{self.file} cannot be read ({why}): {self.replace}.") from None

    def origin(self) -> dict[str, str]:
        """The name of the file on this machine, its SHA-256, and the revision if there is one."""
        if self.file is None:
            return {}
        found = {"file": self.file.name, "file_sha256": self.found_sha256()}
        return found | ({"revision": self.revision} if self.revision else {})

    def load(self) -> State:
        """The checked weights, downloaded if need be.

        Raises ``UserError`` if they are damaged, cannot be downloaded or cannot be read.
        """
        self.check()
        try:
            if self.file is None:
                self.ask()  # ask first: the libraries themselves may retry for a minute
            return self.state()
        except OSError as error:
            raise UserError(self.not_downloaded(error)) from None
        except (UserError, MemoryError):
            raise
        except Exception as error:  # damaged bytes make each library fail in many ways
            where, why = self.file or "what was downloaded", first_line(error).rstrip(":")
            raise UserError(
                f"{where} cannot be read as {self.whose} ({why}): {self.replace}."
            ) from None

    def not_downloaded(self, error: OSError) -> str:
        """A sentence on why there are no weights, and what to do."""
        why = first_line(error).rstrip(":")
        return (
            f"{self.whose} could not be downloaded ({why}): connect to the network, "
            f"{self.by_hand}, or train from scratch with weights='scratch'."
        )


def weights_at(whose: str, url: str, state: Callable[[], State]) -> Weights:
    """Weights that PyTorch downloads from an address into its cache."""
    file = Path(torch.hub.get_dir(), "checkpoints", url.rsplit("/", 1)[1])
    named = IN_NAME.search(file.name)

    def ask() -> None:
        request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "torch.hub"})
        urllib.request.urlopen(request, timeout=ANSWER_SECONDS).close()

    return Weights(
        whose,
        file if file.exists() else None,
        f"put {file.name} into {file.parent}",
        ask,
        state,
        named.group(1) if named else "",
    )
