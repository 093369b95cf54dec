// Every layer with every column: sorted, filtered, chosen, copied as CSV.
import { copied, csv } from "../copying.js";
import { h } from "../elements.js";
import { count, exact, nbytes, share } from "../notation.js";
import { order } from "../order.js";

const USUAL = ["index", "path", "kind", "output", "params", "macs", "flops", "bytes_written", "intensity"];
const BYTES = new Set(["weight_bytes", "bytes_read", "bytes_written"]);
const COUNTS = new Set(["params", "buffers", "macs", "flops", "elements"]);
const SHARES = /^(padded|outside_.*)$/;
const TITLES = { index: "#", path: "layer", params: "parameters", macs: "MACs", flops: "FLOPs", bytes_written: "written", bytes_read: "read" };
const WINDOWED = 400; // rows above which those far away aren't drawn

export const layers = {
  id: "layers",
  title: "Layers",
  lead: "Every layer with every figure: sort, filter, choose; copied as CSV, all columns come along.",
  parts: ["layers"],
  mount(section, page) {
    new LayerTable(section, page).draw();
  },
};

class LayerTable {
  constructor(section, page) {
    this.page = page;
    this.sorted = { name: "index", down: false };
    this.all = false;
    this.said = h("p", { class: "soft", role: "status" });
    this.search = h("input", { type: "search", placeholder: "filter: conv, layer3, depthwise\u2026", "aria-label": "Filter layers", oninput: () => this.filter(this.search.value) });
    this.table = h("table", { class: "layers" });
    section.append(
      h("div", { class: "tools" }, this.search,
        h("label", {}, h("input", { type: "checkbox", onchange: (event) => this.widen(event.target.checked) }), " every column"),
        h("button", { type: "button", onclick: (event) => this.copy(event.target) }, "Copy as CSV"), this.said),
      h("div", { class: "wide tall", tabindex: 0, role: "region", "aria-label": "The table of layers" }, this.table));
    page.state.on("find", ({ find }) => {
      if ((find ?? "") !== this.search.value) this.search.value = find ?? "";
      if (this.table.firstChild) this.draw();
    });
    page.state.on("layer", ({ layer }) => this.mark(layer));
    page.state.on("size", () => this.table.firstChild && this.draw());
  }

  names() {
    const fields = this.page.layers.names.filter((name) => /^rf_(?!global)/.test(name));
    return this.all ? this.page.layers.names : [...USUAL.filter((name) => this.page.layers.has(name)), ...fields];
  }

  rows() {
    const { layers } = this.page;
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (row) => ["path", "kind", "traits", "op", "scope", "output"].map((name) => layers.get(name, row)).join(" ").toLowerCase();
    const rows = Array.from({ length: layers.length }, (_, row) => row).filter((row) => {
      const it = words.length ? text(row) : "";
      return words.every((word) => it.includes(word));
    });
    const values = layers.column(this.sorted.name);
    const sign = this.sorted.down ? -1 : 1;
    return rows.sort((a, b) => order(values[a], values[b], sign) || a - b);
  }

  draw() {
    const names = this.names();
    const rows = this.rows();
    this.shown = rows;
    const head = h("thead", {}, h("tr", {}, names.map((name) => this.head(name))));
    const body = h("tbody", {}, rows.map((row) => this.row(row, names)));
    this.table.replaceChildren(head, body);
    this.table.classList.toggle("windowed", rows.length > WINDOWED);
    this.said.textContent = rows.length === this.page.layers.length ? `${rows.length} layers` : `${rows.length} of ${this.page.layers.length} layers`;
    this.mark(this.page.state.get("layer"));
  }

  head(name) {
    const mine = this.sorted.name === name;
    const sort = mine ? (this.sorted.down ? "descending" : "ascending") : null;
    return h("th", { scope: "col", class: this.isNumber(name) ? "number" : null, "aria-sort": sort },
      h("button", { type: "button", onclick: () => this.sort(name) }, title(name), mine ? (this.sorted.down ? " \u2193" : " \u2191") : ""));
  }

  row(row, names) {
    const open = h("button", { type: "button", class: "link", onclick: () => this.page.choose(row) });
    return h("tr", { "data-row": row, onclick: () => this.page.choose(row) }, names.map((name) => {
      const value = this.page.layers.get(name, row);
      const text = written(name, value);
      if (name === "path") {
        open.textContent = text;
        return h("td", { class: "path" }, open);
      }
      const whole = this.page.model.totals[name]?.value;
      const part = whole && typeof value === "number" ? value / whole : 0;
      const bar = part > 0.0005 ? h("span", { class: "bar", style: `inline-size:${(100 * part).toFixed(2)}%`, "aria-hidden": "true" }) : null;
      return h("td", { class: this.isNumber(name) ? "number" : null, title: typeof value === "number" && COUNTS.has(name) ? exact(value) : null }, text, bar);
    }));
  }

  isNumber(name) {
    return this.page.layers.column(name).some((value) => typeof value === "number");
  }

  mark(layer) {
    for (const row of this.table.querySelectorAll("tr[aria-current]")) row.removeAttribute("aria-current");
    if (layer !== null && layer !== undefined) this.table.querySelector(`tr[data-row="${layer}"]`)?.setAttribute("aria-current", "true");
  }

  sort(name) {
    this.sorted = { name, down: this.sorted.name === name ? !this.sorted.down : this.isNumber(name) && name !== "index" };
    this.draw();
    this.table.querySelector("[aria-sort] button")?.focus();
  }

  filter(text) {
    this.page.state.set({ find: text || null });
  }

  widen(all) {
    this.all = all;
    this.draw();
  }

  async copy(button) {
    const { layers } = this.page;
    const lines = [layers.names, ...this.shown.map((row) => layers.names.map((name) => layers.get(name, row)))];
    await copied(csv(lines), button);
  }
}

function written(name, value) {
  if (value === null || value === undefined) return "?";
  if (typeof value === "boolean") return value ? "yes" : "";
  if (typeof value !== "number") return String(value);
  if (BYTES.has(name)) return nbytes(value);
  if (COUNTS.has(name)) return count(value);
  if (SHARES.test(name)) return share(value);
  return Number.isInteger(value) ? String(value) : value.toPrecision(3);
}

function title(name) {
  const axis = /^(rf|local|smallest|step|start|out|mean_step|outside)_(\w+)$/.exec(name);
  if (axis && axis[1] === "rf") return `field ${axis[2].toUpperCase()}`;
  return TITLES[name] ?? name.replaceAll("_", " ");
}
