"use strict";
/* Keys: arrows, Page Up and Down, space, Home and End turn the slides; n shows what to say; d turns
   dark to light; f fills the screen. */
{
  const root = document.documentElement;
  const every = [...document.querySelectorAll("section")];
  const here = () => every.reduce((best, each) => {
    const far = (one) => Math.abs(one.getBoundingClientRect().top);
    return far(each) < far(best) ? each : best;
  });
  const go = (place) => {
    const to = every[Math.max(0, Math.min(place, every.length - 1))];
    to.scrollIntoView({ behavior: "instant" });
    history.replaceState(null, "", `#${to.id}`);
  };
  const turned = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
  if (matchMedia("(prefers-color-scheme: dark)").matches) root.dataset.theme = "dark";
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.key === " " && event.shiftKey ? -1 : turned[event.key];
    if (step) go(every.indexOf(here()) + step);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(every.length - 1);
    else if (event.key === "n") root.classList.toggle("with-notes");
    else if (event.key === "d") root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    else if (event.key === "f") document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen();
    else return;
    event.preventDefault();
  });
}
