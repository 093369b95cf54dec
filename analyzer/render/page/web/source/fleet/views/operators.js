// Which operators do the models use, and which of them isn't counted?
import { h } from "../../elements.js";
import { exact } from "../../notation.js";
import { countsOfLists, tally } from "../tally.js";
import { many } from "../units.js";

export const operators = {
  id: "operators",
  title: "Operators",
  lead: "Which operators are used, by how many models? What totals leave out comes first.",
  parts: ["operators"],
  async mount(section, page) {
    const { used, missing } = await page.part("operators");
    const column = page.models.column("operators");
    const open = page.models.column("uncounted");
    section.append(h("div", { class: "columns wider" },
      missing.length ? h("div", {}, h("h3", {}, `Missing in totals: ${exact(missing.length)}`), tally(page, "open", missing.map(gap), () => countsOfLists(page, "open", open), 15)) : "",
      used.length ? h("div", {}, h("h3", {}, `Used: ${exact(used.length)}`), tally(page, "op", used.map(entry), () => countsOfLists(page, "op", column), 15)) : ""));
  },
};

/** Why totals aren't whole: an operator that isn't counted, a length that isn't known. */
function gap([value, models, layers]) {
  return { value, label: value, count: models, note: many(layers, "layer"), tone: "warn" };
}

function entry([value, models, layers, open]) {
  return { value, label: value, count: models, note: `${many(layers, "layer")}${open ? `, not counted in ${exact(open)} of them` : ""}`, tone: open ? "warn" : "" };
}
