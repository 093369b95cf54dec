// One figure against another, a dot a model; a rectangle drawn over dots selects both ranges, a click chooses one.
import { svg, text } from "../../drawing.js";
import { h } from "../../elements.js";
import { exact } from "../../notation.js";
import { axis } from "../axis.js";
import { ink } from "../ink.js";
import { bounds } from "../selection.js";

const COLOURS = ["--c0", "--c1", "--c2", "--c3", "--c4", "--c5", "--c7"];
const OTHERS = "--c6";
const MARGIN = { top: 24, right: 14, bottom: 40, left: 72 };
const MANY = 5000; // dots above which they are pixels
const NEAR = 12; // pixels between a pointer and the dot that it means

export const scatter = {
  id: "scatter",
  title: "Scatter",
  lead: "What goes with what? Draw a rectangle over dots to select them; click one for all that is known of it.",
  parts: ["models"],
  mount(section, page) {
    if (page.figures.length > 1) new Scatter(section, page);
    else section.append(h("p", { class: "soft" }, "No two figures are known of any model."));
  },
};

class Scatter {
  constructor(section, page) {
    this.page = page;
    this.canvas = h("canvas", { role: "img" });
    this.place = h("div", { class: "scatter" });
    this.said = h("p", { class: "soft", "aria-live": "off" });
    this.legend = h("div", { class: "legend", role: "group", "aria-label": "Colours" });
    const names = page.figures.map(({ name, title }) => [name, title]);
    const options = [["x", "across", names, "params"], ["y", "up", names, "macs"], ["by", "colour", page.kinds.map(({ name, title }) => [name, title.toLowerCase()]), usualColour(page.kinds)]];
    this.selects = Object.fromEntries(options.map(([key, label, values]) => [key, h("select", { "aria-label": label, onchange: (event) => page.state.set({ [key]: event.target.value }) }, values.map(([value, title]) => h("option", { value }, title)))]));
    this.logs = Object.fromEntries(["x", "y"].map((key) => [key, h("input", { type: "checkbox", onchange: (event) => page.state.set({ [`${key}log`]: event.target.checked ? null : "no" }) })]));
    this.usual = Object.fromEntries(options.map(([key, , values, usual]) => [key, values.some(([name]) => name === usual) ? usual : values[Math.min(key === "y" ? 1 : 0, values.length - 1)]?.[0]]));
    section.append(
      h("div", { class: "tools" }, ["x", "y"].flatMap((key) => [h("label", {}, `${key === "x" ? "Across" : "Up"} `, this.selects[key]), h("label", {}, this.logs[key], " log")]), h("label", {}, "Colour ", this.selects.by)),
      this.place, this.said, this.legend);
    page.state.on(["x", "y", "by", "xlog", "ylog"], () => this.choose());
    page.state.on(["theme", "model"], () => this.paint());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
    page.selection.on(() => this.paint());
    this.point();
    new ResizeObserver(() => this.lay()).observe(this.place);
  }

  /** Which figures and colours: from the address, else the usual ones. */
  choose() {
    const { state } = this.page;
    for (const key of ["x", "y", "by"]) {
      const asked = state.get(key);
      this[key] = [...this.selects[key].options].some(({ value }) => value === asked) ? asked : this.usual[key];
      this.selects[key].value = this[key];
    }
    for (const key of ["x", "y"]) this.logs[key].checked = state.get(`${key}log`) !== "no";
    this.colour();
    this.lay(true);
  }

  /** The most frequent kinds have a colour each. */
  colour() {
    const kind = this.page.kinds.find(({ name }) => name === this.by);
    const values = (kind?.values ?? []).slice(0, COLOURS.length).map(([value]) => value);
    const column = this.page.models.column(this.by);
    const index = new Map(values.map((value, i) => [value, i]));
    this.colours = Uint8Array.from({ length: this.page.models.length }, (_, row) => index.get(column[row] ?? null) ?? COLOURS.length);
    const rest = (kind?.values ?? []).length - values.length;
    this.legend.replaceChildren(...values.map((value, i) =>
      h("button", { type: "button", class: "link", onclick: () => this.page.selection.toggle(this.by, value) }, h("i", { style: `background:var(${COLOURS[i]})` }), this.page.selection.said(value))),
    ...(rest > 0 ? [h("span", {}, h("i", { style: `background:var(${OTHERS})` }), `${exact(rest)} others`)] : []));
  }

