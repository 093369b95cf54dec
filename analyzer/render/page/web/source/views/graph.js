// The graph: modules folded; only what is open is laid out. Coloured by a metric, searched, walked by keyboard.
import { layout as dagre, Graph } from "@dagrejs/dagre";
import { select } from "d3-selection";
import { zoom, zoomIdentity } from "d3-zoom";
import { interpolateViridis } from "d3-scale-chromatic";
import { pressed, svg, text } from "../drawing.js";
import { choices, h } from "../elements.js";
import { metric, metrics, sum } from "../metrics.js";
import { above, tree } from "../modules.js";

const MOST = 400; // nodes that are laid out at once

export const graph = {
  id: "graph",
  title: "Graph",
  lead: "What gives what to what? Open a module by a click or Enter, choose a layer; drag and scroll to move.",
  parts: ["graph"],
  async mount(section, page) {
    new Drawn(section, page, await page.part("graph")).start();
  },
};

class Drawn {
  constructor(section, page, data) {
    Object.assign(this, { page, data, root: tree(data), open: new Set([""]) });
    this.tools = h("div", { class: "tools" });
    this.said = h("p", { class: "soft", role: "status" });
    this.svg = svg("svg", { class: "graph", role: "group", "aria-label": "The model's graph" });
    this.inner = svg("g");
    this.svg.append(arrowhead(), this.inner);
    section.append(this.tools, this.svg, this.said);
    this.zoom = zoom().scaleExtent([0.05, 3]).filter((event) => event.type !== "wheel" || event.ctrlKey || this.svg.matches(":focus-within, :active"))
      .on("zoom", ({ transform }) => this.inner.setAttribute("transform", transform));
    select(this.svg).call(this.zoom).on("dblclick.zoom", null);
  }

  start() {
    this.openAlone(this.root);
    this.page.state.on(["metric", "size"], () => {
      const all = metrics(this.page);
      this.metric = metric(this.page);
      this.tools.replaceChildren(
        choices("Coloured by", all.map(({ key, name }) => [key, name]), this.metric?.key, (key) => this.page.state.set({ metric: key })),
        h("button", { type: "button", onclick: () => this.fold() }, "Fold all"),
        h("button", { type: "button", onclick: () => this.fit() }, "Whole graph"),
      );
      if (this.nodes) this.draw();
    });
    this.page.state.on("find", () => this.nodes && this.find());
    this.page.state.on("layer", ({ layer }) => this.reach(layer ?? null));
    if (!this.nodes) this.draw();
    this.fit();
    const chosen = this.page.state.get("layer");
    if (chosen !== null) this.reach(chosen);
  }

  /** A module that is alone in its parent says nothing while it is folded. */
  openAlone(at) {
    const inside = at.children.filter((x) => typeof x === "object");
    if (inside.length === 1 && at.children.length < 4) {
      this.open.add(inside[0].key);
      this.openAlone(inside[0]);
    }
  }

  fold() {
    this.open = new Set([""]);
    this.openAlone(this.root);
    this.draw();
    this.fit();
  }

  toggle(module) {
    if (this.open.has(module.key)) this.open.delete(module.key);
    else this.open.add(module.key);
    this.draw();
    this.nodes.get(module.key)?.element?.focus();
  }

  /** Open what a layer is in, and bring it to the middle. */
  reach(layer) {
    if (layer === null) return this.nodes && this.mark(null);
    const way = above(this.root, layer).filter(({ key }) => !this.open.has(key));
    for (const { key } of way) this.open.add(key);
    if (way.length || !this.nodes) this.draw();
    this.mark(layer);
    const node = this.nodes.get(layer);
    if (node) this.to(node.x, node.y);
  }

  draw() {
    const shown = this.visible();
    if (shown.size > MOST) {
      this.said.textContent = `That would be ${shown.size} nodes; ${MOST} are laid out at once. Fold another module first.`;
      this.open = new Set([...(this.last ?? [""])]);
      return;
    }
    this.last = new Set(this.open);
    const { nodes, edges, frames } = this.lay(shown);
    this.nodes = nodes;
    const heat = this.heat(nodes);
    this.inner.replaceChildren(
      ...frames.map((frame) => this.frame(frame)),
      ...edges.map(edge),
      ...[...nodes].map(([key, node]) => this.node(key, node, heat)),
    );
    this.said.textContent = `${nodes.size} nodes, coloured by ${this.metric?.name ?? "nothing"}; brighter is more`;
    this.mark(this.page.state.get("layer"));
    this.find();
  }

