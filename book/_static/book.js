/* What is wider than the column (tables, code, formulas) can be scrolled sideways: it fades at the
   edge behind which there is more, and takes the keyboard. tests/book/look.js holds this. */
"use strict";

{
  const boxes = ".pst-scrollable-table-container, article pre, div.math mjx-container, span.math";

  /* A formula on a line of its own that is too wide for a phone is drawn smaller (book.css), as far
     as it can be read. */
  const LEAST = 0.75;
  const fit = (box) => {
    if (!box.matches("div.math mjx-container")) return;
    box.style.removeProperty("--fits");
    const share = box.clientWidth / box.scrollWidth;
    if (share < 1) box.style.setProperty("--fits", Math.max(LEAST, 0.99 * share).toFixed(3));
  };

  /* A formula's text for screen readers, which nobody sees, is wider than what is drawn. */
  const mark = (box) => {
    const formula = box.matches("span") && box.querySelector("mjx-math");
    const width = formula ? formula.getBoundingClientRect().width : box.scrollWidth;
    const hidden = width - box.clientWidth;
    box.classList.toggle("scrolls", hidden > 1);
    box.classList.toggle("at-end", hidden - box.scrollLeft <= 1);
    if (hidden > 1) box.tabIndex = 0;
  };
  const markAll = () => document.querySelectorAll(boxes).forEach((box) => {
    fit(box);
    mark(box);
  });

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

/* A figure opens larger, over the page, when it is clicked or chosen with the keyboard. Without
   scripts it stays as it is. The link leads to the light picture, which has its own ground. */
{
  const dialog = document.createElement("dialog");
  dialog.className = "larger";
  dialog.addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    if (["Enter", " ", "Escape"].includes(event.key)) {
      event.preventDefault();
      dialog.close();
    }
  });

  const open = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab or window
    event.preventDefault();
    const images = [...event.currentTarget.querySelectorAll("img")];
    const image = images.find((each) => each.offsetWidth > 0).cloneNode();
    for (const name of ["id", "width", "height", "style"]) image.removeAttribute(name);
    dialog.replaceChildren(image);
    dialog.showModal();
  };
  const wrap = (figure) => {
    const images = [...figure.querySelectorAll("img")];
    if (!images.length || images.some((each) => each.closest("a, .widget"))) return;
    const link = document.createElement("a");
    link.className = "opens-larger";
    link.href = images[0].src;
    link.title = "Show the figure larger";
    link.addEventListener("click", open);
    images[0].before(link);
    link.append(...images);
  };
  const figures = "article figure:not([class*=interactive-])";
  document.addEventListener("DOMContentLoaded", () => {
    document.body.append(dialog);
    document.querySelectorAll(figures).forEach(wrap);
  });
}

/* The answer to a question of the text, which is what a cell with the tag "answer" shows, is covered
   until the reader asks for it, with its caption. So is the one paragraph behind it, which tells the
   answer. A button before the first answer shows all of the page. Without scripts and in print all is
   simply shown (book.css). */
{
  const button = (name, words, more) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = name;
    made.innerHTML = `<span>${words}<i class="visually-hidden">${more}</i></span>`;
    return made;
  };
  const hide = (box, told) => {
    told?.classList.add("waits-for-answer");
    const answer = document.createElement("div");
    answer.className = "answer is-covered";
    answer.append(...box.children);
    const cover = button("cover", "Show the answer", ", which is hidden");
    const show = () => {
      answer.classList.remove("is-covered");
      told?.classList.remove("waits-for-answer");
      cover.remove();
      answer.tabIndex = -1; // a screen reader goes on here
    };
    cover.addEventListener("click", () => {
      show();
      answer.focus({ preventScroll: true });
    });
    answer.prepend(cover);
    box.prepend(answer);
    return show;
  };
  document.addEventListener("DOMContentLoaded", () => {
    const cells = [...document.querySelectorAll(".tag_answer:has(.cell_output)")];
    const shows = cells.map((cell) => {
      const output = cell.querySelector(".cell_output");
      const next = cell.nextElementSibling;
      return hide(output.querySelector("figure") ?? output, next?.matches("p") ? next : null);
    });
    if (shows.length < 2) return;
    const all = button("all-answers", "Show all answers", " of this page");
    all.addEventListener("click", () => {
      shows.forEach((show) => show());
      const first = cells[0].querySelector(".answer");
      all.remove();
      first.focus({ preventScroll: true });
    });
    cells[0].before(all);
  });
}
