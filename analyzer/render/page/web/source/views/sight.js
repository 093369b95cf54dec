// Which pixels does a unit read? The input, and on it exactly what the chosen layer's chosen unit sees.
import { h } from "../elements.js";
import { share } from "../notation.js";
import { both, size, spansOf, unitsOf, words } from "../spans.js";

export const sight = {
  id: "sight",
  title: "Sight",
  lead: "Which pixels does a unit read? Drag it: clipped at every border on the way, holes and all.",
  parts: ["regions"],
  async mount(section, page) {
    const data = await page.part("regions");
    const effective = (await page.part("effective")) ?? { layers: {}, shares: [] };
    new Sight(section, page, { ...data, effective }, await image(page)).start();
  },
};

class Sight {
  constructor(section, page, data, picture) {
    Object.assign(this, { page, data, picture });
    this.canvas = h("canvas", { role: "img" });
    this.said = h("p", { class: "readout", role: "status" });
    this.sliders = h("div", { class: "sliders" });
    this.select = h("select", { "aria-label": "Layer", onchange: () => page.choose(Number(this.select.value)) },
      data.layers.map((layer, i) => (layer ? h("option", { value: i }, `${i} ${page.layers.get("path", i)}`) : null)));
    section.append(
      h("div", { class: "tools" }, h("label", {}, "layer ", this.select)),
      h("div", { class: "sight" }, this.canvas, h("div", {}, this.said, this.sliders)),
    );
    this.shade = h("p", { class: "shade" });
    this.sliders.after(this.shade);
    this.first = this.usual();
  }

