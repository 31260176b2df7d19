/* Eight figures that answer to mouse and keyboard, without a kernel or a server.

   A page marks a static figure with a class (interactive-levels, -pooling, -studies,
   -precision, -gates, -plan, -sizes, -languages). Here a widget is put before its picture, which stays for print and for readers
   without scripts. What is computed is in `arithmetic`, which tests/book/test_interactive.py
   compares with the package. What comes from a trained detector is data, written by
   book/figures/interactive.py, precision_recall.py, gate_lottery.py and one_object.py; languages.py
   writes points, and studies.py and plan.py write tables of Student's factors. */
"use strict";

const arithmetic = {
  /* FPN's level of a box: HardRoISelection.level_of */
  levelOf(width, height, canonical) {
    const level = Math.floor(4 + Math.log2(Math.sqrt(width * height) / canonical) + 1e-6);
    return Math.min(5, Math.max(2, level));
  },
  /* Places on a side of C5 for a picture padded to a multiple of 32 */
  c5Side: (pixels) => Math.ceil(pixels / 32),
  /* Bins on a side: ratio_invariant_pool */
  pooledSide: (side, ratio) => Math.max(1, Math.trunc(side * ratio)),
  /* Where bin i of n lies on a side: adaptive average pooling */
  bin: (i, n, side) => [Math.floor((i * side) / n), Math.ceil(((i + 1) * side) / n)],
  /* Mean of each bin of a map, values[row][column] = [r, g, b] */
  pool(values, rows, columns) {
    const height = values.length, width = values[0].length;
    return Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => {
      const [top, bottom] = arithmetic.bin(i, rows, height);
      const [left, right] = arithmetic.bin(j, columns, width);
      const sum = [0, 0, 0];
      for (let y = top; y < bottom; y++)
        for (let x = left; x < right; x++)
          for (let c = 0; c < 3; c++) sum[c] += values[y][x][c];
      return sum.map((s) => s / ((bottom - top) * (right - left)));
    }));
  },
  /* The 95 % interval of differences by seed: intervals.around. `factors` has Student's factor by
     degrees of freedom, and the normal one at 0; `ofImages` is the standard error over images. */
  interval(values, ofImages, factors) {
    const n = values.length, mean = values.reduce((a, b) => a + b) / n;
    const variance = values.reduce((a, x) => a + (x - mean) ** 2, 0) / (n - 1);
    const half = Math.hypot(factors[n - 1] * Math.sqrt(variance / n), factors[0] * ofImages);
    return [mean, mean - half, mean + half];
  },
  /* The normal distribution up to x (Abramowitz and Stegun, 7.1.26; off by less than 1e-6) */
  normal(x) {
    const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
    const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 +
      t * (-1.453152027 + t * 1.061405429))));
    const half = (series * Math.exp((-x * x) / 2)) / 2;
    return x < 0 ? half : 1 - half;
  },
  /* How probable it is that the interval of n pairs excludes zero: intervals.power_of. `spread` is
     the deviation of the differences, `ofImages` their error over images; `data` is plan.js. */
  chance(n, gain, spread, ofImages, data) {
    const variance = spread ** 2 / n, deviation = Math.hypot(spread / Math.sqrt(n), ofImages);
    const shown = data.estimates[n - 2].map((estimate) => {
      const half = Math.sqrt(estimate * variance + (data.normal * ofImages) ** 2);
      return arithmetic.normal((gain - half) / deviation) + arithmetic.normal((-half - gain) / deviation);
    });
    return shown.reduce((a, b) => a + b) / shown.length;
  },
  /* What an interval says of "above zero": intervals.verdict, from three seeds on */
  verdict: ([, low, high], n) =>
    (n < 3 ? "undecided" : low > 0 ? "above zero" : high < 0 ? "below zero" : "undecided"),
  /* Which boxes are right, as COCO matches them: ious[box][object], best score first. Each takes the
     free object that it overlaps most, if the IoU is at least `threshold`. */
  matched(ious, threshold) {
    const taken = new Set();
    return ious.map((row) => {
      let best = -1;
      row.forEach((iou, j) => {
        if (!taken.has(j) && iou >= threshold && (best < 0 || iou > row[best])) best = j;
      });
      if (best >= 0) taken.add(best);
      return best >= 0;
    });
  },
  /* Precision and recall after each box, and the greatest precision from there on. */
  curve(right, objects) {
    let hits = 0;
    const points = right.map((is, i) => {
      hits += Number(is);
      return { precision: hits / (i + 1), recall: hits / objects, best: 0 };
    });
    for (let i = points.length - 1; i >= 0; i--)
      points[i].best = Math.max(points[i].precision, points[i + 1]?.best ?? 0);
    return points;
  },
  /* The mean of the best precision at recalls 0, 0.01, ..., 1, zero where a recall is not reached. */
  averagePrecision(right, objects) {
    const points = arithmetic.curve(right, objects);
    const at = (wanted) => points.find(({ recall }) => recall >= wanted)?.best ?? 0;
    return Array.from({ length: 101 }, (_, i) => at(i / 100)).reduce((a, b) => a + b) / 101;
  },
  /* Gates of maps with a standard deviation, from the values of maps with a deviation of 1 */
  gates: (values, deviation) => values.map((x) => 1 / (1 + Math.exp(-deviation * x))),
  /* Two levels that tell three classes in two channels, and their sum; M3's language is turned by
     an angle. For each map its points[class][point] and the means that its probe knows. */
  languages(by, { degrees, noise }) {
    const means = (turned) => degrees.map((degree) => {
      const angle = ((degree + turned) * Math.PI) / 180;
      return [Math.cos(angle), Math.sin(angle)];
    });
    const plus = (a, b) => a.map((x, i) => x + b[i]);
    const points = (own, of) => own.map((mean, c) => of[c].map((x) => plus(mean, x)));
    const own = means(0), turned = means(by);
    const m2 = points(own, noise[0]), m3 = points(turned, noise[1]);
    return { M2: [m2, own], M3: [m3, own],
      "M2 + M3": [m2.map((some, c) => some.map((x, i) => plus(x, m3[c][i]))),
        own.map((mean, c) => plus(mean, turned[c]))] };
  },
  /* The share of points whose own class's mean is the nearest one */
  nearestIsOwn([points, means]) {
    const apart = (x, mean) => (x[0] - mean[0]) ** 2 + (x[1] - mean[1]) ** 2;
    const right = points.flatMap((some, c) => some.map((x) =>
      means.every((mean, k) => k === c || apart(x, means[c]) < apart(x, mean) ||
        (k > c && apart(x, means[c]) === apart(x, mean)))));
    return right.filter(Boolean).length / right.length;
  },
  /* What most boxes have of a level: how a gate within 0.05 of 0 or 1 is called */
  begins(gates) {
    const most = (test) => gates.filter(test).length > gates.length / 2;
    return most((g) => g < 0.05) ? "shut" : most((g) => g > 0.95) ? "open" : "can learn";
  },
};

