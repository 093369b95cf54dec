// What would it cost at another size? A slider over the valid ones; everything on the page follows.
import * as Plot from "@observablehq/plot";
import { labelled, ticks } from "../charts.js";
import { h } from "../elements.js";
import { count, nbytes } from "../notation.js";

export const sizes = {
  id: "sizes",
  title: "Sizes",
  lead: "What would it cost at another size? Move it: the costs on the page follow, from exact formulas; what units see is of its own size.",
  parts: ["sizes"],
  async mount(section, page) {
    const data = await page.part("sizes");
    const dims = data.dims.join(" = ");
    const last = data.lengths.length - 1;
    const own = Math.max(0, data.lengths.indexOf(data.own));
    const choose = (i) => page.state.set({ size: i === own ? null : String(data.lengths[i]) });
    const slider = h("input", { type: "range", min: 0, max: last, "aria-label": dims, oninput: () => choose(Number(slider.value)) });
    const said = h("output");
    const charts = h("div", { class: "pair" });
    section.append(
      h("div", { class: "tools" }, h("label", { class: "grow" }, `${dims} `, slider), said,
        h("button", { type: "button", onclick: () => choose(own) }, `Back to ${data.lengths[own]}`)),
      charts,
      ...["macs", "peak_activation_bytes"].map((name) => formula(name, data.formulas[name])),
      figures(data),
    );
    const draw = (i) => {
      slider.value = String(i);
      said.textContent = `${data.lengths[i]}: ${count(data.totals.macs[i])} MACs, ${nbytes(data.totals.peak_activation_bytes[i])} of activations at the peak`;
      const width = Math.max(280, Math.floor((charts.clientWidth - 24) / (charts.clientWidth > 700 ? 2 : 1)));
      charts.replaceChildren(
        chart(data, "macs", "MACs", count, dims, i, width),
        chart(data, "peak_activation_bytes", "peak activation bytes", nbytes, dims, i, width),
      );
    };
    page.state.on("size", ({ size }) => {
      const i = data.lengths.indexOf(Number(size ?? data.own));
      if (i >= 0) draw(i);
    });
    new ResizeObserver(() => draw(Number(slider.value))).observe(charts);
  },
};

function chart(data, name, label, write, dims, i, width) {
  const rows = data.lengths.map((length, k) => ({ length, value: data.totals[name][k] })).filter(({ value }) => value !== null);
  const here = rows.filter(({ length }) => length === data.lengths[i]);
  const most = Math.max(0, ...rows.map(({ value }) => value)) * 1.15 || 1; // room for the figure at the mark
  const along = i / Math.max(1, data.lengths.length - 1);
  const textAnchor = along < 0.1 ? "start" : along > 0.9 ? "end" : "middle";
  const figure = Plot.plot({
    width, height: 250, marginLeft: 70, marginBottom: 42,
    style: { fontSize: "12px", color: "var(--ink)", background: "none" },
    x: { label: dims, labelOffset: 38, nice: true },
    y: { label, grid: true, domain: [0, most], tickFormat: write, ticks: ticks(most, write === nbytes) },
    marks: [
      Plot.line(rows, { x: "length", y: "value", stroke: "var(--c0)", strokeWidth: 2 }),
      Plot.dot(rows, { x: "length", y: "value", fill: "var(--c0)", r: 2.5 }),
      Plot.dot(here, { x: "length", y: "value", fill: "var(--c1)", r: 6 }),
      Plot.text(here, { x: "length", y: "value", text: (d) => write(d.value), textAnchor, dy: -14, fill: "var(--ink)", stroke: "var(--paper)", strokeWidth: 4 }),
    ],
  });
  labelled(figure);
  const known = rows.map(({ value }) => value);
  figure.setAttribute("aria-label", `${label} from ${write(Math.min(...known))} to ${write(Math.max(...known))} as ${dims} goes from ${rows[0]?.length} to ${rows.at(-1)?.length}`);
  return figure;
}

function formula(name, { moments, why }) {
  const label = name === "macs" ? "MACs" : "peak activation bytes";
  if (!moments.length) return h("p", { class: "soft" }, `${label}: ${why || "no formula"}`);
  const text = moments.join(", ");
  return h("p", {}, `${label} = `, moments.length > 1 ? "the largest of " : "", h("code", {}, text.length > 400 ? `${text.slice(0, 400)}\u2026` : text));
}

function figures(data) {
  const names = [["macs", "MACs", count], ["flops", "FLOPs", count], ["peak_activation_bytes", "peak activations", nbytes], ["traffic_bytes", "traffic", nbytes]];
  return h("details", {}, h("summary", {}, "The figures as a table"),
    h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Figures by size" }, h("table", {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "number" }, data.dims.join(" = ")), names.map(([, text]) => h("th", { scope: "col", class: "number" }, text)))),
      h("tbody", {}, data.lengths.map((length, i) => h("tr", {}, h("td", { class: "number" }, String(length)), names.map(([name, , write]) => h("td", { class: "number" }, write(data.totals[name][i])))))))));
}