  lay(anew = false) {
    const width = Math.max(280, Math.floor(this.place.clientWidth));
    if (width === this.width && !anew) return;
    this.width = width;
    this.height = Math.round(Math.min(480, Math.max(300, width * 0.5)));
    const { top, right, bottom, left } = MARGIN;
    this.figures = { x: this.page.figure(this.x), y: this.page.figure(this.y) };
    this.axes = {
      x: axis(this.figures.x, this.logs.x.checked, [left, width - right]),
      y: axis(this.figures.y, this.logs.y.checked, [this.height - bottom, top]),
    };
    const drawing = svg("svg", { width, height: this.height, viewBox: `0 0 ${width} ${this.height}`, "aria-hidden": "true" });
    this.rules(drawing);
    this.band = svg("rect", { class: "band" });
    drawing.append(this.band);
    this.place.style.blockSize = `${this.height}px`;
    const ratio = devicePixelRatio || 1;
    Object.assign(this.canvas, { width: width * ratio, height: this.height * ratio });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${this.height}px` });
    this.pixels = this.pixel();
    this.paint();
    this.place.replaceChildren(drawing, this.canvas);
  }

  rules(drawing) {
    const { top, right, bottom, left } = MARGIN;
    const [w, t] = [this.width, this.height];
    for (const { n, text: label } of apart(this.axes.x, Math.floor((w - left) / 80))) {
      const x = this.axes.x.at(n);
      drawing.append(svg("path", { class: "rule", d: `M${x} ${top}V${t - bottom}` }), text(label, x, t - bottom + 16, "tick", { "text-anchor": x > w - 40 ? "end" : "middle" }));
    }
    for (const { n, text: label } of apart(this.axes.y, 7)) {
      const y = this.axes.y.at(n);
      drawing.append(svg("path", { class: "rule", d: `M${left} ${y}H${w - right}` }), text(label, left - 8, y + 4, "tick", { "text-anchor": "end" }));
    }
    this.diagonal(drawing);
    drawing.append(text(`${this.figures.x.title} \u2192`, w - right, t - 6, "tick", { "text-anchor": "end" }), text(`\u2191 ${this.figures.y.title}`, 2, 12, "tick"));
  }

  /** Where two figures of one kind are equal: a field as long as the input, weights as large as activations. */
  diagonal(drawing) {
    const { x, y } = this.figures;
    if (x === y || x.unit !== y.unit || x.unit === "count" || this.logs.x.checked !== this.logs.y.checked) return;
    const [low, high] = [Math.max(1, x.least, y.least), Math.min(x.most, y.most)];
    if (low >= high) return;
    const [x1, y1, x2, y2] = [this.axes.x.at(low), this.axes.y.at(low), this.axes.x.at(high), this.axes.y.at(high)];
    drawing.append(svg("path", { class: "equal", d: `M${x1} ${y1}L${x2} ${y2}` }), text("equal", x2 - 6, y2 + 14, "tick", { "text-anchor": "end" }));
  }

  /** Where each model's dot is; NaN where a figure isn't known. */
  pixel() {
    const { x, y } = this.figures;
    const xs = Float32Array.from(x.values, (n) => (Number.isNaN(n) ? NaN : this.axes.x.at(n)));
    const ys = Float32Array.from(y.values, (n) => (Number.isNaN(n) ? NaN : this.axes.y.at(n)));
    let drawn = 0;
    for (let i = 0; i < xs.length; i += 1) if (!Number.isNaN(xs[i] + ys[i])) drawn += 1;
    this.drawn = drawn;
    return { xs, ys };
  }

  paint() {
    if (!this.pixels) return;
    const { selection, models, fleet } = this.page;
    const paper = this.canvas.getContext("2d");
    const ratio = devicePixelRatio || 1;
    paper.setTransform(ratio, 0, 0, ratio, 0, 0);
    paper.clearRect(0, 0, this.width, this.height);
    const rows = [...COLOURS, OTHERS].map(() => []);
    const out = [];
    for (let row = 0; row < models.length; row += 1) (selection.has(row) ? rows[this.colours[row]] : out).push(row);
    // What isn't selected first, then kinds, of which the fewest models are on top.
    const layers = rows.map((some, i) => [some, [...COLOURS, OTHERS][i]]).sort(([a], [b]) => b.length - a.length);
    const dots = [[out, "--line"], ...layers].map(([some, name]) => [some, ink(this.place, name)]);
    (this.drawn > MANY ? spots : circles)(paper, dots, this.pixels, this.drawn);
    this.ring(paper, this.page.state.get("model"));
    this.mark();
    const open = models.length - this.drawn;
    const shown = fleet.whole ? "" : " that are on this page one by one";
    this.canvas.setAttribute("aria-label", `${this.figures.y.title} against ${this.figures.x.title} of ${exact(this.drawn)} models${shown}${selection.any ? `, ${exact(selection.count)} of all selected` : ""}. The table below lists the same models.`);
    this.usually = `${exact(this.drawn)} models${shown}${open ? `; not drawn: ${exact(open)} of which a figure isn't known` : ""}.`;
    if (!this.pointed) this.said.textContent = this.usually;
  }

  ring(paper, row) {
    const [x, y] = row === null ? [NaN, NaN] : [this.pixels.xs[row], this.pixels.ys[row]];
    if (Number.isNaN(x + y)) return;
    paper.strokeStyle = ink(this.place, "--ink");
    paper.lineWidth = 2.5;
    paper.beginPath();
    paper.arc(x, y, 8, 0, 7);
    paper.stroke();
  }

  /** The ranges that are selected, as a rectangle. */
  mark() {
    const { given } = this.page.selection;
    const ranges = ["x", "y"].map((key) => bounds(given.get(this[key]) ?? null));
    if (!ranges[0] && !ranges[1]) return void this.band.setAttribute("width", 0);
    const { top, right, bottom, left } = MARGIN;
    const [x1, x2] = ranges[0] ? ranges[0].map(this.axes.x.at) : [left, this.width - right];
    const [y1, y2] = ranges[1] ? ranges[1].map(this.axes.y.at) : [this.height - bottom, top];
    for (const [name, value] of [["x", Math.min(x1, x2) - 3], ["y", Math.min(y1, y2) - 3], ["width", Math.abs(x2 - x1) + 6], ["height", Math.abs(y2 - y1) + 6]]) this.band.setAttribute(name, value);
  }

  nearest([x, y]) {
    const { xs, ys } = this.pixels;
    let [found, least] = [null, NEAR * NEAR];
    for (let row = 0; row < xs.length; row += 1) {
      const far = (xs[row] - x) ** 2 + (ys[row] - y) ** 2;
      if (far <= least && this.page.selection.has(row)) [found, least] = [row, far];
    }
    return found;
  }

  point() {
    const { canvas } = this;
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    let start = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button || event.pointerType === "touch") return;
      start = at(event);
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (start) return this.stretch(start, at(event));
      this.pointed = this.nearest(at(event));
      canvas.style.cursor = this.pointed === null ? "crosshair" : "pointer";
      this.said.textContent = this.pointed === null ? this.usually : this.sentence(this.pointed);
    });
    canvas.addEventListener("pointerleave", () => {
      this.pointed = null;
      this.said.textContent = this.usually;
    });
    canvas.addEventListener("pointerup", (event) => {
      const [from, to] = [start, at(event)];
      start = null;
      if (from && Math.hypot(to[0] - from[0], to[1] - from[1]) > 4) return this.select(from, to);
      this.mark();
    });
    canvas.addEventListener("click", (event) => {
      const row = this.nearest(at(event));
      if (row !== null && !this.stretched) this.page.choose(row);
      this.stretched = false;
    });
  }

  stretch([x1, y1], [x2, y2]) {
    this.stretched = Math.hypot(x2 - x1, y2 - y1) > 4;
    for (const [name, value] of [["x", Math.min(x1, x2)], ["y", Math.min(y1, y2)], ["width", Math.abs(x2 - x1)], ["height", Math.abs(y2 - y1)]]) this.band.setAttribute(name, value);
  }

  select(from, to) {
    const ranges = ["x", "y"].map((key, i) => {
      const ends = [from[i], to[i]].map(this.axes[key].back).sort((a, b) => a - b);
      return [this[key], `${Math.max(0, Math.ceil(ends[0]))}..${Math.max(0, Math.floor(ends[1]))}`];
    });
    this.page.state.set(Object.fromEntries(ranges));
  }

  sentence(row) {
    const { x, y } = this.figures;
    return `${this.page.shortPath(row)}: ${x.title} ${x.write(x.values[row])}, ${y.title} ${y.write(y.values[row])}`;
  }
}

/** What tells models apart: the first of these of which there isn't one that nearly all are. */
function usualColour(kinds) {
  for (const key of ["family", "producer", "opset", "quantised", "status"]) {
    const counts = (kinds.find(({ name }) => name === key)?.values ?? []).map(([, n]) => n);
    if (counts.length > 1 && Math.max(...counts) < 0.85 * counts.reduce((sum, n) => sum + n, 0)) return key;
  }
  return kinds[0]?.name;
}

/** Ticks that leave room for one another: the one of nought stays, the next to it gives way. */
function apart(axis, many) {
  const found = axis.ticks(many);
  const [first, second] = found;
  const near = first?.n === 0 && second && Math.abs(axis.at(second.n) - axis.at(0)) < 16;
  return near ? [first, ...found.slice(2)] : found;
}

function circles(paper, dots, { xs, ys }, many) {
  const radius = many < 1000 ? 4.5 : 3;
  dots.forEach(([rows, colour], i) => {
    paper.fillStyle = colour;
    paper.globalAlpha = i ? 0.7 : 1;
    for (const row of rows) {
      if (Number.isNaN(xs[row] + ys[row])) continue;
      paper.beginPath();
      paper.arc(xs[row], ys[row], radius, 0, 7);
      paper.fill();
    }
  });
  paper.globalAlpha = 1;
}

/** Squares of a few pixels, denser where there are more: a hundred thousand in some milliseconds. */
function spots(paper, dots, { xs, ys }, many) {
  const ratio = paper.getTransform().a;
  const { width, height } = paper.canvas;
  const size = Math.max(2, Math.round((many < 30000 ? 4 : 3) * ratio));
  const counts = new Uint8Array(width * height);
  const kinds = new Uint8Array(width * height);
  dots.forEach(([rows], kind) => {
    for (const row of rows) {
      if (Number.isNaN(xs[row] + ys[row])) continue;
      const [x, y] = [Math.round(xs[row] * ratio - size / 2), Math.round(ys[row] * ratio - size / 2)];
      for (let j = Math.max(0, y); j < Math.min(height, y + size); j += 1) {
        for (let at = j * width + Math.max(0, x), end = j * width + Math.min(width, x + size); at < end; at += 1) {
          if (kinds[at] !== kind) [kinds[at], counts[at]] = [kind, kind > 1 && kinds[at] ? counts[at] >> 1 : 0];
          if (counts[at] < 8) counts[at] += 1;
        }
      }
    }
  });
  const inks = dots.map(([, colour]) => bytes(paper, colour));
  const image = paper.createImageData(width, height);
  for (let at = 0; at < counts.length; at += 1) {
    if (!counts[at]) continue;
    const ink = inks[kinds[at]];
    image.data.set(ink, 4 * at);
    image.data[4 * at + 3] = kinds[at] ? 255 * (1 - 0.6 ** counts[at]) : 255;
  }
  paper.putImageData(image, 0, 0);
}

/** A colour as four bytes. */
function bytes(paper, colour) {
  paper.fillStyle = colour;
  const text = paper.fillStyle;
  return [1, 3, 5].map((i) => Number.parseInt(text.slice(i, i + 2), 16)).concat(255);
}
