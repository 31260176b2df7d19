"""The whole book as one PDF, printed by Chromium from the pages that `make book` has built.

    python book/pdf.py                   _build/augfpn-book.pdf

Jupyter Book puts all pages into one, so that links between pages lead to other places in it.
Solutions and code are unfolded, and interactive figures show their static images.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "_build"
SOURCE, ONE_PAGE, PDF = BUILD / "source", BUILD / "one", BUILD / "augfpn-book.pdf"
NUMBER = '<p style="width: 100%; text-align: center; font-size: 8px"><span class="pageNumber"/></p>'
UNFOLD = """() => {
  document.querySelectorAll("details").forEach((each) => { each.open = true; });
  document.querySelectorAll(".toggle-hidden").forEach((each) => {
    each.classList.remove("toggle-hidden");
  });
  document.querySelectorAll("img").forEach((each) => { each.loading = "eager"; });
}"""


def build() -> Path:
    """Build the whole book as one page; returns its file."""
    program = Path(sys.executable).with_name("jupyter-book")
    command = [str(program), "build", str(SOURCE / "book"), "--config", str(ROOT / "_config.yml")]
    command += ["--path-output", str(ONE_PAGE), "--builder", "custom"]
    subprocess.run([*command, "--custom-builder", "singlehtml", "--all"], cwd=ROOT, check=True)
    (page,) = ONE_PAGE.rglob("singlehtml/intro.html")
    return page


def printed(page: Page, address: str) -> None:
    """Print a page into the PDF, once its formulas are drawn and everything is unfolded."""
    page.emulate_media(media="print", color_scheme="light")
    page.goto(address, wait_until="networkidle")
    page.evaluate("() => window.MathJax?.startup?.promise")
    page.evaluate(UNFOLD)
    margin = {"top": "18mm", "bottom": "18mm", "left": "16mm", "right": "16mm"}
    page.pdf(
        path=PDF,
        format="A4",
        scale=0.72,  # a line of code of 88 letters fits
        margin=margin,
        print_background=True,
        display_header_footer=True,
        header_template="<span/>",
        footer_template=NUMBER,
        outline=True,
        tagged=True,
    )


def main() -> int:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        print("a PDF needs Chromium (on Debian: apt install chromium).", file=sys.stderr)
        return 1
    if not SOURCE.exists():
        print("there are no executed chapters: `make book` first.", file=sys.stderr)
        return 1
    page = build()
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        printed(browser.new_page(), page.as_uri())
        browser.close()
    print(f"{PDF.relative_to(ROOT)}: {PDF.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