  /** What is to be seen: layer or folded module -> what it is; and for each layer, who stands for it. */
  visible() {
    const shown = new Map();
    this.standing = new Map();
    const walk = (at) => {
      for (const child of at.children) {
        if (typeof child === "number") this.standing.set(child, child), shown.set(child, { layers: [child], in: at });
        else if (this.open.has(child.key)) walk(child);
        else {
          shown.set(child.key, { layers: child.layers, module: child, in: at });
          for (const layer of child.layers) this.standing.set(layer, child.key);
        }
      }
    };
    walk(this.root);
    return shown;
  }

  lay(shown) {
    const { page, data } = this;
    const g = new Graph({ compound: true });
    g.setGraph({ rankdir: "TB", nodesep: 24, ranksep: 34, marginx: 20, marginy: 20 });
    g.setDefaultEdgeLabel(() => ({}));
    const end = (i) => (i < 0 ? `in ${-1 - i}` : i >= page.layers.length ? `out ${i - page.layers.length}` : this.standing.get(i));
    const id = (key) => JSON.stringify(key); // a layer's number and a module's name never meet
    const inner = new Set();
    for (const [key, { module, layers, in: parent }] of shown) {
      const text = module ? module.name : short(page.layers.get("path", key), parent.key);
      const what = module ? `${layers.length} layers` : [page.layers.get("op", key), page.layers.get("output", key)].filter(Boolean).join("  ");
      g.setNode(id(key), { key, text, what, width: Math.max(90, 16 + 7.2 * Math.max(text.length, what.length * 0.9)), height: 42, module, layers });
      for (let at = parent; at && at.key; at = at.parent) {
        if (!inner.has(at.key)) g.setNode(id(`frame ${at.key}`), { frame: at });
        inner.add(at.key);
      }
    }
    for (const [key, { in: parent }] of shown) if (parent.key) g.setParent(id(key), id(`frame ${parent.key}`));
    for (const key of inner) {
      const up = frameOf(this.root, key)?.parent;
      if (up?.key) g.setParent(id(`frame ${key}`), id(`frame ${up.key}`));
    }
    const ends = new Map([...data.inputs.map((name, i) => [`in ${i}`, name]), ...data.outputs.map((name, i) => [`out ${i}`, name])]);
    const joined = new Map();
    for (const [a, b, shape] of data.edges) {
      const [from, to] = [end(a), end(b)];
      if (from === to) continue;
      for (const key of [from, to]) if (ends.has(key) && !g.hasNode(id(key))) g.setNode(id(key), { key, text: ends.get(key), what: "", end: true, width: 24 + 7.2 * ends.get(key).length, height: 28, layers: [] });
      const key = `${id(from)} ${id(to)}`;
      if (joined.has(key)) joined.get(key).shapes.add(shape);
      else joined.set(key, { from: id(from), to: id(to), shapes: new Set([shape]) });
    }
    for (const { from, to, shapes } of joined.values()) g.setEdge(from, to, { text: [...shapes].join(", ") });
    dagre(g);
    this.size = { width: g.graph().width, height: g.graph().height };
    const nodes = new Map();
    const frames = [];
    for (const name of g.nodes()) {
      const node = g.node(name);
      if (node.frame) frames.push(node);
      else nodes.set(node.key, node);
    }
    frames.sort((a, b) => b.width * b.height - a.width * a.height);
    return { nodes, frames, edges: g.edges().map((e) => g.edge(e)) };
  }

  heat(nodes) {
    const found = new Map();
    let most = 0;
    for (const [key, { layers }] of nodes) {
      const { total, open } = this.metric ? sum(this.page, this.metric.key, layers) : { total: 0, open: false };
      found.set(key, { total, open });
      most = Math.max(most, total);
    }
    return (key) => ({ ...found.get(key), share: most ? found.get(key).total / most : 0 });
  }

