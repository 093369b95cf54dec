// What running it showed: whether predictions hold, how long runs took, which kernels, and what a device waited for.
import * as Plot from "@observablehq/plot";
import { fitted } from "../charts.js";
import { laid } from "../document.js";
import { h } from "../elements.js";
import { duration, share } from "../notation.js";
import { times } from "../times.js";

export const run = {
  id: "run",
  title: "Run",
  lead: "When it was run: did predictions hold, and how long did it take?",
  parts: ["run"],
  async mount(section, page) {
    const { verification, profile } = await page.part("run");
    if (verification) section.append(h("div", { class: "verdict" }, h("p", {}, h("b", { class: verification.ok ? "good" : "bad" }, `The model ${verification.verdict}.`)), laid(verification.blocks).flat().filter(Boolean)));
    if (!profile) return;
    const { latencies, device, kernels, timeline, lines } = profile;
    if (latencies.some(({ p90 }) => p90 !== null)) section.append(h("h3", {}, "Latency"), chart((width) => latencyChart(latencies, width)), latencyKey());
    if (timeline.length) {
      const end = Math.max(...timeline.map(([, start, seconds]) => start + seconds));
      section.append(h("h3", {}, device ? "One run on the device" : "One run"), chart((width) => timelineChart(timeline, kernels, end, page, width)));
      page.state.on("layer", ({ layer }) => section.querySelector(".timeline")?.mark(layer ?? null));
    }
    if (device) section.append(h("h3", {}, "What the device waited for"), waiting(device), gaps(kernels, page));
    section.append(slowest(kernels, page), h("details", {}, h("summary", {}, "All that the run says"), ...laid(lines).flat().filter(Boolean)));
  },
};

function chart(draw) {
  const place = h("div", { class: "chart" });
  fitted(place, draw);
  return place;
}

const style = { fontSize: "12px", color: "var(--ink)", background: "none" };

/** From the fastest run to the slowest, the quantiles between. */
function latencyChart(latencies, width) {
  const rows = latencies.map((x, i) => ({ ...x, row: x.batch === null ? (latencies.length > 1 ? `${i + 1}` : "a run") : `batch ${x.batch}` }));
  const points = rows.flatMap((x) => [["p50", x.p50], ["p90", x.p90], ["p99", x.p99]].filter(([, at]) => at !== null).map(([name, at]) => ({ row: x.row, name, at })));
  return Plot.plot({
    width, height: 56 + 46 * rows.length, marginLeft: 70, marginRight: 60, marginBottom: 44, style,
    ariaLabel: rows.map((x) => `${x.row}: half of the runs took at most ${duration(x.p50)}, 90 % ${duration(x.p90)}, 99 % ${duration(x.p99)}`).join("; "),
    x: { label: "a whole run", labelOffset: 40, tickFormat: duration, ticks: Math.max(3, Math.round(width / 140)), nice: true, domain: [Math.min(...rows.map((x) => x.least ?? x.p50)), Math.max(...rows.map((x) => x.most ?? x.p99 ?? x.p50))], grid: true },
    y: { label: null, domain: rows.map(({ row }) => row), padding: 0.5 },
    marks: [
      Plot.ruleY(rows, { y: "row", x1: (d) => d.least ?? d.p50, x2: (d) => d.most ?? d.p50, stroke: "var(--soft)", strokeWidth: 1.5 }),
      Plot.barX(rows, { y: "row", x1: (d) => d.least ?? d.p50, x2: (d) => d.p90 ?? d.p50, fill: "var(--c0)", fillOpacity: 0.35 }),
      Plot.tickX(points, { y: "row", x: "at", stroke: "name", strokeWidth: 3 }),
      Plot.text(points.filter(({ name }) => name === "p50"), { y: "row", x: "at", text: (d) => duration(d.at), dy: -18, fill: "var(--ink)" }),
    ],
    color: { domain: ["p50", "p90", "p99"], range: ["var(--c0)", "var(--c4)", "var(--c1)"] },
  });
}

function latencyKey() {
  return h("p", { class: "legend" }, [["median", "--c0"], ["90 %", "--c4"], ["99 %", "--c1"]].map(([name, color]) => h("span", {}, h("i", { style: `border-block-start:4px solid var(${color})` }), name)), h("span", {}, "line: the fastest run to the slowest"));
}

/** Kernels of a typical run, one beside another as they ran. */
function timelineChart(timeline, kernels, end, page, width) {
  const rows = timeline.map(([kernel, start, seconds]) => ({ kernel, start, end: start + seconds, layer: kernel === null ? null : kernels[kernel]?.[0] ?? null, name: kernel === null ? "within another" : kernels[kernel]?.[1] ?? "?" }));
  const busy = rows.filter(({ kernel }) => kernel !== null).reduce((sum, x) => sum + x.end - x.start, 0);
  const figure = Plot.plot({
    className: "timeline", width, height: 106, marginLeft: 10, marginRight: 20, marginBottom: 44, style,
    ariaLabel: `${rows.length} kernels in ${duration(end)}, in which they took ${duration(busy)}; the rest is between them`,
    x: { label: "since the run began", labelOffset: 40, domain: [0, end], tickFormat: duration, ticks: Math.max(3, Math.round(width / 140)) },
    y: { axis: null, domain: [0, 1] },
    marks: [
      Plot.rectX(rows, { x1: "start", x2: "end", y1: 0, y2: 1, fill: (d) => `var(--c${(d.kernel ?? 6) % 2 ? 0 : 5})`, title: (d) => `${d.layer === null ? d.name : page.layers.get("path", d.layer)}: ${duration(d.end - d.start)} at ${duration(d.start)}` }),
      Plot.ruleY([0], { stroke: "var(--line)" }),
    ],
  });
  const rects = [...figure.querySelectorAll("[aria-label=rect] rect")];
  figure.addEventListener("click", ({ target }) => {
    const layer = rows[rects.indexOf(target)]?.layer ?? null;
    if (layer !== null) page.choose(layer);
  });
  figure.mark = (layer) => rects.forEach((rect, i) => rect.classList.toggle("chosen", layer !== null && rows[i].layer === layer));
  return figure;
}

function waiting({ wall, active, launch_gaps, turnaround, head, tail }) {
  const parts = [
    ["working", active, "--c2"], ["waiting for launches", launch_gaps, "--c1"], ["between kernels already launched", turnaround, "--c4"],
    ["before the first", head, "--c6"], ["after the last", tail, "--c7"],
  ];
  return h("div", {},
    h("div", { class: "stack", role: "img", "aria-label": parts.map(([name, seconds]) => `${name} ${duration(seconds)}`).join(", ") },
      parts.map(([name, seconds, color]) => h("i", { style: `inline-size:${(100 * seconds) / wall}%;background:var(${color})`, title: `${name}: ${duration(seconds)}` }))),
    h("p", { class: "legend" }, parts.map(([name, seconds, color]) => h("span", {}, h("i", { style: `border-block-start:10px solid var(${color})` }), `${name} ${duration(seconds)} (${share(seconds / wall)})`))),
    h("p", { class: "soft" }, `Of a recorded run of ${duration(wall)}: records slow launches down, so an unrecorded run waits less.`));
}

function gaps(kernels, page) {
  return times("Longest waits before a launch", kernels.map(([layer, name, , gap]) => [layer, name, gap]), page, "--c1");
}

function slowest(kernels, page) {
  const whole = kernels.reduce((sum, [, , seconds]) => sum + (seconds ?? 0), 0);
  return times("Slowest kernels", kernels, page, "--c0", whole);
}
