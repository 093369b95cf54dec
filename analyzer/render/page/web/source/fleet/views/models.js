// Every model that is selected, a page of the table at a time: sorted, searched, chosen, copied as CSV.
import { copied, csv } from "../../copying.js";
import { h } from "../../elements.js";
import { exact } from "../../notation.js";
import { order } from "../../order.js";
import { address, command } from "../links.js";
import { titled, written } from "../model_text.js";

const USUAL = ["path", "status", "params", "macs", "peak_activation_bytes", "file_bytes", "layers", "opset", "producer"];
const LEFT = new Set(["page", "graph", "row", "operators", "why"]);
const ROWS = 50;

export const models = {
  id: "models",
  title: "Models",
  lead: "Every selected model: sort, search, choose; a link leads to its page or its place.",
  parts: ["models"],
  mount(section, page) {
    new ModelTable(section, page);
  },
};

class ModelTable {
  constructor(section, page) {
    this.page = page;
    this.all = false;
    this.from = 0;
    this.sorted = { name: "row", down: false };
    this.search = h("input", { type: "search", placeholder: "search: resnet, quant/\u2026", "aria-label": "Search models by path", oninput: () => page.state.set({ find: this.search.value || null }) });
    this.said = h("p", { class: "soft", role: "status" });
    this.table = h("table", { class: "layers models" });
    this.pager = h("div", { class: "tools pager" });
    section.append(
      h("div", { class: "tools" }, this.search,
        h("label", {}, h("input", { type: "checkbox", onchange: (event) => this.widen(event.target.checked) }), " every column"),
        h("button", { type: "button", onclick: (event) => copied(this.csv(), event.target) }, "Copy as CSV"), this.said),
      page.folder ? h("p", { class: "soft" }, "all in ", h("code", {}, page.folder)) : "",
      h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "The table of models" }, this.table), this.pager);
    page.state.on("find", ({ find }) => {
      if ((find ?? "") !== this.search.value) this.search.value = find ?? "";
    });
    page.state.on("model", () => this.mark());
    page.selection.on(() => this.gather());
  }

  names() {
    const { models } = this.page;
    return this.all ? models.names.filter((name) => !LEFT.has(name)) : USUAL.filter((name) => models.has(name));
  }

  /** The selected models in the table's order. */
  gather() {
    const values = this.page.models.column(this.sorted.name);
    const sign = this.sorted.down ? -1 : 1;
    const numbers = values.some((value) => typeof value === "number");
    const compare = numbers ? (a, b) => order(values[a], values[b], sign) || a - b : (a, b) => sign * plain(values[a], values[b]) || a - b;
    this.rows = this.page.selection.rows();
    if (this.sorted.name !== "row" || this.sorted.down) this.rows.sort(compare);
    this.from = 0;
    this.draw();
  }

  draw() {
    const names = this.names();
    const shown = this.rows.slice(this.from, this.from + ROWS);
    const head = h("thead", {}, h("tr", {}, names.map((name) => this.head(name)), h("th", { scope: "col" }, h("span", { class: "hidden" }, "details, and the command"))));
    this.table.replaceChildren(head, h("tbody", {}, shown.map((row) => this.row(row, names))));
    this.said.textContent = this.page.selection.any ? `${exact(this.rows.length)} of ${exact(this.page.models.length)} models` : `${exact(this.rows.length)} models`;
    this.turn();
    this.mark();
  }

  head(name) {
    const mine = this.sorted.name === name;
    return h("th", { scope: "col", class: this.isNumber(name) ? "number" : null, "aria-sort": mine ? (this.sorted.down ? "descending" : "ascending") : null },
      h("button", { type: "button", onclick: () => this.sort(name) }, titled(name), mine ? (this.sorted.down ? " \u2193" : " \u2191") : ""));
  }

  row(row, names) {
    const { page } = this;
    const path = page.path(row);
    const cells = names.map((name) => {
      if (name === "path") return h("td", { class: "path" }, this.path(row, path));
      const text = name === "status" && page.models.get("error_kind", row) ? `${page.models.get("status", row)}: ${page.models.get("error_kind", row)}` : written(page, name, row);
      return h("td", { class: [this.isNumber(name) ? "number" : "text", name === "status" ? { error: "bad", partial: "warn" }[page.models.get(name, row)] : ""].join(" ").trim(), title: text.length > 24 ? text : null }, text);
    });
    const act = [
      h("button", { type: "button", "aria-label": `What is known of ${path}`, onclick: () => page.choose(row) }, "Details"),
      h("button", { type: "button", "aria-label": `Copy the command that makes the page of ${path}`, title: command(path), onclick: (event) => copied(command(path), event.currentTarget) }, "Copy"),
    ];
    return h("tr", { "data-row": row, onclick: (event) => event.target.closest("a, button") || page.choose(row) }, cells, h("td", {}, act));
  }

  /** A path leads to the model's page or place; where it has none, to what is known of it here. */
  path(row, path) {
    const { page } = this;
    const where = address(page, row);
    const text = broken(page.shortPath(row));
    if (!where) return h("button", { type: "button", class: "link", title: path, onclick: () => page.choose(row) }, text);
    return h("a", { href: where.href, rel: "noopener noreferrer", target: "_blank" }, text);
  }

  turn() {
    const last = Math.max(0, Math.floor((this.rows.length - 1) / ROWS) * ROWS);
    const to = (from, label, text, off) => h("button", { type: "button", "aria-label": label, disabled: off, onclick: () => this.show(from, label) }, text);
    const [first, end] = [this.from <= 0, this.from >= last];
    const shown = this.rows.length ? `${exact(this.from + 1)} to ${exact(Math.min(this.rows.length, this.from + ROWS))} of ${exact(this.rows.length)}` : "none";
    this.pager.hidden = this.rows.length <= ROWS;
    this.pager.replaceChildren(
      to(0, "First models", "\u00ab", first), to(this.from - ROWS, "Previous models", "\u2039 previous", first), h("span", {}, shown),
      to(this.from + ROWS, "Next models", "next \u203a", end), to(last, "Last models", "\u00bb", end));
  }

  show(from, label) {
    this.from = Math.max(0, from);
    this.draw();
    const button = this.pager.querySelector(`[aria-label="${label}"]`);
    (button.disabled ? this.pager.querySelector("button:not(:disabled)") : button)?.focus();
  }

  isNumber(name) {
    this.numbers ??= new Map();
    if (!this.numbers.has(name)) this.numbers.set(name, this.page.models.column(name).some((value) => typeof value === "number"));
    return this.numbers.get(name);
  }

  mark() {
    for (const row of this.table.querySelectorAll("tr[aria-current]")) row.removeAttribute("aria-current");
    const model = this.page.state.get("model");
    if (model !== null) this.table.querySelector(`tr[data-row="${model}"]`)?.setAttribute("aria-current", "true");
  }

  sort(name) {
    const numbers = this.isNumber(name) && name !== "row";
    const down = this.sorted.name === name ? !this.sorted.down : numbers;
    this.sorted = { name, down };
    this.gather();
    this.table.querySelector("[aria-sort] button")?.focus();
  }

  widen(all) {
    this.all = all;
    this.draw();
  }

  csv() {
    const { models } = this.page;
    const names = models.names.filter((name) => name !== "graph");
    const text = (value) => (Array.isArray(value) ? value.join(" ") : value);
    return csv([names, ...this.rows.map((row) => names.map((name) => text(models.get(name, row))))]);
  }
}

/** A path that may be broken after its slashes. */
function broken(path) {
  return path.split(/(?<=\/)/).flatMap((piece, i) => (i ? [h("wbr"), piece] : [piece]));
}

/** Texts, by their characters: a hundred thousand in no time. */
function plain(a, b) {
  const [x, y] = [String(a ?? ""), String(b ?? "")];
  return x < y ? -1 : x > y ? 1 : 0;
}
