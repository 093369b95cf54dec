// Bundles of layers as cells of an icicle or a treemap, as large as what they cost; what isn't known is hatched.
import { hierarchy, partition, treemap, treemapSquarify } from "d3-hierarchy";
import { pressed, svg, text } from "./drawing.js";
import { bundle, parts } from "./folds.js";
import { share } from "./notation.js";

const ROW = 34;
const DEEP = 5; // rows of an icicle at once
const SMALL = 1.5; // pixels below which a cell isn't drawn
const OPEN = 0.15; // of the width, at most, for layers whose cost isn't known
const STEPS = { ArrowUp: "parent", ArrowDown: "child", ArrowLeft: "before", ArrowRight: "after" };

/**
 * @param {import("./modules.js").Module} at the module that is opened
 * @param {import("./costs.js").Costs} costs
 * @param {{page: import("./page.js").Page, width: number, form: string, act: (bundle: import("./folds.js").Bundle) => void}} how
 */
export function cells(at, costs, { page, width, form, act }) {
  const root = hierarchy(bundle([at], page), (x) => parts(x, page)).sum(weigh(at, costs));
  const drawing = svg("svg", { width, role: "group", "aria-label": `${costs.name} by module` });
  drawing.append(hatch());
  const drawn = form === "icicle" ? icicle(root, width) : tiles(root, width);
  drawing.setAttribute("height", drawn.height);
  for (const { node, box } of drawn.cells) drawing.append((node.cell = cell(root, node, box, costs, form, act)));
  drawing.querySelector(".cell")?.setAttribute("tabindex", 0);
  drawing.addEventListener("keydown", walk);
  return drawing;
}

/** A layer's weight; those that aren't known share a little room, so that they are seen. */
function weigh(at, { value }) {
  const known = at.layers.map(value).filter((x) => x !== null);
  const total = known.reduce((sum, x) => sum + x, 0);
  const open = at.layers.length - known.length;
  const room = total ? total * Math.min(0.02, OPEN / open) : 1;
  return ({ instances, layers }) => (typeof instances[0] === "number" ? layers.reduce((sum, i) => sum + (value(i) ?? room), 0) : 0);
}

function icicle(root, width) {
  const rows = Math.min(DEEP, root.height + 1);
  partition().size([width, (root.height + 1) * ROW])(root);
  const shown = root.descendants().filter((node) => node.depth < rows && node.x1 - node.x0 > SMALL);
  return { height: rows * ROW, cells: shown.map((node) => ({ node, box: { x: node.x0, y: node.y0, width: node.x1 - node.x0, height: ROW } })) };
}

function tiles(root, width) {
  const height = Math.min(440, Math.max(240, width * 0.5));
  treemap().tile(treemapSquarify).size([width, height]).paddingOuter(2).paddingTop((node) => (node.depth < 3 ? 17 : 2)).paddingInner(1).round(true)(root);
  const shown = root.descendants().filter((node) => node.x1 - node.x0 > SMALL && node.y1 - node.y0 > SMALL);
  return { height, cells: shown.map((node) => ({ node, box: { x: node.x0, y: node.y0, width: node.x1 - node.x0, height: node.y1 - node.y0 } })) };
}

function cell(root, node, box, costs, form, act) {
  const { data } = node;
  const leaf = typeof data.instances[0] === "number";
  const top = node.ancestors().at(-2) ?? node; // whose colour it has
  const strength = Math.max(18, 54 - 9 * node.depth); // per cent; mixed, so that text on it stays readable
  const color = node.depth ? `color-mix(in srgb, var(--c${(root.children ?? []).indexOf(top) % 8}) ${strength}%, var(--paper))` : "var(--raised)";
  const { total, open } = costs.sum(data.layers);
  const unknown = open === data.layers.length;
  const group = svg("g", { class: leaf ? "cell" : "cell module", tabindex: -1, role: "button", "aria-label": costs.told(data), transform: `translate(${box.x},${box.y})` });
  const size = { width: Math.max(0, box.width - 1), height: box.height - 1, rx: 2 };
  if (!unknown) group.append(svg("rect", { ...size, style: `fill:${color}` }));
  if (open) group.append(svg("rect", { ...size, class: unknown ? "open whole" : "open", style: "fill:url(#cost-hatch)" }));
  const letters = Math.floor((box.width - 8) / 7.2);
  const shown = data.name.length <= letters ? data.name : letters > 5 ? `${data.name.slice(0, letters - 1)}\u2026` : "";
  if (shown && box.height > 12) group.append(text(shown, 4, 13, "name"));
  const figures = unknown ? ["not known", "?"] : open ? [`\u2265 ${costs.write(total)}`] : [`${share(costs.share(total))}  ${costs.write(total)}`, share(costs.share(total))];
  const fits = figures.find((figure) => figure.length <= letters);
  if (fits && box.height > 28 && !(!leaf && form === "treemap")) group.append(text(fits, 4, 27, "what"));
  pressed(group, (event) => {
    event.stopPropagation();
    act(data, node);
  });
  Object.assign(group, { layers: data.layers, leaf, node });
  return group;
}

function hatch() {
  const defs = svg("defs");
  const pattern = svg("pattern", { id: "cost-hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  pattern.append(svg("line", { x1: 0, y1: 0, x2: 0, y2: 6, class: "hatch" }));
  defs.append(pattern);
  return defs;
}

/** By arrows: up to what it is in, down into it, to its neighbours. */
function walk(event) {
  const step = STEPS[event.key];
  const from = event.target.closest?.(".cell")?.node;
  if (!step || !from) return;
  event.preventDefault();
  const row = from.ancestors().at(-1).descendants().filter((node) => node.depth === from.depth && node.cell);
  const to = { parent: from.parent, child: from.children?.find((node) => node.cell), before: row[row.indexOf(from) - 1], after: row[row.indexOf(from) + 1] }[step];
  if (!to?.cell) return;
  from.cell.setAttribute("tabindex", -1);
  to.cell.setAttribute("tabindex", 0);
  to.cell.focus();
}
