"""Values that were computed before are read again from the user's cache, so that reports are quick.

The name of a file says all that its value was computed from, the code included. A file that is
damaged, or that cannot be written, costs only time.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pooch

from augfpn.support.files import packed, write_bytes


def remembered(
    kind: str, made_of: Iterable[str], compute: Callable[[], Any], beside: Path | None = None
) -> Any:
    """The value of ``compute``, as JSON has it; read if it was computed of the same before.

    ``kind`` names a folder of the cache, ``made_of`` is all that the value depends on, ``beside``
    is another folder that may have it.
    """
    made_of = list(made_of)
    there = read_kept(kind, made_of, beside)
    if there is not None:
        return there
    content, file = packed(compute()), in_cache(kind, made_of)
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(file, content)
    return json.loads(gzip.decompress(content))


def read_kept(kind: str, made_of: Iterable[str], beside: Path | None = None) -> Any | None:
    """The value that was computed before, or ``None``; see `remembered`."""
    file = in_cache(kind, made_of)
    for there in (beside / file.name, file) if beside else (file,):
        with suppress(OSError, EOFError, ValueError, zlib.error):
            return json.loads(gzip.decompress(there.read_bytes()))
    return None


def in_cache(kind: str, made_of: Iterable[str]) -> Path:
    """The file of the user's cache that keeps a value; its name is a hash of what it depends on."""
    name = hashlib.sha256(json.dumps(list(made_of)).encode()).hexdigest()
    return Path(pooch.os_cache("augfpn")) / kind / f"{name}.json.gz"


@cache
def hash_of_code(package: str, *names: str, libraries: tuple[str, ...] = ()) -> str:
    """A hash of some modules of a package, or of all, and of the versions of some libraries."""
    files = [each for each in resources.files(package).iterdir() if each.name.endswith(".py")]
    chosen = [each for each in files if not names or each.name.removesuffix(".py") in names]
    texts = [each.read_bytes() for each in sorted(chosen, key=lambda each: each.name)]
    versions = [version(name).encode() for name in libraries]
    return hashlib.sha256(b"\0".join([*texts, *versions])).hexdigest()
