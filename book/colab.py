"""What notebooks need on Colab: a GPU, and for those of experiments/ the package and a form."""

import re

import nbformat
from nbformat import NotebookNode

GPU = {"accelerator": "GPU", "colab": {"gpuType": "T4", "provenance": []}}
PARAMETER = re.compile(r"^(\w+)(?:: (\w+))? = (.*?)  # (.*)$", re.MULTILINE)
KINDS = {"bool": "boolean", "int": "integer", "float": "number", "str": "string"}


def with_gpu(notebook: NotebookNode) -> NotebookNode:
    """A notebook for which Colab chooses a machine with a GPU."""
    notebook.metadata.update(GPU)
    return notebook


def experiment(notebook: NotebookNode, set_up: str) -> NotebookNode:
    """A notebook of experiments/ that installs the package first and has a form of parameters."""
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", ()):
            cell.source = PARAMETER.sub(field, cell.source)
    notebook.cells.insert(1, nbformat.v4.new_code_cell(set_up, id="set-up"))
    return with_gpu(notebook)


def field(found: re.Match) -> str:
    """A parameter as a field of Colab's form: its comment becomes a line of Markdown above."""
    name, kind, value, comment = found.groups()
    choices = re.findall(r'"[^"]+"', comment) if comment.startswith("or ") else []
    text = value.startswith('"')
    form = (
        f"[{', '.join([value, *choices])}]" if choices else f'{{type: "{KINDS.get(kind, "raw")}"}}'
    )
    if kind == "str" and not text:
        form = '{type: "raw"}'
    return f"#@markdown {comment}\n{name} = {value}  #@param {form}"


def table(notebooks: dict[str, NotebookNode], address: str) -> str:
    """Markdown of all notebooks of experiments/: their question, and a link that opens Colab."""
    lines = ["| notebook | its question | |", "|---|---|---|"]
    for name, notebook in notebooks.items():
        question = notebook.cells[0].source.splitlines()[0].removeprefix("# ")
        link = f"[open in Colab]({address}/blob/colab/experiments/{name}.ipynb)"
        lines.append(f"| `experiments/{name}.ipynb` | {question} | {link} |")
    return "\n".join(lines)
