"""What the book adds to Sphinx: names in the text lead to the API, and pages say their date."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pages
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

ROOT = Path(__file__).resolve().parents[1]
# Words such as `train` are also commands and parameters: only longer names are surely the API's.
SURE = re.compile(r"augfpn\.\w|\w+_\w|[A-Z]+[a-z]+[A-Z]\w*$")


class LinkNames(SphinxPostTransform):
    """Each name of the package in a page's text leads to its entry in the API."""

    default_priority = 400

    def run(self) -> None:
        places = named(ROOT / "augfpn")
        for literal in [*self.document.findall(nodes.literal)]:
            name = literal.astext().removesuffix("()")
            page, anchor = places.get(name, ("", ""))
            inside = (nodes.reference, nodes.title, nodes.caption)
            if not page or not SURE.match(name) or any(map(self.within(literal), inside)):
                continue
            uri = self.app.builder.get_relative_uri(self.env.docname, page)
            uri = "" if "#" in uri else uri  # all pages are one, for the PDF
            link = nodes.reference("", "", internal=True, refuri=f"{uri}#{anchor}")
            literal.replace_self(link)
            link += literal

    @staticmethod
    def within(node: nodes.Node):
        """A function that tells whether the node is inside a node of some class."""

        def inside(kind: type) -> bool:
            above = node.parent
            while above is not None and not isinstance(above, kind):
                above = above.parent
            return above is not None

        return inside


@cache
def named(package: Path) -> dict[str, tuple[str, str]]:
    """The page and the anchor of each public name, by itself and with its module in front."""
    return pages.places(package)


@cache
def last_change(path: Path) -> str:
    """The day of a file's last commit; empty without Git."""
    command = ["git", "log", "-1", "--format=%cs", "--", str(path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return ran.stdout.strip()


def add_date(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """The theme's footer says when a page's source was changed last."""
    room = ROOT / "augfpn" / page.removeprefix("api/")
    sources = [ROOT / "book" / f"{page}{end}" for end in (".md", ".ipynb")]
    sources += [room, room.with_suffix(".py")] if page.startswith("api/") else []
    context["last_updated"] = next((last_change(path) for path in sources if path.exists()), "")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_post_transform(LinkNames)
    app.connect("html-page-context", add_date)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
