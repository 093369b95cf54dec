// The first screen: how many models, what they cost together, and of which there is no report.
import { h } from "../../elements.js";
import { exact } from "../../notation.js";
import { many } from "../units.js";
import { note, tile } from "../../views/summary.js";

const SELECTS = { error: "error", partial: "partial" };

export const summary = {
  id: "summary",
  title: "Summary",
  lead: "What is in this fleet, and what isn't known of it?",
  mount(section, page) {
    const { tiles, lint, whole, count, shown } = page.fleet;
    section.append(h("div", { class: "tiles" }, tiles.map((x) => (x.id in SELECTS && x.figure !== "0" ? pressed(page, x) : tile(x)))));
    if (!whole) {
      section.append(note({ severity: "info", text: `Figures, distributions and bars count all ${exact(count)} models. One by one, ${exact(shown)} of them are on this page: ` +
        "the 200 largest and smallest of every figure, examples of each failure, and 10,000 chosen by a hash of their paths. The scan's file has all rows." }));
    }
    if (lint.length) section.append(h("details", {}, h("summary", {}, `Rules that found something: ${lint.length}`), h("ul", { class: "plain" }, lint.map(([code, n]) => h("li", {}, h("code", {}, code), ` in ${many(n, "model")}`)))));
  },
};

/** A figure that selects the models that it counts. */
function pressed(page, x) {
  const found = tile(x);
  const status = SELECTS[x.id];
  const button = h("button", { type: "button", class: "link", "aria-pressed": "false", onclick: () => page.selection.toggle("status", status) }, "Select them");
  if (page.kinds.some(({ name }) => name === "status")) found.append(button);
  page.selection.on(() => button.setAttribute("aria-pressed", String(page.selection.values("status").includes(status))));
  return found;
}