  node(key, node, heat) {
    const { page } = this;
    const { total, open, share } = heat(key);
    const group = svg("g", { class: `node${node.end ? " end" : ""}${node.module ? " module" : ""}`, transform: `translate(${node.x - node.width / 2},${node.y - node.height / 2})` });
    const fill = node.end || (!share && !open) ? "var(--raised)" : interpolateViridis(0.15 + 0.85 * share);
    const dark = !node.end && share > 0 && share < 0.6;
    group.append(
      svg("rect", { width: node.width, height: node.height, rx: node.end ? 14 : 6, fill, class: open ? "open" : "" }),
      text(node.text, node.width / 2, node.end ? 18 : 17, `name${share ? (dark ? " onDark" : " onLight") : ""}`),
      ...(node.what ? [text(node.what, node.width / 2, 33, `what${share ? (dark ? " onDark" : " onLight") : ""}`)] : []),
    );
    if (node.end) return group;
    const figure = this.metric ? `${open ? ">= " : ""}${this.metric.write(total)} ${this.metric.name}` : "";
    const said = node.module ? `module ${node.module.key || node.text}, ${node.what}, ${figure}; closed` : `layer ${page.layers.get("path", key)}, ${figure}`;
    for (const [name, value] of [["tabindex", 0], ["role", "button"], ["aria-label", said]]) group.setAttribute(name, value);
    const title = svg("title");
    title.textContent = said;
    group.prepend(title);
    const act = () => (node.module ? this.toggle(node.module) : page.choose(key));
    pressed(group, act);
    node.element = group;
    return group;
  }

  frame({ frame, x, y, width, height }) {
    const group = svg("g", { class: "frame" });
    const name = text(frame.name, x - width / 2 + 8, y - height / 2 + 14, "name");
    for (const [key, value] of [["tabindex", 0], ["role", "button"], ["aria-label", `module ${frame.key}, open: fold it`], ["text-anchor", "start"]]) name.setAttribute(key, value);
    pressed(name, () => this.toggle(frame));
    group.append(svg("rect", { x: x - width / 2, y: y - height / 2, width, height, rx: 8 }), name);
    return group;
  }

  mark(layer) {
    for (const { element } of this.nodes.values()) element?.classList.remove("chosen");
    const key = layer === null ? null : this.standing.get(layer);
    this.nodes.get(key)?.element?.classList.add("chosen");
  }

  find() {
    const wanted = (this.page.state.get("find") ?? "").toLowerCase();
    for (const [, { element, layers }] of this.nodes) {
      element?.classList.toggle("found", Boolean(wanted) && layers.some((i) => String(this.page.layers.get("path", i)).toLowerCase().includes(wanted)));
    }
  }

  fit() {
    const { width, height } = this.svg.getBoundingClientRect();
    const scale = Math.min(1, Math.max(0.25, width / this.size.width));
    select(this.svg).call(this.zoom.transform, zoomIdentity.translate((width - this.size.width * scale) / 2, Math.max(0, (height - this.size.height * scale) / 2)).scale(scale));
  }

  to(x, y) {
    const { width, height } = this.svg.getBoundingClientRect();
    const scale = Math.max(0.6, this.svg.__zoom.k);
    select(this.svg).call(this.zoom.transform, zoomIdentity.translate(width / 2 - x * scale, height / 2 - y * scale).scale(scale));
  }
}

function edge({ points, text: shape }) {
  const path = svg("path", { class: "edge", d: curve(points), "marker-end": "url(#arrow)" });
  const title = svg("title");
  title.textContent = shape;
  path.append(title);
  return path;
}

function curve(points) {
  const [first, ...rest] = points;
  let d = `M${first.x},${first.y}`;
  for (let i = 0; i < rest.length - 1; i += 1) {
    const [a, b] = [rest[i], rest[i + 1]];
    d += i === rest.length - 2 ? `Q${a.x},${a.y} ${b.x},${b.y}` : `Q${a.x},${a.y} ${(a.x + b.x) / 2},${(a.y + b.y) / 2}`;
  }
  return rest.length === 1 ? `${d}L${rest[0].x},${rest[0].y}` : d;
}

function frameOf(at, key) {
  for (const child of at.children) {
    if (typeof child !== "object") continue;
    if (child.key === key) return child;
    const found = frameOf(child, key);
    if (found) return found;
  }
  return null;
}

function short(path, module) {
  const name = String(path).replace(/^\//, "");
  return name.startsWith(`${module}/`) ? name.slice(module.length + 1) : name.length > 40 ? `\u2026${name.slice(-38)}` : name;
}

function arrowhead() {
  const defs = svg("defs");
  const marker = svg("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" });
  marker.append(svg("path", { d: "M0,0L8,4L0,8z", class: "head" }));
  defs.append(marker);
  return defs;
}