const files = new URL("../interactive/", document.currentScript.src);
/* Those of augfpn/figures/colours.py: a level has the same colour in every figure. */
const LEVEL_COLOURS = { 2: "#0072B2", 3: "#D55E00", 4: "#009E73", 5: "#CC79A7" };

/* An element with attributes and children, in HTML or, for SVG's names, in SVG. */
function element(name, attributes = {}, ...children) {
  const svg = ["svg", "rect", "image", "text", "g", "line", "circle", "polyline"].includes(name);
  const made = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/* A labelled slider that shows its value; `change` is called with the number. */
function slider(label, low, high, step, value, show, change) {
  const input = element("input", { type: "range", min: low, max: high, step, value });
  const shown = element("output", {}, show(value));
  input.addEventListener("input", () => {
    shown.textContent = show(Number(input.value));
    change(Number(input.value));
  });
  const whole = element("label", {}, element("span", {}, label), input, shown);
  whole.set = (x) => { input.value = x; shown.textContent = show(Number(input.value)); };
  return whole;
}

/* What makes sliders of one figure: each sets now[name], and the figure is shown again. */
function slidersOf(now, show) {
  return (label, name, low, high, step, text = (value) => value.toFixed(2)) =>
    slider(label, low, high, step, now[name], text, (value) => { now[name] = value; show(); });
}

/* Bars of P2..P5 with their numbers; returns the drawing and what sets it. */
function bars(title) {
  const drawing = element("svg", { viewBox: "0 0 220 142", role: "img", "aria-label": title });
  drawing.append(element("text", { x: 4, y: 14, class: "bar-title" }, title));
  const parts = [2, 3, 4, 5].map((k, i) => {
    const bar = element("rect", { x: 12 + 52 * i, width: 38, fill: LEVEL_COLOURS[k] });
    const number = element("text", { x: 31 + 52 * i, "text-anchor": "middle" });
    const name = element("text", { x: 31 + 52 * i, y: 138, "text-anchor": "middle" }, `P${k}`);
    drawing.append(bar, number, name);
    return { bar, number };
  });
  const set = (weights) => parts.forEach(({ bar, number }, i) => {
    const height = 80 * weights[i];
    bar.setAttribute("y", 122 - height);
    bar.setAttribute("height", height);
    number.setAttribute("y", 117 - height);
    number.textContent = weights[i].toFixed(2);
  });
  return { drawing, set };
}

/* --- a box, its level, and its mixture of levels ------------------------------------------------ */

function levels(figure, data) {
  const { width, height, canonical, xs, ys, sides, weights } = data;
  const at = { x: 8, y: 8, side: 12 }; // the cross below the middle
  const picture = element("svg", {
    viewBox: `0 0 ${width} ${height}`, class: "scene", tabindex: 0, role: "group",
    "aria-label": "A scene with a box: arrow keys move the box, plus and minus change its size",
  });
  const image = new URL("scene.png", files).href;
  picture.append(element("image", { href: image, width, height }));
  const frames = ["black", "white"].map((stroke, i) => element("rect", {
    fill: "none", stroke, "stroke-width": 4 - 2 * i }));
  picture.append(...frames);
  const rule = bars("FPN: one level, by size");
  const soft = bars("AugFPN: trained weights");
  const both = element("div", { class: "bars" }, rule.drawing, soft.drawing);
  const said = element("p", { "aria-live": "polite", class: "said" });
  const controls = {
    x: slider("across", 0, xs.length - 1, 1, at.x, (i) => `${xs[i]} px`, (i) => move("x", i)),
    y: slider("down", 0, ys.length - 1, 1, at.y, (i) => `${ys[i]} px`, (i) => move("y", i)),
    side: slider("side", 0, sides.length - 1, 1, at.side, (i) => `${sides[i]} px`,
      (i) => move("side", i)),
  };
  const most = { x: xs.length - 1, y: ys.length - 1, side: sides.length - 1 };

  function move(name, to) {
    at[name] = Math.min(most[name], Math.max(0, to));
    controls[name].set(at[name]);
    show();
  }
  function show() {
    const half = sides[at.side] / 2, x = xs[at.x], y = ys[at.y];
    const left = Math.max(0, x - half), right = Math.min(width, x + half);
    const top = Math.max(0, y - half), bottom = Math.min(height, y + half);
    for (const frame of frames) {
      for (const [key, value] of Object.entries(
        { x: left, y: top, width: right - left, height: bottom - top })) frame.setAttribute(key, value);
    }
    const level = arithmetic.levelOf(right - left, bottom - top, canonical);
    const index = (at.side * ys.length + at.y) * xs.length + at.x;
    const mixture = weights[index];
    rule.set([2, 3, 4, 5].map((k) => Number(k === level)));
    soft.set(mixture);
    const shape = `${Math.round(right - left)} × ${Math.round(bottom - top)} px`;
    const told = mixture.map((w, i) => `P${i + 2} ${w.toFixed(2)}`).join(", ");
    said.textContent = `A box of ${shape}: FPN reads P${level} alone; AugFPN's weights are ${told}.`;
  }
  const nearest = (values, wanted) => values.reduce(
    (best, v, i) => (Math.abs(v - wanted) < Math.abs(values[best] - wanted) ? i : best), 0);
  function drag(event) {
    const frame = picture.getBoundingClientRect();
    move("x", nearest(xs, ((event.clientX - frame.left) / frame.width) * width));
    move("y", nearest(ys, ((event.clientY - frame.top) / frame.height) * height));
  }
  picture.addEventListener("pointerdown", (event) => {
    picture.setPointerCapture(event.pointerId);
    drag(event);
  });
  picture.addEventListener("pointermove", (event) => { if (event.buttons) drag(event); });
  picture.addEventListener("keydown", (event) => {
    const keys = { ArrowLeft: ["x", -1], ArrowRight: ["x", 1], ArrowUp: ["y", -1],
      ArrowDown: ["y", 1], "+": ["side", 1], "=": ["side", 1], "-": ["side", -1] };
    if (!(event.key in keys)) return;
    event.preventDefault();
    const [name, by] = keys[event.key];
    move(name, at[name] + by);
  });
  show();
  return [
    element("div", { class: "controls" }, ...Object.values(controls)),
    element("div", { class: "side-by-side" }, picture, both),
    said,
  ];
}

/* --- one object of any size, read by two detectors ---------------------------------------------- */

function sizes(figure, data) {
  const { name, width, height, sides, canonical, alone, fpn, augfpn, srs, weights } = data;
  const first = sides[0], last = sides[sides.length - 1];
  const now = { side: 60 };
  const file = (of) => new URL(of, files).href;
  const picture = element("svg", { viewBox: `0 0 ${width} ${height}`, class: "scene still",
    role: "img", "aria-label": `A scene with a ${name} in its box` });
  const object = element("image", { href: file("object.png") });
  const frames = [4, 2.5].map((wide) => element("rect", { fill: "none", stroke: "black",
    "stroke-width": wide }));
  picture.append(element("image", { href: file("ground.jpg"), width, height }), object, ...frames);
  const drawing = element("svg", { viewBox: "0 0 300 236", role: "img", "aria-label":
    `The probability of ${name} against the object's side, by FPN, AugFPN and SRS alone` });
  const x = (side) => 44 + (244 * (side - first)) / (last - first), y = (chance) => 190 - 165 * chance;
  const grey = { stroke: "#8a8a8a", "stroke-dasharray": "4 3" };
  for (const [chance, words] of [[0, "0"], [0.5, "0.5"], [1, "1"]])
    drawing.append(
      element("line", { x1: x(first), x2: x(last), y1: y(chance), y2: y(chance), ...grey,
        "stroke-dasharray": "none", opacity: 0.4 }),
      element("text", { x: 38, y: y(chance) + 4, "text-anchor": "end" }, words));
  for (const border of [0.5, 1, 2].map((times) => times * canonical))
    drawing.append(
      element("line", { x1: x(border), x2: x(border), y1: y(0), y2: y(1), ...grey }),
      element("text", { x: x(border), y: 207, "text-anchor": "middle" }, String(Math.round(border))));
  const line = (values, stroke, more = {}) => element("polyline", { fill: "none", stroke,
    "stroke-width": 2.5, ...more, points: values.map((chance, i) => `${x(sides[i])},${y(chance)}`).join(" ") });
  const marks = ["currentColor", "#0072B2"].map((fill) => element("circle", { r: 5.5, fill }));
  drawing.append(line(srs, "#0072B2", { "stroke-dasharray": "2 3" }), line(augfpn, "#0072B2"), line(fpn, "currentColor"), ...marks,
    element("text", { x: x((first + last) / 2), y: 228, "text-anchor": "middle" }, "side, px"),
    element("text", { x: -107, y: 11, transform: "rotate(-90)", "text-anchor": "middle" },
      `probability of “${name}”`),
    element("text", { x: x(last), y: y(1.04), "text-anchor": "end", class: "of-augfpn" },
      "AugFPN; dotted: SRS alone"),
    element("text", { x: x(95), y: y(0.66) }, "FPN"));
  const said = element("p", { "aria-live": "polite", class: "said" });

  function show() {
    const i = now.side - first, level = arithmetic.levelOf(now.side, now.side, canonical);
    const half = now.side / 2, whole = (alone * now.side) / 2;
    const square = (of, most) => Object.entries({ x: width / 2 - most, y: height / 2 - most,
      width: 2 * most, height: 2 * most }).forEach(([key, value]) => of.setAttribute(key, value));
    square(object, whole);
    for (const frame of frames) square(frame, half);
    frames[1].setAttribute("stroke", LEVEL_COLOURS[level]);
    marks.forEach((mark, of) => {
      mark.setAttribute("cx", x(now.side));
      mark.setAttribute("cy", y([fpn, augfpn][of][i]));
    });
    const told = weights[i].map((w, k) => `P${k + 2} ${w.toFixed(2)}`).join(", ");
    said.textContent = `${now.side} px: FPN reads P${level} alone and is ` +
      `${Math.round(100 * fpn[i])} % sure of a ${name}; SRS alone is ${Math.round(100 * srs[i])} % ` +
      `sure, AugFPN ${Math.round(100 * augfpn[i])} %. AugFPN's weights are ${told}.`;
  }
  const control = slidersOf(now, show);
  const controls = element("div", { class: "controls long-names" },
    control("side of the object", "side", first, last, 1, (value) => `${value} px`));
  show();
  return [controls, element("div", { class: "side-by-side halves" }, picture, drawing), said];
}

/* --- two languages, and their sum ---------------------------------------------------------------- */

const OF_CLASSES = ["#E69F00", "#009E73", "#CC79A7"]; // amber, green and purple, as in languages.py

function languages(figure, data) {
  const now = { by: 40 }, reach = 3.2;
  const of = (v) => 80 + (78 * v) / reach;
  const panels = ["M2", "M3", "M2 + M3"].map((name) => {
    const drawing = element("svg", { viewBox: "0 0 160 160", role: "img", "aria-label":
      `The objects of three classes on ${name}, and the borders of a probe` });
    return { name, drawing, words: element("span") };
  });
  const said = element("p", { "aria-live": "polite", class: "said" });

  function shape(c, [x, y]) {
    const at = [of(x), of(-y)], fill = OF_CLASSES[c];
    if (c === 0) return element("circle", { cx: at[0], cy: at[1], r: 2.6, fill });
    if (c === 1) return element("rect", { x: at[0] - 2.3, y: at[1] - 2.3, width: 4.6, height: 4.6, fill });
    return element("polyline", { fill, points: `${at[0] - 3},${at[1] + 2.4} ${at[0] + 3},` +
      `${at[1] + 2.4} ${at[0]},${at[1] - 3}` });
  }
  function show() {
    const maps = arithmetic.languages(now.by, data), share = {};
    for (const { name, drawing, words } of panels) {
      const [points, means] = maps[name];
      const borders = means.map(([x, y]) => {
        const far = (2 * reach) / Math.max(Math.hypot(x, y), 1e-9);
        return element("line", { x1: 80, y1: 80, x2: of(-far * x), y2: of(far * y),
          stroke: "#8a8a8a", "stroke-width": 1.2 });
      });
      drawing.replaceChildren(
        ...borders, ...points.flatMap((some, c) => some.map((x) => shape(c, x))));
      share[name] = Math.round(100 * arithmetic.nearestIsOwn(maps[name]));
      words.textContent = `${name}: ${share[name]} % right`;
    }
    said.textContent = `M3's language is turned by ${now.by}°. The probe of M2 is right in ` +
      `${share.M2} % on M2 and in ${share.M3} % on M3; a probe of the sum is right in ` +
      `${share["M2 + M3"]} %.`;
  }
  const controls = element("div", { class: "controls long-names" },
    slidersOf(now, show)("turn M3's language", "by", 0, 180, 5, (value) => `${value}°`));
  show();
  return [controls, element("div", { class: "three" }, ...panels.map(({ drawing, words }) =>
    element("div", {}, drawing, words))), said];
}

/* --- picture size and ratios: what pooling keeps ------------------------------------------------ */

function pooling(figure, data) {
  const now = { height: 800, width: 1216, ratios: [0.1, 0.2, 0.3] };
  const panels = element("div", { class: "panels" });
  const said = element("p", { "aria-live": "polite", class: "said" });

  /* The scene as C5's places would see it: the colours of `data`, stretched to rows x columns. */
  function map(rows, columns) {
    const { scene } = data;
    return Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) =>
      scene[Math.floor(((i + 0.5) * scene.length) / rows)][
        Math.floor(((j + 0.5) * scene[0].length) / columns)]));
  }
  function panel(title, values) {
    const canvas = element("canvas", { role: "img", "aria-label": title });
    canvas.width = values[0].length;
    canvas.height = values.length;
    const pen = canvas.getContext("2d");
    values.forEach((row, y) => row.forEach(([r, g, b], x) => {
      pen.fillStyle = `rgb(${Math.round(r)}, ${Math.round(g)}, ${Math.round(b)})`;
      pen.fillRect(x, y, 1, 1);
    }));
    canvas.style.aspectRatio = `${now.width} / ${now.height}`;
    return element("div", {}, canvas, element("span", {}, title));
  }
  function show() {
    const rows = arithmetic.c5Side(now.height), columns = arithmetic.c5Side(now.width);
    const c5 = map(rows, columns);
    const sizes = now.ratios.map((r) => [r, arithmetic.pooledSide(rows, r),
      arithmetic.pooledSide(columns, r)]);
    panels.replaceChildren(
      panel(`C5: ${rows} × ${columns}`, c5),
      ...sizes.map(([r, h, w]) => panel(`α = ${r.toFixed(2)}: ${h} × ${w}`,
        arithmetic.pool(c5, h, w))),
      element("div", {}),
      ...[1, 2, 3].map((n) => panel(`PSP: ${n} × ${n}`, arithmetic.pool(c5, n, n))));
    said.textContent = `An image of ${now.height} × ${now.width} px has a C5 of ${rows} × ` +
      `${columns}; the ratios pool it to ${sizes.map(([, h, w]) => `${h} × ${w}`).join(", ")}, ` +
      "PSP to 1 × 1, 2 × 2, 3 × 3.";
  }
  const pixels = (x) => `${x} px`, control = slidersOf(now, show);
  const controls = element("div", { class: "controls" },
    control("height", "height", 160, 1344, 32, pixels),
    control("width", "width", 160, 1344, 32, pixels),
    ...now.ratios.map((_, i) => slidersOf(now.ratios, show)(`α${"₁₂₃"[i]}`, i, 0.05, 0.5, 0.05)));
  show();
  return [controls, panels, said];
}

