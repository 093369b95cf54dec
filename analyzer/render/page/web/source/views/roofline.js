// Work against bytes: how near does each kernel come to what the machine can do, or, by stated ceilings, what is a layer's least time?
import * as Plot from "@observablehq/plot";
import { fitted } from "../charts.js";
import { h } from "../elements.js";
import { count, duration, nbytes, rate, share } from "../notation.js";
import { times } from "../times.js";

const BOUND = { compute: "--c0", memory: "--c1", overhead: "--c6", unknown: "--c7" };
const SAID = { compute: "arithmetic", memory: "moving bytes", overhead: "starting at all", unknown: "not known" };

export const roofline = {
  id: "roofline",
  title: "Roofline",
  lead: "What keeps each layer from being faster: arithmetic, or moving bytes?",
  parts: ["roofline"],
  async mount(section, page) {
    const data = await page.part("roofline");
    const points = data.points.map((row) => Object.fromEntries(data.columns.map((name, i) => [name, row[i]])))
      .map((x) => ({ ...x, path: x.layer === null ? x.name : page.layers.get("path", x.layer), intensity: x.bytes ? x.flops / x.bytes : null, speed: x.flops && (x.seconds ?? x.least) ? x.flops / (x.seconds ?? x.least) : null }));
    const shown = points.filter(({ intensity, speed }) => intensity && speed).sort((a, b) => (b.seconds ?? b.least) - (a.seconds ?? a.least)); // small ones on top
    const place = h("div", { class: "chart", tabindex: -1 });
    const said = h("p", { class: "soft", role: "status" });
    section.append(h("p", { class: "note" }, explained(data)), place, legend(points), said, h("p", { class: "soft" }, left(points, shown)),
      data.run
        ? times("Time above the least", points.filter((x) => x.seconds !== null && x.least !== null).map((x) => [x.layer, x.path, x.seconds - x.least]), page, "--c1")
        : times("Longest least times", points.map((x) => [x.layer, x.path, x.least]), page, "--c0", points.reduce((sum, x) => sum + (x.least ?? 0), 0)));
    const say = (x) => (said.textContent = x ? sentence(x) : "Point at a dot for its figures; a click chooses the layer.");
    fitted(place, (width) => {
      const figure = scatter(data, shown, width);
      const dots = [...figure.querySelectorAll("[aria-label=dot] circle")];
      dots.forEach((dot, i) => {
        dot.addEventListener("pointerenter", () => say(shown[i]));
        dot.addEventListener("click", () => shown[i].layer !== null && page.choose(shown[i].layer));
        dot.classList.add("point");
      });
      place.dots = dots;
      mark();
      return figure;
    });
    function mark() {
      const layer = page.state.get("layer");
      place.dots?.forEach((dot, i) => dot.classList.toggle("chosen", layer !== null && shown[i].layer === layer));
      say(layer === null ? null : shown.find((x) => x.layer === layer));
    }
    page.state.on("layer", mark);
  },
};

