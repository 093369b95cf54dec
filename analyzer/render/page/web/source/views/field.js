// How far does the network see, layer by layer? Field against depth: all paths, local, smallest; the input as a line.
import * as Plot from "@observablehq/plot";
import { choices, h } from "../elements.js";
import { follow } from "../charts.js";

const LINES = [
  { key: 1, name: "all paths", color: "var(--c0)", dash: "2 4" },
  { key: 2, name: "local", color: "var(--c0)", dash: null },
  { key: 3, name: "smallest path", color: "var(--c1)", dash: null },
];

export const field = {
  id: "field",
  title: "Field",
  lead: "How far does it see, layer by layer? Choose a layer to look through it below.",
  parts: ["fields"],
  async mount(section, page) {
    const { axes } = await page.part("fields");
    const effective = (await page.part("effective")) ?? { layers: {} };
    const tools = h("div", { class: "tools" });
    const place = h("div", { class: "chart" });
    section.append(tools, place, legend(Object.keys(effective.layers).length > 0));
    page.state.on(["axis", "scale"], (chosen) => {
      const axis = axes[Number(chosen.axis ?? 0)] ?? axes[0];
      const scale = chosen.scale ?? "linear";
      tools.replaceChildren(
        ...(axes.length > 1 ? [choices("Axis", axes.map((x, i) => [i, name(x, axes)]), axes.indexOf(axis), (i) => page.state.set({ axis: String(i) }))] : []),
        choices("Scale", [["linear", "linear"], ["log", "log"]], scale, (value) => page.state.set({ scale: value })),
      );
      follow(place, page, (width) => chart(axis, scale, page, width, effective));
    });
  },
};

function chart(axis, scale, page, width, effective) {
  const held = Object.entries(effective.layers).filter(([, x]) => x.input === axis.input && x.axes.includes(axis.axis)).map(([layer, x]) => ({ x: Number(layer), y: x.sides.at(-1) }));
  const marks = LINES.map(({ key, color, dash }) => ({ values: axis.rows.map((row) => ({ x: row[0], y: row[key] })), color, dash }));
  const least = scale === "log" ? 1 : 0;
  const open = axis.rows.filter((row) => row[1] === null && row[4] !== null);
  return Plot.plot({
    width,
    height: 320,
    marginLeft: 56,
    style: { fontSize: "12px", color: "var(--ink)", background: "none" },
    ariaLabel: said(axis, page),
    x: { label: "layer, in running order", domain: [0, Math.max(1, page.layers.length - 1)], tickFormat: "d" },
    y: { label: `input positions along ${axis.name}`, type: scale, grid: true, domain: [least, most(axis)], nice: scale === "linear" },
    marks: [
      axis.length ? Plot.ruleY([axis.length], { stroke: "var(--soft)", strokeDasharray: "6 4" }) : null,
      axis.length ? Plot.text([axis.length], { y: (d) => d, frameAnchor: "right", text: [`input: ${axis.length}`], dy: -8, fill: "var(--soft)" }) : null,
      ...marks.map(({ values, color, dash }) =>
        Plot.line(values, { x: "x", y: (d) => (d.y === null ? NaN : Math.max(d.y, least)), stroke: color, strokeWidth: 2, strokeDasharray: dash, curve: "step-after" })),
      Plot.line(held, { x: "x", y: "y", stroke: "var(--c2)", strokeWidth: 2 }),
      Plot.dot(held, { x: "x", y: "y", fill: "var(--c2)", r: 3 }),
      Plot.dot(open, { x: (row) => row[0], y: (row) => row[4], symbol: "triangle", stroke: "var(--warn)" }),
    ],
  });
}

function most(axis) {
  return Math.max(axis.length ?? 1, ...axis.rows.flatMap((row) => [row[1], row[2], row[3], row[4]]).filter((x) => x !== null)) * 1.04;
}

function said(axis, page) {
  const local = axis.rows.filter((row) => row[2] !== null);
  const largest = local.reduce((a, b) => (b[2] > a[2] ? b : a), local[0]);
  const reaches = axis.length && local.find((row) => row[2] >= axis.length);
  return [
    `Field along ${axis.name} by layer.`,
    largest ? `The largest local field is ${largest[2]}, at ${page.layers.get("path", largest[0])}.` : "",
    reaches ? `It covers the input of ${axis.length} from layer ${reaches[0]} on.` : "",
  ].filter(Boolean).join(" ");
}

function legend(effective) {
  const lines = effective ? [...LINES, { name: "side of the square that holds 95 % of the effective field", color: "var(--c2)" }] : LINES;
  return h("p", { class: "legend" }, lines.map(({ name: text, color, dash }) =>
    h("span", {}, h("i", { style: `border-block-start:2px ${dash ? "dotted" : "solid"} ${color}` }), text)));
}

function name(axis, axes) {
  const several = new Set(axes.map((x) => x.input)).size > 1;
  return several ? `${axis.input} ${axis.axis}` : axis.name;
}