/* --- many studies of the same effect ------------------------------------------------------------ */

/* Numbers from 0 to 1 that are the same at each visit (mulberry32). */
function uniform(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const STUDIES = { shown: 40, counted: 4000, low: -4, high: 6 };
const VERDICT_COLOURS = { "above zero": "#009E73", "below zero": "#D55E00", undecided: "#8a8a8a" };

function studies(figure, data) {
  const now = { effect: 1, between: 1, images: 0.3, seeds: 3 };
  const within = (x) => Math.min(STUDIES.high, Math.max(STUDIES.low, x));
  /* As wide as the page's text, with letters of one size; on a phone it is scaled down a little */
  const wide = Math.min(860, Math.max(440, figure.clientWidth));
  const place = (x) => 20 + ((wide - 40) * (within(x) - STUDIES.low)) / (STUDIES.high - STUDIES.low);
  const drawing = element("svg", { viewBox: `0 0 ${wide} 336`, role: "img", "aria-label":
    "Forty intervals in points of AP, one below the other, with lines at zero and at the true effect" });
  const said = element("p", { "aria-live": "polite", class: "said" });

  function study(draw) {
    const normal = () => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
    const shared = now.effect + now.images * normal();
    const values = Array.from({ length: now.seeds }, () => shared + now.between * normal());
    return arithmetic.interval(values, now.images, data.factors);
  }
  function show() {
    const draw = uniform(1), all = Array.from({ length: STUDIES.counted }, () => study(draw));
    const line = (x1, y1, x2, y2, stroke, more = {}) =>
      element("line", { x1, y1, x2, y2, stroke, "stroke-width": 2, ...more });
    const zero = place(0), truth = place(now.effect);
    const middle = { "text-anchor": "middle" };
    const ticks = [-4, -2, 0, 2, 4, 6].map((x) => element("text", { x: place(x), y: 312, ...middle },
      String(x).replace("-", "−")));
    /* An arrowhead where an interval goes on beyond the drawing */
    const beyond = (x, y, fill) => (x === within(x) ? [] : [element("polyline", { fill,
      points: `${place(x)},${y - 3.5} ${place(x)},${y + 3.5} ${place(x) + (x < 0 ? -7 : 7)},${y}` })]);
    drawing.replaceChildren(
      line(zero, 8, zero, 296, "currentColor"),
      line(truth, 8, truth, 296, "#0072B2", { "stroke-dasharray": "6 4" }),
      ...ticks,
      element("text", { x: wide / 2, y: 331, ...middle }, "effect, points of AP"),
      ...all.slice(0, STUDIES.shown).flatMap((each, i) => {
        const [mean, low, high] = each, y = 14 + 7 * i;
        const colour = VERDICT_COLOURS[arithmetic.verdict(each, now.seeds)];
        return [line(place(low), y, place(high), y, colour),
          ...beyond(low, y, colour), ...beyond(high, y, colour),
          element("rect", { x: place(mean) - 2, y: y - 2, width: 4, height: 4, fill: colour })];
      }));
    const share = (test) => `${Math.round((100 * all.filter(test).length) / all.length)} %`;
    const says = (word) => share((each) => arithmetic.verdict(each, now.seeds) === word);
    said.textContent = `Of ${STUDIES.counted} studies of ${now.seeds} seeds, ` +
      `${share(([, low, high]) => low <= now.effect && now.effect <= high)} have the true effect ` +
      `in their interval; ${says("above zero")} say above zero, ${says("below zero")} below zero, ` +
      `${says("undecided")} leave it undecided. ` +
      `${share(([mean]) => mean > 0)} have a mean above zero.`;
  }
  const points = (x) => `${x.toFixed(1)} points`;
  const control = slidersOf(now, show);
  const controls = element("div", { class: "controls long-names" },
    control("true effect", "effect", -1, 3, 0.1, points),
    control("deviation between seeds", "between", 0.1, 2, 0.1, points),
    control("error over images", "images", 0, 1, 0.1, points),
    control("seeds", "seeds", 2, 30, 1, String));
  show();
  return [controls, drawing, said];
}

/* --- a score threshold, and its point on the precision-recall curve ----------------------------- */

const RIGHT = "#009E73", FALSE = "#D55E00";

/* The axes of a curve, from 0 to 1; returns the drawing, a layer on it, and where a point lies. */
function unitAxes(title, across, up) {
  const drawing = element("svg", { viewBox: "0 0 260 236", role: "img", "aria-label": title });
  const x = (v) => 44 + 200 * v, y = (v) => 190 - 170 * v;
  for (const v of [0, 0.5, 1]) {
    drawing.append(
      element("line", { x1: x(0), x2: x(1), y1: y(v), y2: y(v), stroke: "#8a8a8a", opacity: 0.5 }),
      element("text", { x: x(0) - 6, y: y(v) + 4, "text-anchor": "end" }, String(v)),
      element("text", { x: x(v), y: 208, "text-anchor": "middle" }, String(v)));
  }
  const turned = { x: -105, y: 12, transform: "rotate(-90)", "text-anchor": "middle" };
  drawing.append(element("text", { x: x(0.5), y: 228, "text-anchor": "middle" }, across),
    element("text", turned, up));
  const layer = element("g");
  drawing.append(layer);
  return { drawing, layer, x, y };
}

function precision(figure, data) {
  const { width, height, objects, boxes, scores, ious, wanted } = data;
  const now = { score: 0.5, iou: 0.5 };
  const picture = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
    class: "scene still",
    "aria-label": `A scene: annotated ${wanted}s dashed, found boxes green if right, else orange` });
  const frame = ([x, y, w, h], stroke, more = {}) => [["black", 3.5], [stroke, 2]].map(([ink, wide]) =>
    element("rect", { x, y, width: w, height: h, fill: "none", stroke: ink, "stroke-width": wide,
      ...more }));
  const found = element("g");
  picture.append(
    element("image", { href: new URL("scored.png", files).href, width, height }),
    ...objects.flatMap((box) => frame(box, "white", { "stroke-dasharray": "5 4" })), found);
  const axes = unitAxes("Precision against recall", "recall", "precision");
  const said = element("p", { "aria-live": "polite", class: "said" });

  function show() {
    const { layer, x, y } = axes;
    const right = arithmetic.matched(ious, now.iou), points = arithmetic.curve(right, objects.length);
    const kept = scores.filter((s) => s >= now.score).length;
    const line = (values, stroke, wide) => element("polyline", { fill: "none", stroke,
      "stroke-width": wide, points: values.map(([r, p]) => `${x(r)},${y(p)}`).join(" ") });
    const steps = points.flatMap(({ recall, best }, i) => [[points[i - 1]?.recall ?? 0, best],
      [recall, best]]);
    const drawn = boxes.slice(0, kept).map((box, i) => frame(box, right[i] ? RIGHT : FALSE));
    found.replaceChildren(...drawn.reverse().flat());  // the best score on top
    const here = points[kept - 1];
    layer.replaceChildren(line(steps, "#0072B2", 3),
      line(points.map(({ recall, precision }) => [recall, precision]), "#8a8a8a", 1.5),
      ...points.map((p, i) => element("circle", { cx: x(p.recall), cy: y(p.precision), r: 3.5,
        fill: right[i] ? RIGHT : FALSE })),
      ...(here ? [element("circle", { cx: x(here.recall), cy: y(here.precision), r: 8, fill: "none",
        stroke: "currentColor", "stroke-width": 2.5 })] : []));
    const hits = right.slice(0, kept).filter(Boolean).length;
    const share = kept ? `${hits} of ${kept}, ${(hits / kept).toFixed(2)}` : "not defined";
    said.textContent = `${kept} boxes have a score of ${now.score.toFixed(2)} or more; ${hits} ` +
      `of them count as right at an IoU of ${now.iou.toFixed(2)}. Precision: ${share}. Recall: ${hits} of ` +
      `${objects.length}, ${(hits / objects.length).toFixed(2)}. AP at this IoU, over all scores: ` +
      `${(100 * arithmetic.averagePrecision(right, objects.length)).toFixed(1)} %.`;
  }
  const control = slidersOf(now, show);
  const controls = element("div", { class: "controls" },
    control("score ≥", "score", 0, 1, 0.01), control("IoU ≥", "iou", 0.5, 0.95, 0.05));
  show();
  return [element("div", { class: "side-by-side" }, picture, axes.drawing), controls, said];
}

