"""The README's picture of the book: three pages as readers see them, after `make book`.

python book/figures/pages.py
"""

import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).resolve().parent
HTML = HERE.parents[1] / "_build" / "html"
WIDE, PHONE = {"width": 1240, "height": 840}, {"width": 390, "height": 840}
SHOTS = (  # page, what stands at the top, theme, window
    ("intro", "article h1", "light", WIDE),
    ("consistent_supervision", "#inside-a-trained-detector", "dark", WIDE),
    ("soft_roi_selection", "figure.interactive-levels", "light", PHONE),
)
GAP, GROUND, SHARE = 24, "#9aa0a6", 0.62


def shot(browser: Browser, page: str, place: str, theme: str, window: dict) -> Image.Image:
    """A window on a page, from a place on."""
    opened = browser.new_page(viewport=window, color_scheme=theme)
    opened.goto((HTML / f"{page}.html").as_uri(), wait_until="networkidle")
    top = opened.locator(place).first.bounding_box()["y"]
    opened.mouse.move(window["width"] / 2, 200)
    opened.mouse.wheel(0, top - 60)
    opened.wait_for_timeout(500)
    picture = Image.open(io.BytesIO(opened.screenshot()))
    opened.close()
    return picture


def main() -> None:
    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        pictures = [shot(browser, *each) for each in SHOTS]
        browser.close()
    width = sum(picture.width for picture in pictures) + GAP * (len(pictures) + 1)
    whole = Image.new("RGB", (width, WIDE["height"] + 2 * GAP), GROUND)
    left = GAP
    for picture in pictures:
        whole.paste(picture, (left, GAP))
        left += picture.width + GAP
    small = whole.resize([round(SHARE * side) for side in whole.size], Image.Resampling.LANCZOS)
    small.quantize(192).save(HERE / "pages.png", optimize=True)


if __name__ == "__main__":
    main()
