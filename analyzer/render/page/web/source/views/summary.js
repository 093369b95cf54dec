// The first screen: what a deployer asks, as a few large figures and the sentences that belong to them.
import { h } from "../elements.js";
import { laid } from "../document.js";

export const summary = {
  id: "summary",
  title: "Summary",
  lead: "What does this model cost, and what does it see?",
  parts: ["model"],
  mount(section, page) {
    const { tiles, ends, notes, more } = page.model;
    section.append(
      h("div", { class: "tiles" }, tiles.map(tile)),
      h("div", { class: "ends" }, ends.map(end)),
      ...notes.map(note),
      h("details", {}, h("summary", {}, "Every total, and what it means"), ...laid(more).flat()),
    );
  },
};

function tile({ label, figure, unit, said, tone, id }) {
  return h("div", { class: `tile ${tone ?? ""}`, "data-figure": id },
    h("p", { class: "label" }, label),
    h("p", { class: figure.length > 12 ? "figure long" : "figure" }, figure, unit ? h("span", { class: "unit" }, ` ${unit}`) : null),
    said ? h("p", { class: "said" }, said) : null);
}

function end({ kind, name, shape, dtype }) {
  return h("p", {}, h("span", { class: "soft" }, `${kind} `), h("b", {}, name), " ", h("code", {}, shape), " ", h("span", { class: "soft" }, dtype));
}

function note({ severity, text }) {
  return h("p", { class: `note ${severity}` }, h("b", {}, severity), " ", text);
}