  start() {
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.drag(event);
    });
    this.canvas.addEventListener("pointermove", (event) => event.buttons && this.drag(event));
    new ResizeObserver(() => this.draw()).observe(this.canvas.parentElement);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.page.state.on(["layer", "unit", "theme"], () => this.look());
  }

  /** Until a layer is chosen: the deepest one whose units don't all see everything. */
  usual() {
    const known = this.data.layers.map((layer, i) => (layer ? i : -1)).filter((i) => i >= 0);
    const partial = known.filter((i) => this.data.layers[i].axes.every(({ seen }) => seen.some(([, , table]) => this.data.tables[table].length > 1)));
    return partial.at(Math.floor(partial.length * 0.6)) ?? known[0];
  }

  look() {
    const chosen = this.page.state.get("layer");
    this.layer = chosen !== null && this.data.layers[chosen] ? chosen : this.first;
    this.other = chosen !== null && !this.data.layers[chosen];
    this.what = this.data.layers[this.layer];
    this.select.value = String(this.layer);
    const asked = (this.page.state.get("unit") ?? "").split(",").map(Number);
    this.units = this.what.axes.map(({ length, seen }, i) => {
      const units = unitsOf(this.data.tables[seen[0][2]]);
      const wanted = Number.isFinite(asked[i]) && asked.length === this.what.axes.length ? asked[i] : Math.floor((length - 1) / 2);
      return nearest(units, wanted);
    });
    this.slide();
    this.draw();
  }

  /** What is seen of each input axis: input -> axis -> spans. */
  seen() {
    const found = new Map();
    this.what.axes.forEach(({ seen }, i) => {
      for (const [source, axis, table] of seen) {
        const spans = spansOf(this.data.tables[table], this.units[i]) ?? [];
        if (!found.has(source)) found.set(source, new Map());
        const axes = found.get(source);
        axes.set(axis, axes.has(axis) ? both(axes.get(axis), spans) : spans);
      }
    });
    return found;
  }

  choose(units) {
    const layer = this.page.state.get("layer") ?? this.layer;
    this.page.state.set({ layer: this.other ? this.layer : layer, unit: units.join(",") });
  }

  /** A slider an axis; while one is dragged, it stays the same element. */
  slide() {
    if (this.slid !== this.layer) {
      this.slid = this.layer;
      this.sliders.replaceChildren(...this.what.axes.map(({ seen }, i) => {
        const units = unitsOf(this.data.tables[seen[0][2]]);
        const take = (event) => this.choose(this.units.map((unit, j) => (j === i ? units[Number(event.target.value)] : unit)));
        return h("label", {}, h("span"), h("input", { type: "range", min: 0, max: units.length - 1, oninput: take }));
      }));
    }
    this.what.axes.forEach(({ axis, length, seen, apart }, i) => {
      const [text, input] = this.sliders.children[i].children;
      const some = apart > 1 ? ` (every ${apart}th is in this page)` : "";
      text.textContent = `unit along output axis ${axis}: ${this.units[i]} of ${length}${some}`;
      input.value = String(unitsOf(this.data.tables[seen[0][2]]).indexOf(this.units[i]));
    });
  }

  draw() {
    if (!this.what) return;
    const seen = this.seen();
    const input = this.data.inputs.find(({ name }) => seen.has(name)) ?? this.data.inputs[0];
    const axes = [...(seen.get(input.name) ?? new Map())].filter(([axis]) => (input.shape?.[axis] ?? 0) > 1).slice(-2);
    this.axes = axes.map(([axis, spans]) => ({ axis, spans, length: input.shape[axis] }));
    const [down, across] = this.axes.length > 1 ? this.axes : [{ axis: null, spans: [[0, 0]], length: 1 }, this.axes[0]];
    if (!across) return;
    Object.assign(this, { down, across });
    this.paint();
    this.say(input, seen);
  }

  paint() {
    const { canvas, down, across } = this;
    const width = Math.min(560, canvas.parentElement.clientWidth);
    const scale = Math.min(width / across.length, 480 / down.length);
    const height = down.length === 1 ? 72 : Math.max(24, down.length * scale);
    const wide = down.length === 1 ? width : across.length * scale;
    const dense = devicePixelRatio;
    canvas.width = wide * dense;
    canvas.height = height * dense;
    canvas.style.inlineSize = `${wide}px`;
    canvas.style.blockSize = `${height}px`;
    const pen = canvas.getContext("2d");
    pen.scale(dense, dense);
    const x = (i) => (i / across.length) * wide;
    const y = (i) => (i / down.length) * height;
    this.ground(pen, wide, height, x, y);
    const map = this.shading();
    pen.fillStyle = ink(canvas, "--c0");
    pen.globalAlpha = map ? 0.12 : this.picture ? 0.45 : 0.6;
    for (const [top, bottom] of down.spans) {
      for (const [left, right] of across.spans) pen.fillRect(x(left), y(top), x(right + 1) - x(left), y(bottom + 1) - y(top));
    }
    pen.globalAlpha = 1;
    if (map) this.shadow(pen, map, x, y);
    pen.strokeStyle = ink(canvas, "--c1");
    pen.lineWidth = 2;
    if (down.spans.length && across.spans.length) {
      const box = [across.spans[0][0], down.spans[0][0], across.spans.at(-1)[1] + 1, down.spans.at(-1)[1] + 1];
      pen.strokeRect(x(box[0]) + 1, y(box[1]) + 1, Math.max(1, x(box[2]) - x(box[0]) - 2), Math.max(1, y(box[3]) - y(box[1]) - 2));
    }
  }

  /** The effective field of what is looked at: pages have those of some layers' central units. */
  shading() {
    const { layers, shares } = this.data.effective;
    const map = layers[this.layer];
    const central = map && String(map.unit) === String(this.units);
    const known = Object.keys(layers).map(Number);
    if (!known.length) return null;
    if (central) {
      const sides = shares.map((part, i) => `${share(part)} of its dependence lies within ${map.sides[i]}`);
      this.shade.replaceChildren(`Shaded: what it really hangs on, its effective field. ${sides.join(", ")} positions about its middle.`);
      return map;
    }
    const go = map ? this.layer : known.reduce((best, i) => (Math.abs(i - this.layer) < Math.abs(best - this.layer) ? i : best), known[0]);
    this.shade.replaceChildren(
      h("button", { type: "button", onclick: () => this.page.state.set({ layer: go, unit: layers[go].unit.join(",") }) }, map ? "Its central unit, with the effective field" : `The nearest layer with an effective field: ${go}`));
    return null;
  }

  shadow(pen, { axes, box, grid, map }, x, y) {
    const bytes = Uint8Array.from(atob(map), (c) => c.charCodeAt(0));
    const flat = grid.length === 1;
    if (!flat && (axes[0] !== this.down.axis || axes[1] !== this.across.axis)) return;
    const [rows, columns] = flat ? [1, grid[0]] : grid;
    const [[top, bottom], [left, right]] = flat ? [[0, 0], box[0]] : box;
    pen.fillStyle = ink(this.canvas, "--c0");
    for (let i = 0; i < rows; i += 1) {
      for (let j = 0; j < columns; j += 1) {
        const level = bytes[i * columns + j];
        if (!level) continue;
        pen.globalAlpha = (0.9 * level) / 255;
        const at = (lo, hi, k, n) => lo + ((hi + 1 - lo) * k) / n;
        const [x0, x1] = [x(at(left, right, j, columns)), x(at(left, right, j + 1, columns))];
        const [y0, y1] = [y(at(top, bottom, i, rows)), y(at(top, bottom, i + 1, rows))];
        pen.fillRect(x0, y0, x1 - x0, y1 - y0);
      }
    }
    pen.globalAlpha = 1;
  }

  /** The input itself: the image, or its grid. */
  ground(pen, wide, height, x, y) {
    pen.fillStyle = ink(this.canvas, "--raised");
    pen.fillRect(0, 0, wide, height);
    if (this.picture) pen.drawImage(this.picture, 0, 0, wide, height);
    pen.strokeStyle = ink(this.canvas, "--line");
    pen.lineWidth = 1;
    const step = every(this.across.length, wide);
    pen.beginPath();
    for (let i = 0; i <= this.across.length; i += step) {
      pen.moveTo(Math.round(x(i)) + 0.5, 0);
      pen.lineTo(Math.round(x(i)) + 0.5, height);
    }
    if (this.down.length > 1) {
      for (let i = 0; i <= this.down.length; i += step) {
        pen.moveTo(0, Math.round(y(i)) + 0.5);
        pen.lineTo(wide, Math.round(y(i)) + 0.5);
      }
    }
    pen.stroke();
  }

  say(input, seen) {
    const parts = this.axes.map(({ axis, spans, length }) => `${words(spans)} of ${length} along axis ${axis}`);
    const whole = this.axes.reduce((product, { length }) => product * length, 1);
    const many = this.axes.reduce((product, { spans }) => product * size(spans), 1);
    const text = many
      ? `Unit (${this.units.join(", ")}) of ${this.page.layers.get("path", this.layer)} sees ${parts.join(" and ")}: ${many.toLocaleString("en")} of ${whole.toLocaleString("en")} positions of ${input.name} (${share(many / whole)}).`
      : `Unit (${this.units.join(", ")}) sees nothing of ${input.name}.`;
    const others = [...seen.keys()].filter((name) => name !== input.name);
    this.said.textContent = [this.other ? "No units of the chosen layer lie along the input; this is another." : "", text, others.length ? `It depends on ${others.join(", ")}, too.` : ""].filter(Boolean).join(" ");
    this.canvas.setAttribute("aria-label", text);
    this.canvas.dataset.seen = JSON.stringify(this.axes.map(({ spans }) => spans)); // what a test reads
  }

  /** The unit whose region's middle is nearest to where the pointer is. */
  drag(event) {
    const box = this.canvas.getBoundingClientRect();
    const at = new Map([
      [this.across.axis, ((event.clientX - box.left) / box.width) * this.across.length],
      [this.down.axis, ((event.clientY - box.top) / box.height) * this.down.length],
    ]);
    this.choose(this.what.axes.map(({ seen }, i) => {
      const along = seen.find(([, axis, table]) => at.has(axis) && this.data.tables[table].some(([, , , by]) => by)) ?? null;
      if (!along) return this.units[i];
      const runs = this.data.tables[along[2]];
      let best = this.units[i];
      let off = Infinity;
      for (const unit of unitsOf(runs)) {
        const spans = spansOf(runs, unit);
        if (!spans.length) continue;
        const away = Math.abs((spans[0][0] + spans.at(-1)[1] + 1) / 2 - at.get(along[1]));
        if (away < off) [best, off] = [unit, away];
      }
      return best;
    }));
  }
}

function ink(element, name) {
  const probe = h("i", { style: `color:var(${name})`, hidden: true });
  element.parentElement.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function every(length, wide) {
  let step = 1;
  while ((step / length) * wide < 8) step *= 2;
  return step;
}

function nearest(units, wanted) {
  return units.reduce((best, unit) => (Math.abs(unit - wanted) < Math.abs(best - wanted) ? unit : best), units[0]);
}

async function image(page) {
  if (!page.has("image")) return null;
  const { mime, data } = await page.part("image");
  const found = new Image();
  found.src = `data:${mime};base64,${data}`;
  await found.decode();
  return found;
}
