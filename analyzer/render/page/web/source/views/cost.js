// Where is the cost? Modules as an icicle or a treemap, as wide as what they cost; and layer by layer along depth.
import { hierarchy, partition, treemap, treemapSquarify } from "d3-hierarchy";
import * as Plot from "@observablehq/plot";
import { follow } from "../charts.js";
import { choices, h } from "../elements.js";
import { metric, metrics, sum } from "../metrics.js";
import { tree } from "../modules.js";
import { share } from "../notation.js";
import { pressed, svg, text } from "../drawing.js";

const ROW = 34;
const DEEP = 5; // rows of an icicle at once
const SMALL = 1.5; // pixels below which a cell isn't drawn

export const cost = {
  id: "cost",
  title: "Cost",
  lead: "Where is the cost? A module is as wide as its share; a click opens it, a layer is chosen.",
  parts: ["graph"],
  async mount(section, page) {
    const view = new Cost(section, page, tree(await page.part("graph")));
    page.state.on(["metric", "drawing", "module", "size"], () => view.draw());
    page.state.on(["layer", "find"], () => view.mark());
  },
};

class Cost {
  constructor(section, page, root) {
    Object.assign(this, { page, root });
    this.tools = h("div", { class: "tools" });
    this.way = h("nav", { class: "crumbs", "aria-label": "Modules" });
    this.place = h("div", { class: "cells" });
    this.said = h("p", { class: "soft", role: "status" });
    this.depth = h("div", { class: "chart" });
    section.append(this.tools, this.way, this.place, this.said, h("h3", {}, "Along depth"), this.depth);
    this.width = 0;
    new ResizeObserver(() => this.place.clientWidth !== this.width && this.cells()).observe(this.place);
  }

  draw() {
    const { page } = this;
    this.metric = metric(page);
    if (!this.metric) return this.said.append("No layer's cost is known.");
    this.drawing = page.state.get("drawing") ?? "icicle";
    this.tools.replaceChildren(
      choices("Measured by", metrics(page).map(({ key, name }) => [key, name]), this.metric.key, (key) => page.state.set({ metric: key })),
      choices("Drawn as", [["icicle", "icicle"], ["treemap", "treemap"]], this.drawing, (drawing) => page.state.set({ drawing })),
    );
    this.at = moduleOf(this.root, page.state.get("module")) ?? this.root;
    this.crumbs();
    this.cells();
    follow(this.depth, page, (width) => depthChart(page, this.metric, width));
  }

  crumbs() {
    const way = [];
    for (let at = this.at; at; at = at.parent) way.unshift(at);
    this.way.replaceChildren(...way.flatMap((at, i) => [
      i ? " / " : "",
      at === this.at ? h("b", {}, at.name || "the model") : h("button", { type: "button", class: "link", onclick: () => this.into(at) }, at.name || "the model"),
    ]));
    const { total, open } = sum(this.page, this.metric.key, this.at.layers);
    const whole = sum(this.page, this.metric.key, this.root.layers).total;
    const part = whole && this.at !== this.root ? `, ${share(total / whole)} of the model` : "";
    this.said.textContent = `${open ? "at least " : ""}${this.metric.write(total)} ${this.metric.name} in ${this.at.layers.length} layers${part}${open ? "; of some layers it isn't known" : ""}`;
  }

  into(module) {
    this.page.state.set({ module: module.key || null });
    this.place.querySelector("[tabindex]")?.focus();
  }

  cells() {
    if (!this.metric) return;
    this.width = this.place.clientWidth;
    const root = hierarchy(this.at, (x) => (typeof x === "object" ? folded(this.page, x.children) : null))
      .sum((x) => (typeof x === "number" ? Math.max(0, this.page.layers.get(this.metric.key, x) ?? 0) : 0));
    const drawn = this.drawing === "icicle" ? this.icicle(root) : this.treemap(root);
    this.place.replaceChildren(drawn);
    this.mark();
  }

  icicle(root) {
    const rows = Math.min(DEEP, root.height + 1);
    partition().size([this.width, (root.height + 1) * ROW])(root);
    const drawing = svg("svg", { width: this.width, height: rows * ROW, role: "group", "aria-label": this.said.textContent });
    for (const node of root.descendants()) {
      if (node.depth < rows && node.x1 - node.x0 > SMALL) drawing.append(this.cell(root, node, { x: node.x0, y: node.y0, width: node.x1 - node.x0, height: ROW }));
    }
    return drawing;
  }

  treemap(root) {
    const height = Math.min(440, Math.max(240, this.width * 0.5));
    treemap().tile(treemapSquarify).size([this.width, height]).paddingOuter(2).paddingTop((node) => (node.depth < 3 ? 17 : 2)).paddingInner(1).round(true)(root);
    const drawing = svg("svg", { width: this.width, height, role: "group", "aria-label": this.said.textContent });
    for (const node of root.descendants()) {
      if (node.depth && node.x1 - node.x0 > SMALL && node.y1 - node.y0 > SMALL) drawing.append(this.cell(root, node, { x: node.x0, y: node.y0, width: node.x1 - node.x0, height: node.y1 - node.y0 }));
    }
    return drawing;
  }

