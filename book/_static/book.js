/* What is wider than the column (tables, code, formulas) can be scrolled sideways: it fades at the
   edge behind which there is more, and takes the keyboard. tests/book/look.js holds this. */
"use strict";

{
  const boxes = ".pst-scrollable-table-container, article pre, div.math mjx-container, span.math";

  /* A formula's text for screen readers, which nobody sees, is wider than what is drawn. */
  const mark = (box) => {
    const formula = box.matches("span") && box.querySelector("mjx-math");
    const width = formula ? formula.getBoundingClientRect().width : box.scrollWidth;
    const hidden = width - box.clientWidth;
    box.classList.toggle("scrolls", hidden > 1);
    box.classList.toggle("at-end", hidden - box.scrollLeft <= 1);
    if (hidden > 1) box.tabIndex = 0;
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
