// Of which kinds are the models? A list of bars a kind; several chosen in one list are either of them.
import { h } from "../../elements.js";
import { counts, tally } from "../tally.js";

const ORDERED = new Set(["opset", "ir_version"]);

export const kinds = {
  id: "kinds",
  title: "Kinds",
  lead: "Who exported them, for which opset, of what are they made? Choose some, and everything else counts these.",
  parts: ["kinds"],
  mount(section, page) {
    section.append(h("div", { class: "columns" }, page.kinds.map((kind) => list(page, kind))));
  },
};

function list(page, { name, title, values }) {
  const ordered = ORDERED.has(name) ? [...values].sort(([a], [b]) => (a === null) - (b === null) || b - a) : values;
  const entries = ordered.map(([value, count]) => ({ value, count, label: page.selection.said(value) }));
  return h("div", {}, h("h3", { id: `kind-${name}` }, title), tally(page, name, entries, () => counts(page, name, page.models.column(name))));
}
