"""What pages show of cells: tables get captions, paths are cut, the set-up is left out."""

import re
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from nbformat import NotebookNode

SET_UP = "# Finds the package"  # how the first cell of each chapter begins
TABLE = re.compile(r"(?:^\|.*\|$\n?){2,}", re.MULTILINE)


def caption_tables(notebook: NotebookNode) -> None:
    """Give the tables in cells' outputs the captions of the cells' metadata, in their order.

    A cell's metadata has ``"augfpn": {"tables": [{"caption": ..., "name": ...}]}``.
    """
    for cell in notebook.cells:
        captions = iter(cell.metadata.get("augfpn", {}).get("tables", ()))
        for output in cell.get("outputs", ()):
            text = output.get("data", {}).get("text/markdown")
            if text:
                output["data"]["text/markdown"] = TABLE.sub(partial(captioned, captions), text)


def captioned(captions: Iterator[dict[str, str]], table: re.Match) -> str:
    """A table as a directive with the next caption; as it is if there is none."""
    caption = next(captions, None)
    if caption is None:
        return table[0]
    head = f"```{{table}} {caption['caption']}\n:name: {caption['name']}\n"
    return f"{head}\n{table[0].rstrip()}\n```\n"


def cut_paths(notebook: NotebookNode, root: Path) -> None:
    """Write an ellipsis for the folders, and the load, of the machine that executed the notebook.

    The folders are the repository's root and those made by `tempfile`.
    """
    places = rf"{re.escape(str(root))}|{re.escape(tempfile.gettempdir())}/tmp\w+|(?<=\bload )[\d.]+"
    for output in (each for cell in notebook.cells for each in cell.get("outputs", ())):
        if "text" in output:
            output["text"] = re.sub(places, "…", output["text"])


def quiet_set_up(notebook: NotebookNode) -> None:
    """Leave the set-up out, which only those need who run the chapter, and fold the parameters.

    The cell that papermill sets keeps its tag. A page that shows no code at all hides it already.
    """
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.source.startswith(SET_UP):
            cell.metadata["tags"] = [*tags, "remove-cell"]
        if "parameters" in tags and "remove-input" not in tags:
            cell.metadata["tags"] = [*tags, "hide-input"]
            cell.metadata.setdefault("mystnb", {})["code_prompt_show"] = "Show the parameters"
