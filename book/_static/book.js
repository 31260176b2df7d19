/* What is wider than the column (tables, code, formulas) can be scrolled sideways: it fades at the
   edge behind which there is more, and takes the keyboard. tests/book/look.js holds this. */
"use strict";

{
  const boxes = ".pst-scrollable-table-container, article pre, div.math mjx-container, span.math";

  const mark = (box) => {
    const hidden = box.scrollWidth - box.clientWidth;
    const least = box.matches("span") ? 8 : 1; // px: a formula in a line is never cut so exactly
    box.classList.toggle("scrolls", hidden > least);
    box.classList.toggle("at-end", hidden - box.scrollLeft <= 1);
    if (hidden > least) box.tabIndex = 0;
  };
  const markAll = () => document.querySelectorAll(boxes).forEach(mark);

  document.addEventListener("scroll", (event) => {
    if (event.target.matches?.(boxes)) mark(event.target);
  }, { capture: true, passive: true });
  document.addEventListener("toggle", markAll, { capture: true });
  addEventListener("resize", markAll);
  addEventListener("load", async () => {
    markAll();
    await window.MathJax?.startup?.promise;
    markAll();
  });
}
