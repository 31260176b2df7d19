/* Faults in the look of the page that is open, as a list of texts: what is wrong, and where.
   tests/book/test_look.py runs it at two widths in both themes. */
async ({ narrow, dark, elsewhere }) => {
  const SMALLEST = 9.5; // px: letters below cannot be read on a phone
  const article = document.querySelector("article");
  const faults = [];
  const words = (element) => element.textContent.trim().replace(/\s+/g, " ").slice(0, 60);
  const fault = (what, element) => faults.push(`${what}: ${element.id || words(element)}`);
  const shown = (element) => element.checkVisibility({ visibilityProperty: true });
  const all = (selector) => [...article.querySelectorAll(selector)].filter(shown);

  /* The nearest box around an element that is scrolled sideways */
  const scroller = (element) => {
    for (let box = element; box && box !== article; box = box.parentElement) {
      const scrolls = ["auto", "scroll"].includes(getComputedStyle(box).overflowX);
      if (scrolls && box.scrollWidth > box.clientWidth + 1) return box;
    }
    return null;
  };
  const cued = (box) => getComputedStyle(box).maskImage.includes("gradient"); // fades at its edge
  /* A table's caption says so, too; over code and over a formula of its own stands an arrow. */
  const pointed = (box) => {
    if (box.matches("span")) return true;
    return getComputedStyle(box.querySelector("caption") ?? box.parentElement, "::after").content.includes("\u2192");
  };
  const column = article.getBoundingClientRect();
  article.querySelectorAll("button.cover").forEach((cover) => cover.click()); // what answers show

  /* What is wider than the column must be in a box that scrolls and says so. */
  const fits = (element, what) => {
    const box = scroller(element);
    const right = (box ?? element).getBoundingClientRect().right;
    if (right > column.right + 1) fault(`${what} is cut`, element);
    else if (box && !(cued(box) && pointed(box))) fault(`${what} scrolls without a cue`, element);
    return box;
  };
  all("table").forEach((table) => {
    const box = fits(table, "table");
    const tallest = (cells) => Math.max(0, ...cells.map((cell) => {
      const inside = document.createRange();
      inside.selectNodeContents(cell);
      return inside.getBoundingClientRect().height;
    }));
    for (const row of table.rows) {
      const cells = [...row.cells];
      if (!narrow && row.offsetHeight > 300) fault(`row of ${row.offsetHeight} px`, row);
      if (!box) continue;
      const edge = box.getBoundingClientRect().right;
      const seen = cells.filter((cell) => cell.getBoundingClientRect().left < edge - 40);
      if (tallest(cells) > tallest(seen) + 80) fault("row is blank but for hidden columns", row);
    }
    if (!box || !narrow) return;
    box.scrollLeft = box.scrollWidth;
    const first = table.rows[0].cells[0].getBoundingClientRect();
    if (first.left < box.getBoundingClientRect().left - 1) fault("first column scrolls away", table);
    box.scrollLeft = 0;
  });
  all("mjx-container").forEach((formula) => {
    const box = fits(formula, "formula");
    if (!narrow && box === formula) fault("formula is cut on a desktop", formula);
  });
  all("span.math").forEach((formula) => {
    const drawn = formula.querySelector("mjx-math").getBoundingClientRect().width;
    if (cued(formula) && drawn <= formula.clientWidth + 1) fault("whole formula fades", formula);
    const after = formula.nextSibling;
    if (after?.nodeType !== Node.TEXT_NODE || !/^\S/.test(after.data)) return;
    const sign = document.createRange();
    sign.setStart(after, 0);
    sign.setEnd(after, 1);
    if (sign.getBoundingClientRect().left < formula.getBoundingClientRect().right - 2)
      fault("line begins with the punctuation after a formula", formula);
    if (sign.getBoundingClientRect().right > column.right + 1) fault("punctuation is cut", formula);
  });
  all("pre").forEach((code) => {
    const box = fits(code, "code");
    if (narrow && box && !code.querySelector(".columns")) fault("code has to be scrolled", code);
    if (!narrow && code.scrollWidth > code.clientWidth + 1) fault("code is cut on a desktop", code);
  });

  if (narrow) all("pre.commands .option").forEach((whole) => {
    const room = whole.closest(".line").clientWidth;
    const letter = parseFloat(getComputedStyle(whole).fontSize) * 0.62;
    const fits = whole.textContent.length * letter < room - 4 * letter;
    if (fits && whole.offsetHeight > 30) fault("option or address is broken", whole);
  });

  all("div.math mjx-container").forEach((formula) => {
    if (formula.style.getPropertyValue("--fits"))
      fault("formula is drawn smaller than its text: break it into lines", formula);
  });

  /* Captions, numbers and references */
  all("table").forEach((table) => {
    if (!table.caption?.querySelector(".caption-number")) fault("table without a numbered caption", table);
    const starred = /[\d\]] \*/.test(table.tBodies[0]?.textContent);
    if (starred && !/\bstar\b/.test(table.caption?.textContent)) fault("caption does not say what a star means", table);
  });
  const ids = all("figure[id], table[id]").map((each) => each.id).filter((id) => /^(fig|tab)-/.test(id));
  for (const id of ids)
    if (!article.querySelector(`a[href="#${id}"]`) && !elsewhere.includes(id))
      faults.push(`nothing refers to ${id}`);
  all("figure").forEach((figure) => {
    if (!figure.querySelector(".caption-number")) fault("figure without a numbered caption", figure);
  });

  /* What is folded has one look if it is text, and a smaller one if it is code. */
  const look = (title) => {
    const style = getComputedStyle(title);
    const frame = getComputedStyle(title.closest(".admonition"));
    const [sign, shadow] = [getComputedStyle(title, "::after").content, frame.boxShadow];
    return [style.backgroundColor, style.color, style.font, style.listStyleType, sign, shadow].join();
  };
  const size = (title) => parseFloat(getComputedStyle(title).fontSize);
  const folded = all(".admonition.dropdown.toggle-hidden > .admonition-title");
  const code = all("details.hide:not([open]) > summary > .admonition-title");
  for (const titles of [folded, code])
    if (new Set(titles.map(look)).size > 1) faults.push("what is folded has more than one look");
  const captions = all("figcaption, caption");
  if (code.length && captions.length && size(code[0]) >= size(captions[0]))
    faults.push("folded code is as large as a caption");
  for (const title of folded)
    if (title.closest(".dropdown") && !title.querySelector("button")?.offsetWidth)
      fault("cannot be unfolded with the keyboard", title);

  /* What the machine that builds would tell about itself */
  const machine = /(?<![\w.])\/(?:root|home|work|tmp|Users|private|var\/folders)\/|[A-Z]:\\Users|\bload(?: average)?[: ]+\d/;
  for (const output of article.querySelectorAll(".cell_output")) {
    const found = output.textContent.match(machine);
    if (found) faults.push(`output names the machine: ${found[0]}`);
  }

  /* Figures: no ground of their own, and letters that can be read */
  const rgb = (colour) => colour.match(/[\d.]+/g).map(Number);
  const page = rgb(getComputedStyle(document.body).backgroundColor).slice(0, 3);
  const grounded = async (image) => {
    await image.decode();
    const canvas = new OffscreenCanvas(200, 200);
    const context = canvas.getContext("2d");
    const style = getComputedStyle(image);
    context.fillStyle = `rgb(${page})`;
    context.fillRect(0, 0, 200, 200);
    context.fillStyle = style.backgroundColor;
    context.fillRect(0, 0, 200, 200);
    context.filter = style.filter;
    context.drawImage(image, 0, 0, 200, 200);
    const corners = [[1, 1], [198, 1], [1, 198], [198, 198]];
    return corners.every(([x, y]) => {
      const [r, g, b] = context.getImageData(x, y, 1, 1).data;
      return Math.abs(r - page[0]) + Math.abs(g - page[1]) + Math.abs(b - page[2]) > 24;
    });
  };
  for (const image of all("figure img, .cell_output img")) {
    if (image.closest(".widget")) continue;
    image.loading = "eager";
    if (await grounded(image)) fault("figure stands on a slab", image.closest("figure") ?? image);
    if (getComputedStyle(image).filter !== "none") fault("figure is filtered", image.closest("figure") ?? image);
    if (!narrow || dark || !image.src.endsWith(".svg")) continue;
    const text = await (await fetch(image.src)).text();
    const width = Number(text.match(/viewBox="[\d.]+ [\d.]+ ([\d.]+)/)?.[1]);
    const sizes = [...text.matchAll(/scale\(([\d.]+) -[\d.]+\)/g)].map((found) => 100 * Number(found[1]));
    const sides = sizes.filter((size) => size > 0).map((size) => (size * image.clientWidth) / width);
    const least = Math.min(...sides);
    if (least < SMALLEST) fault(`letters of ${least.toFixed(1)} px`, image.closest("figure") ?? image);
  }
  return faults;
}