function scatter(data, shown, width) {
  const xs = shown.map(({ intensity }) => intensity);
  const ridges = data.ceilings.map(({ flops, bytes }) => flops / bytes);
  const domain = [Math.min(...xs, ...ridges) / 2, Math.max(...xs, ...ridges) * 3];
  const top = Math.max(...shown.map(({ speed }) => speed), ...data.ceilings.map(({ flops }) => flops)) * 2;
  const bottom = Math.min(...shown.map(({ speed }) => speed), ...data.ceilings.map(({ bytes }) => bytes * domain[0])) / 2;
  const whole = shown.reduce((sum, x) => sum + (x.seconds ?? x.least), 0);
  const middle = ({ flops, bytes }) => Math.sqrt((domain[0] * flops) / bytes);
  const haloed = { fill: "var(--ink)", stroke: "var(--paper)", strokeWidth: 4 };
  const lines = data.ceilings.map(({ flops, bytes }) => [[domain[0], domain[0] * bytes], [flops / bytes, flops], [domain[1], flops]]);
  return Plot.plot({
    width, height: Math.min(460, Math.max(300, width * 0.5)), marginLeft: 92, marginRight: 20, marginBottom: 44, style: { fontSize: "12px", color: "var(--ink)", background: "none" },
    ariaLabel: described(data, shown, whole),
    x: { type: "log", label: "FLOPs per byte moved", labelOffset: 40, domain, grid: true, tickFormat: (n) => (Number.isInteger(Math.log10(n)) || width > 700 ? count(n) : ""), ticks: 5 },
    y: { type: "log", label: data.run ? "FLOP/s" : "FLOP/s at the least time", domain: [bottom, top], grid: true, tickFormat: (n) => rate(n, "FLOP/s"), ticks: 5 },
    r: { type: "sqrt", range: [2.5, 15], domain: [0, Math.max(...shown.map((x) => x.seconds ?? x.least))] },
    marks: [
      ...lines.map((line, i) => Plot.line(line, { stroke: "var(--ink)", strokeWidth: 1.6, strokeDasharray: data.ceilings[i].how === "stated" ? "6 4" : null })),
      Plot.dot(shown, { x: "intensity", y: "speed", r: (d) => d.seconds ?? d.least, fill: (d) => `var(${BOUND[d.bound ?? "unknown"]})`, fillOpacity: 0.6, stroke: (d) => `var(${BOUND[d.bound ?? "unknown"]})`, title: sentence, sort: null }),
      Plot.text(data.ceilings, { x: domain[1], y: "flops", text: (d) => `${d.name === "stated" ? "stated" : d.name} ${rate(d.flops, "FLOP/s")}`, textAnchor: "end", dy: -9, ...haloed }),
      Plot.text(data.ceilings.filter(({ bytes }, i) => data.ceilings.findIndex((d) => d.bytes === bytes) === i), { x: middle, y: (d) => d.bytes * middle(d), text: (d) => rate(d.bytes, "B/s"), textAnchor: "start", dx: 10, dy: 10, ...haloed }),
    ],
  });
}

function sentence(x) {
  const time = x.seconds === null ? `at least ${duration(x.least)}` : `${duration(x.seconds)}${x.least === null ? "" : `, at least ${duration(x.least)}: ${share(x.least / x.seconds)} of the roofline`}`;
  return `${x.path}: ${count(x.flops)} FLOPs, ${nbytes(x.bytes)}, ${time}; bound by ${SAID[x.bound ?? "unknown"]}`;
}

function explained(data) {
  if (data.run) return "Each dot is a kernel as it ran, as large as its share of the time; lines are what the machine can do. Far below them it could be faster; above, caches helped.";
  return "Nothing was run: each dot is a layer at the least time that the stated ceilings allow, so it lies on their line; the larger, the more of that time it takes.";
}

function described(data, shown, whole) {
  const bound = {};
  for (const x of shown) bound[x.bound ?? "unknown"] = (bound[x.bound ?? "unknown"] ?? 0) + (x.seconds ?? x.least);
  const parts = Object.entries(bound).sort((a, b) => b[1] - a[1]).map(([key, seconds]) => `${share(seconds / whole)} of the time is bound by ${SAID[key]}`);
  return `${shown.length} ${data.run ? "kernels" : "layers"}: ${parts.join(", ")}`;
}

/** What is bound by what, as shares of the time. */
function legend(points) {
  const whole = points.reduce((sum, x) => sum + (x.seconds ?? x.least ?? 0), 0);
  const keys = Object.keys(BOUND).filter((key) => points.some((x) => (x.bound ?? "unknown") === key && (x.seconds ?? x.least)));
  const of = (key) => points.filter((x) => (x.bound ?? "unknown") === key).reduce((sum, x) => sum + (x.seconds ?? x.least ?? 0), 0);
  return h("p", { class: "legend" }, keys.map((key) => h("span", {}, h("i", { style: `border-block-start:10px solid var(${BOUND[key]})` }), `${SAID[key]}: ${duration(of(key))} (${share(whole ? of(key) / whole : 0)})`)),
    h("span", { "data-whole": whole }, `in all ${duration(whole)}`));
}

function left(points, shown) {
  const none = points.filter((x) => x.flops === 0).length;
  const open = points.length - shown.length - none;
  const words = [none ? `${none} without arithmetic` : "", open > 0 ? `${open} of which work, bytes or time aren't known` : ""].filter(Boolean);
  return words.length ? `Not drawn: ${words.join(", ")}.` : "";
}