  cell(root, node, box) {
    const { page } = this;
    const x = node.data;
    const module = typeof x === "object" ? x : null;
    const top = node.ancestors().at(-2) ?? node; // whose colour it has
    const color = node.depth ? (root.children ?? []).indexOf(top) % 8 : null;
    const name = module ? module.name || "the model" : shortest(page.layers.get("path", x));
    const layers = module ? module.layers : [x];
    const { open } = sum(page, this.metric.key, layers);
    const part = root.value ? node.value / root.value : 0;
    const said = `${module ? module.key || "the model" : page.layers.get("path", x)}: ${open ? "at least " : ""}${this.metric.write(node.value)} ${this.metric.name}, ${share(part)}`;
    const group = svg("g", { class: module ? "cell module" : "cell", tabindex: box.width > 8 ? 0 : -1, role: "button", "aria-label": said, transform: `translate(${box.x},${box.y})` });
    const title = svg("title");
    title.textContent = said;
    group.append(title, svg("rect", { width: Math.max(0, box.width - 1), height: box.height - 1, rx: 2, style: color === null ? "fill:var(--raised)" : `fill:var(--c${color})`, "fill-opacity": node.depth ? Math.max(0.16, 0.5 - 0.08 * node.depth) : 1, class: open ? "open" : "" }));
    const letters = Math.floor((box.width - 8) / 7.2);
    const shown = name.length <= letters ? name : letters > 5 ? `${name.slice(0, letters - 1)}\u2026` : "";
    if (shown && box.height > 12) group.append(text(shown, 4, 13, "name"));
    const figures = [`${share(part)}  ${this.metric.write(node.value)}`, share(part)].find((figure) => figure.length <= letters);
    if (figures && box.height > 28 && !(module && this.drawing === "treemap")) group.append(text(figures, 4, 27, "what"));
    const act = (event) => {
      event.stopPropagation();
      if (!module) page.choose(x);
      else if (module === this.at) this.into(module.parent ?? module);
      else this.into(module.of ?? module);
    };
    pressed(group, act);
    group.layers = layers;
    return group;
  }

  mark() {
    const layer = this.page.state.get("layer");
    const wanted = (this.page.state.get("find") ?? "").toLowerCase();
    for (const group of this.place.querySelectorAll(".cell")) {
      group.classList.toggle("chosen", layer !== null && group.layers.length === 1 && group.layers[0] === layer);
      group.classList.toggle("found", Boolean(wanted) && group.layers.some((i) => String(this.page.layers.get("path", i)).toLowerCase().includes(wanted)));
    }
  }
}

/** Neighbours that are the same but for their name stand as one: 1-5 (5x). */
function folded(page, children) {
  const found = [];
  for (const child of children) {
    const last = found.at(-1);
    if (typeof child === "object" && last && typeof last === "object" && alike(page, last.of ?? last, child)) {
      const times = (last.times ?? 1) + 1;
      const first = last.of ?? last;
      found[found.length - 1] = { ...first, of: first, times, name: `${first.name}\u2013${child.name} (${times}\u00d7)`, layers: [...last.layers, ...child.layers], children: [...last.children, ...child.children] };
    } else found.push(child);
  }
  return found;
}

function alike(page, one, other) {
  const words = (x) => x.layers.map((i) => ["kind", "output", "params", "macs"].map((name) => page.layers.get(name, i)).join()).join(";");
  return one.layers.length === other.layers.length && words(one) === words(other);
}

function moduleOf(at, key) {
  if (!key) return null;
  for (const child of at.children) {
    if (typeof child !== "object") continue;
    if (child.key === key) return child;
    const found = key.startsWith(child.key) || child.key.includes("#") ? moduleOf(child, key) : null;
    if (found) return found;
  }
  return null;
}

function shortest(path) {
  return String(path).split("/").filter(Boolean).slice(-2).join("/");
}

function depthChart(page, { key, name, write }, width) {
  const whole = sum(page, key, page.layers.column(key).map((_, i) => i)).total;
  let running = 0;
  const rows = page.layers.column(key).map((value, layer) => {
    running += value ?? 0;
    return { layer, value, running: whole ? running / whole : 0 };
  });
  const most = Math.max(1, ...rows.map(({ value }) => value ?? 0));
  const [heaviest] = [...rows].sort((a, b) => (b.value ?? 0) - (a.value ?? 0));
  return Plot.plot({
    width, height: 260, marginLeft: 70, marginRight: 44,
    style: { fontSize: "12px", color: "var(--ink)", background: "none" },
    ariaLabel: `${name} by layer; the most, ${write(heaviest?.value ?? 0)}, at ${page.layers.get("path", heaviest?.layer ?? 0)}`,
    x: { label: "layer, in running order", domain: [-0.5, page.layers.length - 0.5], ticks: 8, tickFormat: "d" },
    y: { label: `${name}`, domain: [0, most], grid: true, tickFormat: write, ticks: 5 },
    marks: [
      Plot.rectY(rows, { x1: (d) => d.layer - 0.45, x2: (d) => d.layer + 0.45, y: (d) => d.value ?? 0, fill: "var(--c0)" }),
      Plot.line(rows, { x: "layer", y: (d) => d.running * most, stroke: "var(--c1)", strokeWidth: 1.8 }),
      Plot.text(["running sum, 100 %"], { x: page.layers.length - 1, y: most, text: (d) => d, textAnchor: "end", dy: -8, fill: "var(--c1)" }),
    ],
  });
}
