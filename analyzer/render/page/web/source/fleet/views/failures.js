// Why is there no report of some models? Reasons that differ in names and numbers alone are one.
import { h } from "../../elements.js";
import { counts, tally } from "../tally.js";

export const failures = {
  id: "failures",
  title: "Failures",
  lead: "Why is there no report of some models, or one that contradicts itself?",
  parts: ["failures"],
  async mount(section, page) {
    const found = await page.part("failures");
    const places = new Map(page.models.column("row").map((row, i) => [row, i]));
    const entries = found.map(({ kind, said, count, examples }) => ({
      value: `${kind}: ${said}`, label: said, note: kind, tone: "bad", count, below: list(page, examples.map((row) => places.get(row)).filter((i) => i !== undefined), count),
    }));
    section.append(h("div", { class: "reasons" }, tally(page, "why", entries, () => counts(page, "why", page.models.column("why")))));
  },
};

function list(page, examples, count) {
  const left = count - examples.length;
  return h("details", {}, h("summary", {}, `such as ${page.path(examples[0])}`),
    h("ul", { class: "plain" }, examples.map((row) => h("li", {},
      h("button", { type: "button", class: "link", onclick: () => page.choose(row) }, page.path(row)), h("p", { class: "soft" }, page.models.get("error", row)))),
    left > 0 ? h("li", { class: "soft" }, `and ${left.toLocaleString("en")} more: select the reason to see them below`) : null));
}
