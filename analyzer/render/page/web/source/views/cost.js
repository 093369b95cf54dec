// Where is the cost? Modules as an icicle or a treemap, as wide as what they cost; and layer by layer along depth.
import * as Plot from "@observablehq/plot";
import { cells } from "../cells.js";
import { follow, ticks } from "../charts.js";
import { costs } from "../costs.js";
import { choices, h } from "../elements.js";
import { metrics } from "../metrics.js";
import { tree } from "../modules.js";
import { share } from "../notation.js";

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
    this.tools = h("span", { class: "tools" });
    this.search = h("input", { type: "search", placeholder: "find: conv, layer3\u2026", "aria-label": "Find layers", oninput: () => page.state.set({ find: this.search.value || null }) });
    this.way = h("nav", { class: "crumbs", "aria-label": "Modules" });
    this.place = h("div", { class: "cells" });
    this.said = h("p", { class: "soft", role: "status" });
    this.found = h("p", { class: "soft", role: "status" });
    this.depth = h("div", { class: "chart" });
    this.named = h("p", { class: "soft", role: "status" });
    section.append(h("div", { class: "tools" }, this.tools, this.search), this.way, this.place, this.said, this.found, h("h3", {}, "Along depth"), this.depth, this.named);
    for (const kind of ["pointerover", "focusin"]) this.place.addEventListener(kind, ({ target }) => this.point(target.closest(".cell")));
    this.place.addEventListener("pointerleave", () => this.point(null));
    this.depth.addEventListener("layer", ({ detail }) => this.name(detail));
    this.width = 0;
    new ResizeObserver(() => this.place.clientWidth !== this.width && this.cells()).observe(this.place);
  }

  draw() {
    const { page } = this;
    this.costs = costs(page);
    if (!this.costs) return this.said.replaceChildren("No layer's cost is known.");
    this.drawing = page.state.get("drawing") ?? "icicle";
    this.tools.replaceChildren(
      choices("Measured by", metrics(page).map(({ key, name }) => [key, name]), this.costs.key, (key) => page.state.set({ metric: key })),
      choices("Drawn as", [["icicle", "icicle"], ["treemap", "treemap"]], this.drawing, (drawing) => page.state.set({ drawing })),
    );
    this.at = moduleOf(this.root, page.state.get("module")) ?? this.root;
    this.crumbs();
    this.cells();
    follow(this.depth, page, (width) => depthChart(page, this.costs, width));
  }

  crumbs() {
    const way = [];
    for (let at = this.at; at; at = at.parent) way.unshift(at);
    this.way.replaceChildren(...way.flatMap((at, i) => [
      i ? " / " : "",
      at === this.at ? h("b", {}, at.name || "the model") : h("button", { type: "button", class: "link", onclick: () => this.into(at) }, at.name || "the model"),
    ]));
  }

  into(module) {
    this.page.state.set({ module: module.key || null });
    this.place.querySelector("[tabindex='0']")?.focus();
  }

  cells() {
    if (!this.costs) return;
    this.width = this.place.clientWidth;
    const act = ({ instances: [first] }, node) => {
      if (typeof first === "number") this.page.choose(first);
      else this.into(node.depth ? first : (first.parent ?? first));
    };
    this.place.replaceChildren(cells(this.at, this.costs, { page: this.page, width: this.width, form: this.drawing, act }));
    this.point(null);
    this.mark();
  }

  /** What is pointed at, in words; else what is opened. */
  point(cell) {
    if (this.costs) this.said.textContent = cell ? cell.getAttribute("aria-label") : this.costs.told({ layers: this.at.layers, instances: [this.at] });
  }

  mark() {
    if (!this.costs) return;
    const layer = this.page.state.get("layer");
    const text = this.page.state.get("find") ?? "";
    if (this.search.value !== text) this.search.value = text;
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const { layers } = this.page;
    const fits = (i) => words.every((word) => ["path", "kind", "op"].some((name) => String(layers.get(name, i)).toLowerCase().includes(word)));
    const found = words.length ? layers.column("path").map((_, i) => i).filter(fits) : [];
    const wanted = new Set(found);
    const holds = (group) => group?.layers.some((i) => wanted.has(i)) ?? false;
    for (const group of this.place.querySelectorAll(".cell")) {
      group.classList.toggle("chosen", layer !== null && group.leaf && group.layers.includes(layer));
      // What holds it is framed where no smaller cell is; what doesn't steps back.
      group.classList.toggle("found", holds(group) && !group.node.children?.some((child) => holds(child.cell)));
      group.classList.toggle("faded", wanted.size > 0 && !holds(group));
    }
    const { total, open } = this.costs.sum(found);
    const what = `${open ? "at least " : ""}${this.costs.write(total)} ${this.costs.name}, ${share(this.costs.share(total))} of the model`;
    this.found.textContent = !words.length ? "" : found.length ? `Found: ${found.length} ${found.length === 1 ? "layer" : "layers"}, ${what}` : "Found: none";
    this.name(layer);
  }

  name(layer) {
    this.named.textContent = layer === null ? "Point at a layer for its share; a click chooses it." : `#${layer} ${this.costs.told({ layers: [layer], instances: [layer] })}`;
  }
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

function depthChart(page, { key, name, write, value, upTo, share: part }, width) {
  const rows = page.layers.column("path").map((_, layer) => ({ layer, value: value(layer), running: upTo(layer) }));
  const known = rows.filter((row) => row.value !== null);
  const heaviest = known.reduce((a, b) => (b.value > a.value ? b : a), known[0]);
  const most = heaviest?.value || 1;
  const left = ticks(most, key.endsWith("bytes") || key.startsWith("bytes"));
  const few = width < 500;
  return Plot.plot({
    width, height: 274, marginLeft: 74, marginRight: 52, marginBottom: 42,
    style: { fontSize: "12px", color: "var(--ink)", background: "none" },
    ariaLabel: heaviest ? `${name} by layer; the most, ${write(heaviest.value)} (${share(part(heaviest.value))}), at ${page.layers.get("path", heaviest.layer)}` : `${name} by layer: none is known`,
    x: { label: "layer, in running order", labelOffset: 38, domain: [-0.5, page.layers.length - 0.5], ticks: Math.min(few ? 4 : 8, page.layers.length), tickFormat: "d" },
    y: { label: null, domain: [0, most * 1.02], grid: true, tickFormat: write, ticks: left },
    marks: [
      Plot.rectY(known, { x1: (d) => d.layer - 0.45, x2: (d) => d.layer + 0.45, y: "value", fill: "var(--c0)" }),
      Plot.tickX(rows.filter((row) => row.value === null), { x: "layer", y1: 0, stroke: "var(--warn)", strokeDasharray: "3 3" }),
      Plot.line(rows, { x: "layer", y: (d) => d.running * most, stroke: "var(--c1)", strokeWidth: 1.8, curve: "step-after" }),
      Plot.axisY(left, { anchor: "left", label: null, tickFormat: write }),
      Plot.axisY([0, 0.25, 0.5, 0.75, 1].map((x) => x * most), { anchor: "right", label: null, tickFormat: (n) => share(n / most), color: "var(--c1)" }),
      Plot.text([few ? name : `${name}, a bar a layer`], { frameAnchor: "top-left", dy: -14, fill: "var(--c0)", fontWeight: 600 }),
      Plot.text([few ? "sum up to it" : "the sum up to it, of all"], { frameAnchor: "top-right", dy: -14, fill: "var(--c1)", fontWeight: 600 }),
    ],
  });
}
