// How many models have a figure of which size, on a log axis. A range of it is chosen by pointer or by its two sliders.
import { fitted } from "../charts.js";
import { svg, text } from "../drawing.js";
import { h } from "../elements.js";
import { exact } from "../notation.js";
import { along, numbers, placed, ticks } from "./bins.js";
import { bounds } from "./selection.js";

const HEIGHT = 92;
const FOOT = 20;

export class Histogram {
  /**
   * @param {import("./fleet.js").Fleet} page
   * @param {import("./fleet.js").Figure} figure
   * @param {() => string} scale  what the bars' height is of: all, selected, log
   */
  constructor(page, figure, scale) {
    Object.assign(this, { page, figure, scale });
    this.last = figure.counts.length - 1;
    this.bins = placed(figure);
    this.place = h("div", { class: "chart" });
    this.said = h("p", { class: "soft", "aria-live": "off" });
    this.low = this.slider("from", 0);
    this.high = this.slider("to", this.last);
    this.open = figure.unknown ? h("button", { type: "button", class: "link", "aria-pressed": "false", onclick: () => this.toggleUnknown() }, `${exact(figure.unknown)} not known`) : null;
    this.element = h("div", { class: "histogram", id: `figure-${figure.name}` },
      h("div", { class: "head" }, h("h3", {}, figure.title), this.said), this.place,
      h("div", { class: "foot" }, h("div", { class: "range" }, this.low, this.high), this.open ?? ""));
    fitted(this.place, (width) => this.draw(width));
    page.selection.on(() => this.update());
  }

  get key() {
    return this.figure.name;
  }

  slider(end, value) {
    return h("input", { type: "range", min: 0, max: this.last, step: 1, value, "aria-label": `${this.figure.title}, ${end}`, oninput: () => this.slid(end), onchange: () => this.keep() });
  }

  slid(end) {
    let [low, high] = [Number(this.low.value), Number(this.high.value)];
    if (low > high) [low, high] = end === "from" ? [low, low] : [high, high];
    this.preview(low, high);
  }

  /** Select without a trace in the address, as long as something is dragged. */
  preview(first, last) {
    this.page.selection.apply(this.key, first === 0 && last === this.last ? null : numbers(this.figure, first, last).join(".."));
  }

  keep() {
    this.page.state.set({ [this.key]: this.page.selection.given.get(this.key) ?? null });
  }

  toggleUnknown() {
    this.page.state.set({ [this.key]: this.page.selection.given.get(this.key) === "?" ? null : "?" });
  }

  draw(width) {
    this.width = width;
    const drawing = svg("svg", { width, height: HEIGHT + FOOT, viewBox: `0 0 ${width} ${HEIGHT + FOOT}` });
    this.band = svg("rect", { y: 0, height: HEIGHT, class: "band" });
    this.paths = ["all", "others", "mine"].map((name) => svg("path", { class: name }));
    drawing.append(this.band, ...this.paths, svg("path", { class: "ground", d: `M0 ${HEIGHT + 0.5}H${width}` }));
    let last = -Infinity;
    for (const { at, text: label } of ticks(this.figure, Math.max(2, Math.floor(width / 62)))) {
      const x = this.x(at);
      if (x < last + 26) continue; // nought's is before the first
      last = x;
      drawing.append(svg("path", { class: "ground", d: `M${x} ${HEIGHT}v4` }), text(label, x, HEIGHT + 16, "tick", { "text-anchor": x < 20 ? "start" : x > width - 24 ? "end" : "middle" }));
    }
    this.drag(drawing);
    this.drawing = drawing;
    this.update();
    return drawing;
  }

  x(at) {
    return (at / (this.last + 1)) * this.width;
  }

