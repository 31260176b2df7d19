"""Time each chapter as a reader's first run: alone on the machine, with nothing kept from before.

    python book/time_chapters.py           all chapters, into book/run_times.json
    python book/time_chapters.py fpn cost  some of them; the others keep their times

Let nothing else run meanwhile. `tests/book/test_run_times.py` compares the minutes that chapters
state with these times.
"""

import json
import sys
import tempfile
from pathlib import Path

import build
from dependencies import BOOK, chapters

FILE = BOOK / "run_times.json"


def first_run(chapter: Path) -> dict:
    """A chapter's seconds with empty caches, and the day, machine and versions."""
    with tempfile.TemporaryDirectory() as empty:
        return build.run(chapter, XDG_CACHE_HOME=empty).metadata["augfpn"]


def main() -> None:
    wanted = sys.argv[1:] or [each.stem for each in chapters()]
    times = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    for name in wanted:
        times[name] = first_run(BOOK / f"{name}.ipynb")
        print(name, times[name]["seconds"], flush=True)
        FILE.write_text(json.dumps(times, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