/* --- a draw of the gates' first weights --------------------------------------------------------- */

function gates(figure, data) {
  const now = { deviation: 1.5, draw: 1 };
  const drawing = element("svg", { viewBox: "0 0 340 210", role: "img", class: "narrow",
    "aria-label": "The gates of four levels, a dot for each of twelve boxes, between shut and open" });
  const layer = element("g");
  const x = (level, i) => 66 + 72 * (level - 2) + 4.5 * i, y = (gate) => 176 - 160 * gate;
  for (const [edge, name] of [[0, "shut"], [1, "open"]]) {
    const top = y(edge ? 1 : 0.05);
    drawing.append(
      element("rect", { x: 58, y: top, width: 280, height: 8, fill: "#8a8a8a", opacity: 0.35 }),
      element("text", { x: 52, y: y(edge) + 4, "text-anchor": "end" }, `${edge}, ${name}`));
  }
  drawing.append(layer);
  const said = element("p", { "aria-live": "polite", class: "said" });

  function show() {
    const found = data.values[now.draw - 1].map((of) => arithmetic.gates(of, now.deviation));
    layer.replaceChildren(...found.flatMap((of, i) => [
      element("text", { x: x(i + 2, 5.5), y: 204, "text-anchor": "middle" }, `P${i + 2}`),
      ...of.map((gate, j) => element("circle", { cx: x(i + 2, j), cy: y(gate), r: 3.4,
        fill: LEVEL_COLOURS[i + 2] }))]));
    const all = found.flat(), stuck = all.filter((gate) => gate < 0.05 || gate > 0.95).length;
    const levels = (word) => found.map((of, i) => [arithmetic.begins(of), `P${i + 2}`])
      .filter(([is]) => is === word).map(([, name]) => name).join(", ") || "none";
    said.textContent = `Draw ${now.draw}: in most boxes these levels begin shut: ${levels("shut")}; ` +
      `open: ${levels("open")}. ${Math.round((100 * stuck) / all.length)} % of the gates lie within ` +
      "0.05 of 0 or 1, and hardly learn.";
  }
  const control = slidersOf(now, show);
  const controls = element("div", { class: "controls long-names" },
    control("deviation of the maps", "deviation", 0.5, 12, 0.5, (value) => value.toFixed(1)),
    control("draw of the weights", "draw", 1, data.values.length, 1, String));
  show();
  return [controls, element("div", { class: "side-by-side" }, drawing, said)];
}