  /** Bins by pointer: press on one and draw to another; a press on the only chosen one takes it back. */
  drag(drawing) {
    const at = (event) => {
      const box = drawing.getBoundingClientRect();
      return Math.min(this.last, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * (this.last + 1))));
    };
    drawing.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      event.preventDefault();
      drawing.setPointerCapture(event.pointerId);
      const start = at(event);
      const before = this.page.selection.given.get(this.key) ?? null;
      const move = (next) => this.preview(Math.min(start, at(next)), Math.max(start, at(next)));
      drawing.addEventListener("pointermove", move);
      const end = () => {
        drawing.removeEventListener("pointermove", move);
        const now = this.page.selection.given.get(this.key) ?? null;
        if (now !== null && now === before) this.page.selection.apply(this.key, null);
        this.keep();
      };
      drawing.addEventListener("pointerup", end, { once: true });
      move(event);
    });
    drawing.addEventListener("pointermove", (event) => {
      const i = at(event);
      const [low, high] = numbers(this.figure, i, i);
      this.said.textContent = `${this.range(low, high)}: ${exact(this.figure.counts[i])}`;
    });
    drawing.addEventListener("pointerleave", () => this.say());
  }

  range(low, high) {
    const { write } = this.figure;
    return write(low) === write(high) ? write(low) : `${write(low)} to ${write(high)}`;
  }

  /** How many there are of each bin: that nothing else keeps out, and that nothing at all does. */
  counted() {
    const others = new Array(this.last + 1).fill(0);
    const mine = new Array(this.last + 1).fill(0);
    const { selection } = this.page;
    const passes = selection.butFor(this.key);
    for (let row = 0; row < this.bins.length; row += 1) {
      if (this.bins[row] === 255 || !passes(row)) continue;
      others[this.bins[row]] += 1;
      if (selection.has(row)) mine[this.bins[row]] += 1;
    }
    return [others, mine];
  }

  update() {
    if (!this.drawing) return;
    const { whole } = this.page.fleet;
    const all = this.figure.counts;
    // Where not all models are on the page, what is selected of them says nothing of how many there are.
    const [others, mine] = whole && this.page.selection.any ? this.counted() : [all, all];
    const scale = this.scale();
    const most = Math.max(1, ...(scale === "selected" ? others : all));
    const height = scale === "log" ? (n) => (n ? (0.08 + 0.92 * (Math.log(n) / Math.log(Math.max(2, most)))) * (HEIGHT - 4) : 0) : (n) => (n ? Math.max(1, Math.min(1, n / most) * (HEIGHT - 4)) : 0);
    [all, others, mine].forEach((counts, i) => this.paths[i].setAttribute("d", this.bars(counts, height)));
    this.mark();
    this.drawing.setAttribute("aria-label", this.sentence(mine));
    this.say();
  }

  bars(counts, height) {
    const step = this.width / counts.length;
    const gap = step > 4 ? 1 : 0;
    return counts.map((n, i) => (n ? `M${(i * step + gap / 2).toFixed(1)} ${HEIGHT}v${-height(n).toFixed(1)}h${(step - gap).toFixed(1)}V${HEIGHT}` : "")).join("");
  }

  mark() {
    const given = this.page.selection.given.get(this.key) ?? null;
    const range = bounds(given);
    const [from, to] = range ? [along(this.figure, range[0]), along(this.figure, range[1] + 1)] : [0, this.last + 1];
    this.band.setAttribute("x", this.x(from));
    this.band.setAttribute("width", range ? Math.max(1, this.x(to) - this.x(from)) : 0);
    this.low.value = Math.min(this.last, Math.floor(from + 1e-6));
    this.high.value = Math.max(Number(this.low.value), Math.min(this.last, Math.ceil(to - 1e-6) - 1));
    for (const input of [this.low, this.high]) {
      const [low, high] = numbers(this.figure, Number(input.value), Number(input.value));
      input.setAttribute("aria-valuetext", this.figure.write(input === this.low ? low : high));
    }
    this.open?.setAttribute("aria-pressed", String(given === "?"));
    this.element.classList.toggle("chosen", given !== null);
  }

  say() {
    const range = bounds(this.page.selection.given.get(this.key) ?? null);
    const { median, write } = this.figure;
    this.said.textContent = range ? this.range(...range) : median === null ? "" : `median ${write(median)}`;
  }

  sentence(mine) {
    const { title, least, most, unknown, write, counts } = this.figure;
    const peak = counts.indexOf(Math.max(...counts));
    const shown = this.page.selection.any ? `; ${exact(mine.reduce((sum, n) => sum + n, 0))} of the selected` : "";
    return `${title}: from ${write(least)} to ${write(most)}, most often ${this.range(...numbers(this.figure, peak, peak))}${unknown ? `; of ${exact(unknown)} not known` : ""}${shown}`;
  }
}
