// The first screen: what a deployer asks, as a few large figures and the sentences that belong to them.
import { h } from "../elements.js";
import { laid } from "../document.js";
import { count, nbytes } from "../notation.js";

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
    page.state.on("size", () => page.size && resized(section, page, page.size));
  },
};

/** The large figures at another size, and at which. */
function resized(section, page, size) {
  for (const place of section.querySelectorAll("[data-figure]")) {
    const total = page.model.totals[place.dataset.figure];
    if (!total) continue;
    const write = place.dataset.figure.endsWith("bytes") ? nbytes : count;
    const [figure, unit = ""] = write(total.value).split(" ");
    place.querySelector(".figure").replaceChildren(figure, h("span", { class: "unit" }, ` ${unit}`));
  }
  const said = section.querySelector(".at") ?? section.insertBefore(h("p", { class: "at note", role: "status" }), section.firstChild);
  said.textContent = `Figures at size ${size}; what hangs on no size stays.`;
}

export function tile({ label, figure, unit, said, tone, id }) {
  return h("div", { class: `tile ${tone ?? ""}`, "data-figure": id },
    h("p", { class: "label" }, label),
    h("p", { class: figure.length > 12 ? "figure long" : "figure" }, figure, unit ? h("span", { class: "unit" }, ` ${unit}`) : null),
    said ? h("p", { class: "said" }, said) : null);
}

function end({ kind, name, shape, dtype }) {
  return h("p", {}, h("span", { class: "soft" }, `${kind} `), h("b", {}, name), " ", h("code", {}, shape), " ", h("span", { class: "soft" }, dtype));
}

export function note({ severity, text }) {
  return h("p", { class: `note ${severity}` }, h("b", {}, severity), " ", text);
}