/* --- hours of a test, and the chance that it shows a gain --------------------------------------- */

const PLAN = { gain: 4, steps: 80, left: 52, right: 428, top: 38, bottom: 208 };

function plan(figure, data) {
  const now = { pairs: 8, spread: 1.7, images: 0.1, passes: 24, speed: 10, longer: 1.5 };
  const drawing = element("svg", { viewBox: "0 0 440 258", role: "img", "aria-label":
    "The chance that the test shows a gain, rising with the true gain from 0 to 4 points of AP" });
  const x = (gain) => PLAN.left + ((PLAN.right - PLAN.left) * gain) / PLAN.gain;
  const y = (chance) => PLAN.bottom - (PLAN.bottom - PLAN.top) * chance;
  const grey = { stroke: "#8a8a8a", "stroke-dasharray": "5 4" };
  for (const [chance, name] of [[0, "0"], [0.8, "80 %"], [1, "100 %"]])
    drawing.append(
      element("line", { x1: x(0), x2: x(PLAN.gain), y1: y(chance), y2: y(chance), ...grey }),
      element("text", { x: x(0) - 5, y: y(chance) + 4, "text-anchor": "end" }, name));
  for (let gain = 0; gain <= PLAN.gain; gain++)
    drawing.append(element("text", { x: x(gain), y: 228, "text-anchor": "middle" }, String(gain)));
  drawing.append(element("text", { x: 4, y: 18 }, "chance that the test shows it"));
  drawing.append(element("text", { x: x(PLAN.gain / 2), y: 250, "text-anchor": "middle" },
    "true gain, points of AP"));
  for (const [name, gain] of [["CS", data.papers.cs], ["AugFPN", data.papers.augfpn]])
    drawing.append(element("line", { x1: x(gain), x2: x(gain), y1: y(0), y2: y(1), ...grey }),
      element("text", { x: x(gain) + 4, y: y(0) - 6 }, `${name}, paper`));
  const curve = element("polyline", { fill: "none", stroke: "#0072B2", "stroke-width": 3 });
  drawing.append(curve);
  const said = element("p", { "aria-live": "polite", class: "said" });

  function show() {
    const of = (gain) => arithmetic.chance(now.pairs, gain, now.spread, now.images, data);
    const all = Array.from({ length: PLAN.steps + 1 }, (_, i) => (PLAN.gain * i) / PLAN.steps);
    curve.setAttribute("points", all.map((gain) => `${x(gain)},${y(of(gain))}`).join(" "));
    const hours = (now.pairs * (1 + now.longer) * now.passes * 1000) / now.speed / 3600;
    const cases = (gain) => Math.round(100 * of(gain));
    const sure = all.find((gain) => of(gain) >= 0.8);
    said.textContent = `${now.pairs} pairs take ${hours < 10 ? hours.toFixed(1) : Math.round(hours)} ` +
      `hours. Of 100 such tests ${cases(1)} show a true gain of 1 point, ${cases(2)} one of 2 points, ` +
      `and ${cases(data.papers.augfpn)} one of ${data.papers.augfpn}, as of AugFPN in the paper. ` + (sure === undefined
      ? "No gain of up to four points shows in 80 of 100."
      : `From ${sure.toFixed(1)} points on it shows in 80 of 100.`);
  }
  const control = slidersOf(now, show);
  const points = (value) => value.toFixed(1);
  const controls = element("div", { class: "controls long-names" },
    control("pairs of runs", "pairs", 3, data.estimates.length + 1, 1, String),
    control("deviation between pairs", "spread", 0.2, 4, 0.1, points),
    control("error over test images", "images", 0, 1, 0.05),
    control("images × epochs, 1,000", "passes", 1, 100, 1, String),
    control("images/s of FPN's training", "speed", 1, 40, 1, String),
    control("a step with the part", "longer", 1.1, 2.2, 0.05, (value) => `× ${value.toFixed(2)}`));
  show();
  return [element("div", { class: "side-by-side" }, drawing, said), controls];
}

/* --- put them into the page --------------------------------------------------------------------- */

const WIDGETS = { levels, pooling, studies, precision, gates, plan, sizes, languages };
window.augfpn = { arithmetic, data: {} };

function start() {
  for (const [name, widget] of Object.entries(WIDGETS)) {
    for (const figure of document.querySelectorAll(`figure.interactive-${name}`)) {
      const script = element("script", { src: new URL(`${name}.js`, files).href });
      script.addEventListener("load", () => {
        const parts = widget(figure, window.augfpn.data[name]);
        figure.prepend(element("div", { class: "widget" }, ...parts));
        figure.classList.add("ready");
      });
      document.head.append(script);
    }
  }
}
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
