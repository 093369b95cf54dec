// Activation memory over the running order: how much is alive while each layer runs, and what it is.
import * as Plot from "@observablehq/plot";
import { follow, ticks } from "../charts.js";
import { h } from "../elements.js";
import { nbytes } from "../notation.js";

export const memory = {
  id: "memory",
  title: "Memory",
  lead: "How many bytes of activations are alive as it runs? Point at a layer for what they are; the peak is marked.",
  parts: ["memory"],
  async mount(section, page) {
    const data = await page.part("memory");
    const known = data.alive.map((bytes, layer) => ({ layer, bytes })).filter(({ bytes }) => bytes !== null);
    const peak = known.reduce((most, row) => (row.bytes > most.bytes ? row : most), known[0]);
    const place = h("div", { class: "chart" });
    const list = h("div", { class: "alive" });
    section.append(h("p", { class: "soft note" }, "At the size that the page is made at. No buffer is shared, nothing runs in place; weights come on top."), place, list);
    place.addEventListener("layer", ({ detail }) => show(list, page, data, detail));
    follow(place, page, (width) => chart(known, peak, page, width));
    page.state.on("layer", ({ layer }) => show(list, page, data, layer ?? peak.layer));
  },
};

function chart(known, peak, page, width) {
  return Plot.plot({
    width, height: 274, marginLeft: 74, marginRight: 24, marginBottom: 42,
    style: { fontSize: "12px", color: "var(--ink)", background: "none" },
    ariaLabel: `Bytes of activations alive by layer; the most, ${nbytes(peak.bytes)}, while ${page.layers.get("path", peak.layer)} runs`,
    x: { label: "layer, in running order", labelOffset: 38, domain: [-0.5, Math.max(0.5, page.layers.length - 0.5)], ticks: Math.min(width < 500 ? 4 : 8, page.layers.length), tickFormat: "d" },
    y: { label: "alive", domain: [0, peak.bytes * 1.12 || 1], grid: true, tickFormat: nbytes, ticks: ticks(peak.bytes * 1.12 || 1, true) },
    marks: [
      Plot.rectY(known, { x1: (d) => d.layer - 0.5, x2: (d) => d.layer + 0.5, y: "bytes", fill: "var(--c0)", fillOpacity: 0.75 }),
      Plot.dot([peak], { x: "layer", y: "bytes", stroke: "var(--c1)", strokeWidth: 2.5, r: 5 }),
      Plot.text([peak], { x: "layer", y: "bytes", text: (d) => `peak ${nbytes(d.bytes)}`, dy: -13, fill: "var(--ink)", stroke: "var(--paper)", strokeWidth: 4, textAnchor: peak.layer > page.layers.length / 2 ? "end" : "start" }),
    ],
  });
}

/** What is alive while one layer runs, the largest first. */
function show(list, page, data, layer) {
  const tensors = data.tensors.filter(([, , , first, last]) => first <= layer && layer <= last).sort((a, b) => (b[1] ?? Infinity) - (a[1] ?? Infinity));
  const whole = data.alive[layer];
  const inner = new Map(data.inside).get(layer);
  list.dataset.bytes = String(whole); // what a test reads
  list.replaceChildren(
    h("h3", {}, `While ${page.layers.get("path", layer)} runs: ${whole === null ? "not known" : nbytes(whole)} in ${tensors.length} tensors`),
    h("ul", { class: "bars" }, tensors.map(([name, bytes, shape, first, last]) =>
      h("li", {},
        h("span", { class: "bar", style: `inline-size:${bytes && whole ? (100 * bytes) / whole : 0}%`, "aria-hidden": "true" }),
        h("span", {}, name), h("code", {}, shape ?? "?"), h("span", { class: "number" }, nbytes(bytes)),
        h("span", { class: "soft" }, lasting(first, last, page))))),
    ...(inner ? [h("p", { class: "soft" }, `and ${nbytes(inner)} within its subgraph`)] : []),
  );
}

function lasting(first, last, page) {
  const from = first < 0 ? "input" : `from layer ${first}`;
  return `${from} ${last >= page.layers.length ? "to the end" : `to ${last}`}`;
}
